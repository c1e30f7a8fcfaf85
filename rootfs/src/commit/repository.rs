//! Git repositories in the project: the work of git lands, what git would run does not.
//!
//! `git commit` inside a sandbox is legitimate, so in a `.git` that the project has, the files of git's own
//! work land, by a list of what they are. Hooks, configuration, attributes, other repositories and whatever
//! else is not on that list stay behind; so does all of a repository that the project does not have.

use std::path::{Component, Path, PathBuf};

use super::spelling::is_spelling_of;
use crate::compare::Kind;

/// What may not land, and what the caller may say to let it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Planted {
    pub(crate) key: String,
    pub(crate) reason: &'static str,
}

/// Files of git's own work, right below `.git` or below `.git/worktrees/NAME`.
const FILES: &[&str] = &[
    "HEAD",
    "ORIG_HEAD",
    "FETCH_HEAD",
    "MERGE_HEAD",
    "MERGE_MSG",
    "MERGE_MODE",
    "MERGE_RR",
    "AUTO_MERGE",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "REBASE_HEAD",
    "SQUASH_MSG",
    "COMMIT_EDITMSG",
    "TAG_EDITMSG",
    "BISECT_LOG",
    "BISECT_START",
    "BISECT_TERMS",
    "BISECT_NAMES",
    "BISECT_EXPECTED_REV",
    "BISECT_ANCESTORS_OK",
    "index",
    "packed-refs",
    "shallow",
    "gc.log",
];
/// Directories of git's own work.
const TREES: &[&str] = &["objects", "refs", "logs", "rr-cache", "lfs"];

/// What the judgement has to know of the tree.
pub(crate) trait Repositories {
    /// What the project has under a path.
    fn in_project(&self, path: &Path) -> Option<Kind>;
    /// What the session shows under a path.
    fn in_session(&self, path: &Path) -> Option<Kind>;
    /// Whether the session took the directory away and made another one, or none, in its place.
    fn was_replaced(&self, path: &Path) -> bool;
    /// What either has. What of the session's lands is not known yet, and the rest stays the project's.
    fn in_either(&self, path: &Path) -> Option<Kind> {
        self.in_session(path).or_else(|| self.in_project(path))
    }
    /// The nearest directory above the path that would be a repository without a `.git`.
    fn layout_above(&self, path: &Path) -> Option<PathBuf> {
        let mut above = path.ancestors().skip(1);
        above.find(|directory| is_layout(directory, &|path| self.in_either(path))).map(Path::to_owned)
    }
}

/// Judges a change at `path`: none if no repository forbids it.
pub(crate) fn judge(path: &Path, kind: Option<Kind>, tree: &dyn Repositories) -> Option<Planted> {
    let components: Vec<_> = path.components().collect();
    for (at, component) in components.iter().enumerate() {
        let Component::Normal(name) = component else { continue };
        if is_spelling_of(name, ".git") {
            let here: PathBuf = components[..=at].iter().collect();
            return judge_git(&here, &components[at + 1..], kind, tree);
        }
    }
    judge_without_git(path, &|| kind, tree)
}

/// The same of a path of which no name is git's own. What it is matters in a repository alone.
pub(crate) fn judge_without_git(
    path: &Path,
    kind: &dyn Fn() -> Option<Kind>,
    tree: &dyn Repositories,
) -> Option<Planted> {
    // A directory that is changed below, and its parents; a path of a layout is changed in its directory.
    let bare = tree.layout_above(path)?;
    if is_layout(&bare, &|path| tree.in_project(path)) {
        let rest: Vec<_> = path.strip_prefix(&bare).unwrap_or(path).components().collect();
        return judge_inner(&rest, kind());
    }
    Some(Planted {
        key: "bare-repository".into(),
        reason: "it makes its directory a repository, whose configuration git obeys",
    })
}

/// Whether git would take a directory for a repository of its own: it has `HEAD`, and either `objects` and
/// `refs` or a file that says where those are.
pub(crate) fn is_layout(directory: &Path, kind: &dyn Fn(&Path) -> Option<Kind>) -> bool {
    let has = |name: &str| kind(&directory.join(name)).is_some();
    has("HEAD") && (has("objects") && has("refs") || has("commondir"))
}

