//! A project, a session's upper as overlayfs would leave it, and a state directory.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};

use super::super::*;
use crate::seen::Kept;
use crate::store::Store;

pub(super) struct Scene {
    top: tempfile::TempDir,
    pub(super) seen: Seen,
    pub(super) protected: Protected,
    pub(super) hiding: Hiding,
}

impl Scene {
    pub(super) fn new(project: &[(&str, &str)]) -> Self {
        Self::within(Path::new("/var/tmp"), project)
    }

    /// In memory, where nothing waits for a disk.
    pub(super) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        Self::within(if memory.is_dir() { memory } else { Path::new("/var/tmp") }, &[])
    }

    fn within(parent: &Path, project: &[(&str, &str)]) -> Self {
        let top = tempfile::Builder::new().prefix("commit-").tempdir_in(parent).unwrap();
        for directory in ["upper", "project", "record"] {
            fs::create_dir(top.path().join(directory)).unwrap();
        }
        let seen = Seen::load(&[top.path().join("record")]).unwrap();
        let name = |name| ProtectedName { name, reason: "it runs by itself" };
        let protected = Protected::new([".vscode", ".envrc", ".bashrc"].map(name).to_vec(), &[]);
        let scene = Self { top, seen, protected, hiding: Hiding::default() };
        project.iter().for_each(|(path, text)| write(&scene.project(path), text));
        scene
    }

    pub(super) fn upper(&self, path: &str) -> PathBuf {
        below(self.top.path().join("upper"), path)
    }

    pub(super) fn project(&self, path: &str) -> PathBuf {
        below(self.top.path().join("project"), path)
    }

    pub(super) fn outside(&self, path: &str) -> PathBuf {
        below(self.top.path().to_owned(), path)
    }

    pub(super) fn store(&self) -> Store {
        Store::open(&self.top.path().join("state")).unwrap()
    }

    /// The session writes a file.
    pub(super) fn write(&self, path: &str, text: &str) {
        write(&self.upper(path), text);
    }

    /// The session deletes what the project has.
    pub(super) fn delete(&self, path: &str) {
        fs::create_dir_all(self.upper(path).parent().unwrap()).unwrap();
        mknodat(CWD, self.upper(path), FileType::CharacterDevice, Mode::empty(), 0).unwrap();
    }

    /// The session takes a directory away and makes a new one.
    pub(super) fn make_opaque(&self, path: &str) {
        fs::create_dir_all(self.upper(path)).unwrap();
        setxattr(self.upper(path), "user.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
    }

    /// The command ends.
    pub(super) fn note(&mut self) {
        let kept = Kept::make(&self.top.path().join("record")).unwrap();
        let (upper, project) = (self.upper(""), self.project(""));
        self.seen.note(&upper, &project, Seen::now(), Some(&kept)).unwrap();
    }

    pub(super) fn plan(&self, only: &[&str], merge: bool) -> Commit {
        let metadata = fs::metadata(self.project("")).unwrap();
        let identity = Identity { device: metadata.dev(), inode: metadata.ino() };
        let only: Vec<String> = only.iter().map(|it| (*it).to_owned()).collect();
        let request = CommitRequest {
            project: &self.project("").canonicalize().unwrap(),
            identity,
            layers: &[self.upper("")],
            protected: &self.protected,
            kept: &kept_names(),
            hiding: &self.hiding,
            read_only: &[],
            only: &only,
            merge,
        };
        self.store().plan_commit(&request, &self.seen).unwrap()
    }

    /// The command ends, and everything is committed.
    pub(super) fn commit(&mut self) -> Plan {
        self.note();
        self.land(&[], false)
    }

    pub(super) fn land(&mut self, only: &[&str], merge: bool) -> Plan {
        let commit = self.plan(only, merge);
        let (plan, landed) = commit.land(&mut self.seen).unwrap();
        assert_eq!(landed.left, Vec::<PathBuf>::new());
        self.expect_no_traces();
        plan
    }

    /// No staged file and no journal is left.
    pub(super) fn expect_no_traces(&self) {
        let left: Vec<String> =
            tree(&self.project("")).into_iter().filter(|line| line.contains(".clearing-")).collect();
        assert_eq!(left, Vec::<String>::new());
        let commits = self.top.path().join("state/commits");
        assert!(!commits.exists() || fs::read_dir(commits).unwrap().next().is_none(), "a journal is left");
    }

    /// The project as lines: mode, path, content or target.
    pub(super) fn tree(&self) -> Vec<String> {
        tree(&self.project(""))
    }

    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.project(path)).unwrap()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // Directories of mode 000 could not be removed.
        let _ = std::process::Command::new("chmod").args(["-R", "u+rwx"]).arg(self.top.path()).output();
    }
}

fn below(top: PathBuf, path: &str) -> PathBuf {
    if path.is_empty() { top } else { top.join(path) }
}

pub(super) fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub(super) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What was withheld: code and path.
pub(super) fn withheld(plan: &Plan) -> Vec<(Code, String)> {
    let mut all: Vec<_> =
        plan.withheld.iter().map(|it| (it.code, it.path.to_string_lossy().into_owned())).collect();
    all.sort();
    all
}

/// Everything below a directory, sorted.
pub(super) fn tree(top: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = vec![top.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let told = if metadata.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else if metadata.is_file() {
                String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()
            } else {
                String::new()
            };
            let mode = metadata.mode() & 0o7777;
            lines.push(format!("{} {mode:o} {told}", path.strip_prefix(top).unwrap().display()));
            if metadata.is_dir() {
                pending.push(path);
            }
        }
    }
    lines.sort();
    lines
}

/// One name that others rely on.
fn kept_names() -> KeptNames {
    let harms = [Harm::Delete, Harm::Truncate, Harm::Rename, Harm::Program, Harm::Link].into();
    let name = KeptName { name: "package.json".into(), reason: "the build needs it", harms };
    KeptNames::new(vec![name], &["node_modules"], &[])
}
