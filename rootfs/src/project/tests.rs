use super::*;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

/// A home with a state directory that does not exist yet.
struct Scene {
    scratch: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { scratch: tempfile::tempdir().unwrap() };
        fs::create_dir(scene.home()).unwrap();
        scene
    }

    fn home(&self) -> PathBuf {
        self.scratch.path().canonicalize().unwrap().join("home")
    }

    fn directory(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = self.home().join(path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn locate(&self, directory: Option<&Path>, cwd: &Path) -> Result<Project, ProjectError> {
        let (home, state) = (self.home(), self.home().join(".local/state/clearing"));
        let owner = fs::metadata(&home).map(|it| (it.gid(), it.uid())).unwrap();
        Project::locate(&ProjectRequest {
            directory,
            cwd,
            home: Some(&home),
            state: &state,
            uid: owner.1,
            gid: owner.0,
            groups: &[],
        })
    }

    fn refusal(&self, directory: &Path) -> Option<Place> {
        match self.locate(Some(directory), &self.home()) {
            Err(ProjectError::Refused { place, .. }) => Some(place),
            _ => None,
        }
    }
}

#[test]
fn the_nearest_ancestor_with_git_is_the_project_and_the_cwd_is_kept() {
    let scene = Scene::new();
    let cwd = scene.directory("app/src/deep");
    fs::create_dir(scene.home().join("app/.git")).unwrap();
    let project = scene.locate(None, &cwd).unwrap();
    assert_eq!((project.root, project.cwd, project.chosen), (scene.home().join("app"), cwd, Chosen::Git));
}

#[test]
fn without_git_the_working_directory_is_the_project() {
    let scene = Scene::new();
    let cwd = scene.directory("app/src");
    let project = scene.locate(None, &cwd).unwrap();
    assert_eq!((project.root, project.chosen), (cwd, Chosen::WorkingDirectory));
}

#[test]
fn a_home_kept_in_git_does_not_become_the_project() {
    let scene = Scene::new();
    let cwd = scene.directory("app");
    fs::create_dir(scene.home().join(".git")).unwrap();
    assert_eq!(scene.locate(None, &cwd).unwrap().root, cwd);
    let error = scene.locate(None, &scene.home()).unwrap_err();
    assert!(matches!(error, ProjectError::Refused { place: Place::Home, .. }), "{error}");
}

#[test]
fn a_named_directory_is_the_project_even_below_a_git_one() {
    let scene = Scene::new();
    let cwd = scene.directory("app/src");
    fs::create_dir(scene.home().join("app/.git")).unwrap();
    let project = scene.locate(Some(Path::new("src")), &scene.home().join("app")).unwrap();
    assert_eq!((project.root, project.cwd, project.chosen), (cwd.clone(), cwd, Chosen::Flag));
}

#[test]
fn a_cwd_outside_of_the_named_directory_becomes_its_top_and_one_inside_is_kept() {
    let scene = Scene::new();
    let (app, inside, other) = (scene.directory("app"), scene.directory("app/src"), scene.directory("other"));
    assert_eq!(scene.locate(Some(&app), &other).unwrap().cwd, app);
    assert_eq!(scene.locate(Some(&app), &inside).unwrap().cwd, inside);
    assert_eq!(scene.locate(Some(&app), Path::new("/gone/away")).unwrap().cwd, app);
}

#[test]
fn a_linked_project_has_its_true_name_and_a_cwd_in_it() {
    let scene = Scene::new();
    let (app, inside) = (scene.directory("app"), scene.directory("app/src"));
    let link = scene.home().join("link");
    symlink(&app, &link).unwrap();
    let project = scene.locate(Some(&link), &link.join("src")).unwrap();
    assert_eq!((project.root, project.cwd), (app, inside));
}

#[test]
fn any_bytes_but_nul_are_fine_in_a_name() {
    let scene = Scene::new();
    let names: [&[u8]; 6] = [b"a b", b"q'\"", b"c:d,e=f", b"back\\slash\\040", b"new\nline", b"\xff\xfe"];
    for name in names {
        let path = scene.directory(OsStr::from_bytes(name));
        assert_eq!(scene.locate(Some(&path), &path).unwrap().root, path);
    }
    let error = scene.locate(Some(Path::new("a\0b")), &scene.home()).unwrap_err();
    assert!(matches!(error, ProjectError::Nul { .. }), "{error}");
}

#[test]
fn what_cannot_be_a_project_is_refused_for_its_own_reason() {
    let scene = Scene::new();
    let state = scene.directory(".local/state/clearing/runs");
    symlink(scene.home(), scene.directory("links").join("home")).unwrap();
    let cases = [
        (PathBuf::from("/"), Place::Root),
        (PathBuf::from("/etc"), Place::System),
        (PathBuf::from("/proc/self"), Place::System),
        (scene.home(), Place::Home),
        (scene.home().join("links/home"), Place::Home),
        (scene.home().join("links/.."), Place::Home),
        (scene.scratch.path().to_owned(), Place::AboveHome),
        (scene.home().join(".local"), Place::HoldsState),
        (state, Place::InState),
    ];
    for (path, place) in cases {
        assert_eq!(scene.refusal(&path), Some(place), "{}", path.display());
    }
}

#[test]
fn a_state_directory_that_is_not_made_yet_is_refused_all_the_same() {
    let scene = Scene::new();
    let local = scene.directory(".local");
    assert_eq!(scene.refusal(&local), Some(Place::HoldsState));
}

#[test]
fn what_is_absent_a_file_or_gone_is_told_apart() {
    let scene = Scene::new();
    fs::write(scene.home().join("file"), "").unwrap();
    let locate = |name: &str| scene.locate(Some(&scene.home().join(name)), &scene.home()).unwrap_err();
    assert!(matches!(locate("absent"), ProjectError::Absent { .. }));
    assert!(matches!(locate("file"), ProjectError::NotADirectory { .. }));
    assert!(matches!(locate("file/x"), ProjectError::NotADirectory { .. }));
    for cwd in ["", "(unreachable)/x", "/gone/away"] {
        let error = scene.locate(None, Path::new(cwd)).unwrap_err();
        assert!(matches!(error, ProjectError::WorkingDirectoryGone { .. }), "{cwd}: {error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn an_unreadable_directory_is_refused() {
    let scene = Scene::new();
    let closed = scene.directory("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let outcome = scene.locate(Some(&closed), &scene.home());
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    match outcome {
        Err(ProjectError::Unreadable { .. }) => {}
        Ok(_) if rustix::process::geteuid().is_root() => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn other_owners_and_handed_down_groups_are_noted() {
    let scene = Scene::new();
    let app = scene.directory("app");
    fs::set_permissions(&app, fs::Permissions::from_mode(0o2755)).unwrap();
    let owner = fs::metadata(&app).unwrap();
    let (home, state) = (scene.home(), scene.home().join("state"));
    let request = ProjectRequest {
        directory: Some(&app),
        cwd: &app,
        home: Some(&home),
        state: &state,
        uid: owner.uid() + 1,
        gid: owner.gid() + 1,
        groups: &[owner.gid()],
    };
    let expected = [
        Note::ForeignOwner { path: app.clone(), uid: owner.uid() },
        Note::ForeignGroup { path: app.clone(), gid: owner.gid(), member: true },
    ];
    assert_eq!(Project::locate(&request).unwrap().notes, expected);
}