fn judge_git(
    git: &Path,
    rest: &[Component<'_>],
    kind: Option<Kind>,
    tree: &dyn Repositories,
) -> Option<Planted> {
    let is_own = git.file_name().is_some_and(|name| name == ".git");
    if !is_own || tree.in_project(git) != Some(Kind::Directory) {
        return planted(".git", "it plants a repository, whose hooks and configuration git obeys");
    }
    if rest.is_empty() || tree.in_session(git) != Some(Kind::Directory) {
        return planted(".git", "it replaces or closes the repository itself");
    }
    let essential = ["", "objects", "refs"].map(|name| git.join(name));
    if essential.iter().any(|directory| tree.was_replaced(directory)) {
        return planted(".git", "the repository was taken away, and another one made in its place");
    }
    judge_inner(rest, kind)
}

/// Judges a path in a repository that the project has.
fn judge_inner(rest: &[Component<'_>], kind: Option<Kind>) -> Option<Planted> {
    if kind == Some(Kind::Symlink) {
        return planted(&key(rest), "a link in a repository leads git elsewhere");
    }
    let names: Vec<&str> = rest.iter().map(|name| name.as_os_str().to_str().unwrap_or("\u{fffd}")).collect();
    match names.as_slice() {
        ["objects", "info", "alternates" | "http-alternates"] => {
            planted(&key(rest), "it makes git read the objects of other repositories")
        }
        [file] if FILES.contains(file) => None,
        [tree, ..] if TREES.contains(tree) => None,
        ["worktrees"] => None,
        ["worktrees", _, file] if FILES.contains(file) => None,
        ["worktrees", _, "logs" | "refs", ..] => None,
        ["hooks", ..] => planted(".git/hooks", "git runs it"),
        ["config" | "config.worktree", ..] => planted(&key(rest), "it names programs that git runs"),
        ["info", ..] => planted(".git/info", "its attributes choose programs that git runs"),
        ["modules", ..] => planted(".git/modules", "it is a repository of its own, with hooks"),
        ["rebase-merge" | "rebase-apply" | "sequencer", ..] => {
            planted(&key(&rest[..1]), "`git rebase --continue` would run what it lists")
        }
        _ => planted(&key(rest), "it is not known as a file of git's own work"),
    }
}

fn key(rest: &[Component<'_>]) -> String {
    let path: PathBuf = rest.iter().collect();
    format!(".git/{}", path.to_string_lossy())
}

#[expect(clippy::unnecessary_wraps, reason = "each use is an answer")]
fn planted(key: &str, reason: &'static str) -> Option<Planted> {
    Some(Planted { key: key.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paths of the project, and paths that the session shows; directories end with a slash.
    struct Trees(&'static [&'static str], &'static [&'static str]);

    fn look(paths: &[&str], path: &Path) -> Option<Kind> {
        let slashed = format!("{}/", path.display());
        if paths.iter().any(|it| it.starts_with(&slashed)) {
            return Some(Kind::Directory);
        }
        paths.iter().any(|it| Path::new(it) == path).then_some(Kind::File)
    }

    impl Repositories for Trees {
        fn in_project(&self, path: &Path) -> Option<Kind> {
            look(self.0, path)
        }
        fn in_session(&self, path: &Path) -> Option<Kind> {
            look(self.1, path)
        }
        fn was_replaced(&self, _: &Path) -> bool {
            false
        }
    }

    fn lands(path: &str, trees: &Trees) -> bool {
        judge(Path::new(path), Some(Kind::File), trees).is_none()
    }

    #[test]
    fn the_work_of_git_lands_and_what_git_runs_does_not() {
        let trees = Trees(&[".git/HEAD", "sub/.git/HEAD"], &[".git/HEAD", "sub/.git/HEAD"]);
        for path in [
            ".git/HEAD",
            ".git/index",
            ".git/objects/ab/cd",
            ".git/refs/heads/x",
            ".git/logs/HEAD",
            ".git/COMMIT_EDITMSG",
            ".git/packed-refs",
            "sub/.git/index",
            ".git/worktrees/w/HEAD",
        ] {
            assert!(lands(path, &trees), "{path}");
        }
        for path in [
            ".git/hooks/pre-commit",
            ".git/config",
            ".git/config.worktree",
            ".git/info/attributes",
            ".git/modules/x/config",
            ".git/objects/info/alternates",
            ".git/HOOKS/pre-commit",
            ".git/Config",
            ".git/worktrees/w/gitdir",
            ".git/worktrees/w/commondir",
            ".git/rebase-merge/git-rebase-todo",
            ".git/new-thing",
            "sub/.git/hooks/x",
        ] {
            assert!(!lands(path, &trees), "{path}");
        }
        assert!(judge(Path::new(".git/refs/heads/x"), Some(Kind::Symlink), &trees).is_some());
    }

    #[test]
    fn no_repository_is_planted_in_any_spelling() {
        let trees = Trees(&["a"], &["a"]);
        for path in [".git", "x/.git", "x/.git/HEAD", ".GIT/config", "git~1/config", "x/.git ./HEAD"] {
            assert!(!lands(path, &trees), "{path}");
        }
    }

    #[test]
    fn a_git_that_is_deleted_or_made_a_file_is_replaced() {
        let trees = Trees(&[".git/HEAD"], &[".git"]);
        assert!(!lands(".git", &trees) && !lands(".git/HEAD", &trees));
    }

    #[test]
    fn a_bare_layout_does_not_land_and_one_that_is_there_is_worked_in() {
        let bare = &["x/HEAD", "x/objects/", "x/refs/", "x/config", "y/HEAD"];
        let planted = Trees(&[], bare);
        for path in ["x/HEAD", "x/config", "x/hooks/y", "x/refs/heads/z"] {
            assert!(!lands(path, &planted), "{path}");
        }
        assert!(lands("y/HEAD", &planted));
        let there = Trees(bare, bare);
        assert!(lands("x/refs/heads/z", &there) && !lands("x/config", &there));
        let common = Trees(&[], &["w/HEAD", "w/commondir"]);
        assert!(!lands("w/commondir", &common));
    }
}
