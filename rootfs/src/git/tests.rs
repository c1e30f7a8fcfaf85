use super::*;

use std::fs;
use std::os::unix::fs::symlink;

/// A project and whatever git directories a test puts beside it.
struct Scene {
    _scratch: tempfile::TempDir,
    top: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().canonicalize().unwrap();
        fs::create_dir(top.join("project")).unwrap();
        Self { _scratch: scratch, top }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.top.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn repository(&self, path: &str) {
        self.write(&format!("{path}/HEAD"), "ref: refs/heads/main\n");
        fs::create_dir_all(self.top.join(path).join("objects")).unwrap();
        fs::create_dir_all(self.top.join(path).join("refs")).unwrap();
    }

    /// `git worktree add ../project` in the repository `main`.
    fn worktree(&self) {
        self.repository("main/.git");
        self.write("main/.git/worktrees/project/commondir", "../..\n");
        self.write("main/.git/worktrees/project/gitdir", &format!("{}/project/.git\n", self.top.display()));
        self.point_at("main/.git/worktrees/project");
    }

    fn point_at(&self, gitdir: &str) {
        self.write("project/.git", &format!("gitdir: {}/{gitdir}\n", self.top.display()));
    }

    fn look(&self) -> (Option<PathBuf>, Vec<Note>) {
        let project = self.top.join("project");
        let places = Places::new(None, &self.top.join("state"));
        let mut notes = Vec::new();
        let git = outside(&open_directory(&project).unwrap(), &project, &places, &mut notes);
        (git.map(|git| git.common), notes)
    }

    fn reason(&self) -> Option<Unverified> {
        match self.look() {
            (None, notes) => notes.iter().find_map(|note| match note {
                Note::GitNotShown { why, .. } => Some(*why),
                _ => None,
            }),
            (Some(shown), _) => panic!("{} is shown", shown.display()),
        }
    }
}

#[test]
fn a_worktree_shows_the_repository_it_belongs_to() {
    let scene = Scene::new();
    scene.worktree();
    assert_eq!(scene.look(), (Some(scene.top.join("main/.git")), vec![]));
}

#[test]
fn relative_pointers_lead_both_ways() {
    let scene = Scene::new();
    scene.worktree();
    scene.write("project/.git", "gitdir: ../main/.git/worktrees/project\n");
    scene.write("main/.git/worktrees/project/gitdir", "../../../../project/.git\n");
    assert_eq!(scene.look().0, Some(scene.top.join("main/.git")));
}

#[test]
fn a_submodule_shows_its_module_directory() {
    let scene = Scene::new();
    scene.repository("super/.git/modules/project");
    scene.write("super/.git/modules/project/config", "[core]\n\tworktree = ../../../../project\n");
    scene.point_at("super/.git/modules/project");
    assert_eq!(scene.look(), (Some(scene.top.join("super/.git/modules/project")), vec![]));
}

#[test]
fn a_repository_of_another_project_is_not_shown() {
    let scene = Scene::new();
    scene.repository("victim/.git");
    scene.write("victim/.git/config", "[core]\n\tbare = false\n");
    scene.point_at("victim/.git");
    assert_eq!(scene.reason(), Some(Unverified::PointsElsewhere));
}

#[test]
fn a_worktree_of_another_project_is_not_shown() {
    let scene = Scene::new();
    scene.worktree();
    fs::create_dir(scene.top.join("other")).unwrap();
    scene.write("main/.git/worktrees/project/gitdir", &format!("{}/other/.git\n", scene.top.display()));
    assert_eq!(scene.reason(), Some(Unverified::PointsElsewhere));
}

#[test]
fn a_forged_commondir_does_not_open_a_repository_elsewhere() {
    let scene = Scene::new();
    scene.worktree();
    scene.repository("victim/.git");
    let victim = format!("{}/victim/.git\n", scene.top.display());
    scene.write("main/.git/worktrees/project/commondir", &victim);
    assert_eq!(scene.reason(), Some(Unverified::NotARepository));
}

#[test]
fn a_directory_that_is_no_repository_is_not_shown() {
    let scene = Scene::new();
    scene.write("secrets/config", "[core]\n\tworktree = ../project\n");
    scene.point_at("secrets");
    assert_eq!(scene.reason(), Some(Unverified::NotARepository));
}

#[test]
fn a_repository_around_the_project_is_not_shown() {
    let scene = Scene::new();
    scene.repository(".");
    scene.write("config", "[core]\n\tworktree = project\n");
    scene.point_at(".");
    assert_eq!(scene.reason(), Some(Unverified::Forbidden));
}

#[test]
fn a_pointer_to_nothing_or_of_no_form_is_noted() {
    let scene = Scene::new();
    scene.point_at("nowhere");
    assert_eq!(scene.reason(), Some(Unverified::Absent));
    scene.write("project/.git", "hello\n");
    assert_eq!(scene.reason(), Some(Unverified::NotAPointer));
}

#[test]
fn a_git_link_out_of_the_project_is_noted_and_one_inside_is_fine() {
    let scene = Scene::new();
    scene.repository("main/.git");
    symlink(scene.top.join("main/.git"), scene.top.join("project/.git")).unwrap();
    assert_eq!(scene.reason(), Some(Unverified::Link));
    fs::remove_file(scene.top.join("project/.git")).unwrap();
    scene.repository("project/inner");
    symlink("inner", scene.top.join("project/.git")).unwrap();
    assert_eq!(scene.look(), (None, vec![]));
}

#[test]
fn a_git_fifo_does_not_hang() {
    let scene = Scene::new();
    let path = scene.top.join("project/.git");
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR).unwrap();
    assert_eq!(scene.reason(), Some(Unverified::NotAPointer));
}

#[test]
fn borrowed_objects_are_noted() {
    let scene = Scene::new();
    scene.repository("project/.git");
    assert_eq!(scene.look(), (None, vec![]));
    scene.write("project/.git/objects/info/alternates", "/srv/other/.git/objects\n");
    let path = scene.top.join("project/.git/objects/info/alternates");
    assert_eq!(scene.look(), (None, vec![Note::GitAlternates { path }]));
}
