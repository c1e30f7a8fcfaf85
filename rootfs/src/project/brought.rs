//! Reading a file that the project brings for clearing itself: its bytes are all that is taken from it.

use std::path::PathBuf;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::Project;
use crate::beneath::open_beneath;
use crate::files::{io_error, open_directory, read_open};
use crate::identity::Identity;

/// Why a file of the project's own is not read.
#[derive(Debug, thiserror::Error)]
#[error("the project's file `{}` cannot be read", path.display())]
pub struct BroughtError {
    path: PathBuf,
    errno: Errno,
    #[source]
    source: std::io::Error,
}

impl Project {
    /// Reads a regular file beneath the project's directory as that is on the host now; nothing where there is none.
    ///
    /// No link is followed on the way, and more than `limit` bytes are an error.
    pub fn brought(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, BroughtError> {
        let whole = self.root.join(path);
        match self.read_beneath(path, limit) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(BroughtError { path: whole, errno, source: io_error(errno) }),
        }
    }

    fn read_beneath(&self, path: &str, limit: usize) -> Result<Vec<u8>, Errno> {
        let top = open_directory(&self.root)?;
        if Identity::of(&rustix::fs::fstat(&top)?) != self.identity {
            return Err(Errno::STALE);
        }
        read_open(&open_beneath(&top, path.as_ref(), OFlags::empty())?, limit)
    }
}

impl BroughtError {
    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self.errno {
            Errno::LOOP | Errno::NOTDIR => {
                Some("no link is followed to it: make it a file of the project, or remove it")
            }
            Errno::INVAL => Some("it is no regular file"),
            Errno::FBIG => Some("it is longer than a project's file can be"),
            Errno::STALE => Some("the project's directory was replaced meanwhile: try again"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;
    use crate::project::ProjectRequest;

    fn project(root: &Path) -> Project {
        let request = ProjectRequest {
            directory: Some(root),
            cwd: root,
            home: None,
            state: Path::new("/nowhere/state"),
            uid: 0,
            gid: 0,
            groups: &[],
        };
        Project::locate(&request).expect("a project")
    }

    #[test]
    fn a_file_of_the_project_is_read_and_nothing_else() {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let (root, outside) = (scratch.path().join("project"), scratch.path().join("outside"));
        fs::create_dir_all(root.join("real")).expect("directories");
        fs::create_dir(&outside).expect("a directory");
        for directory in [&root.join("real"), &outside] {
            fs::write(directory.join("file"), "text").expect("a file");
        }
        symlink("../outside", root.join("linked")).expect("a link");
        symlink("file", root.join("real/link")).expect("a link");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            root.join("real/pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .expect("a pipe");
        let project = project(&root);
        assert_eq!(project.brought("real/file", 4).expect("it is read"), Some(b"text".to_vec()));
        assert_eq!(project.brought("real/none", 4).expect("nothing is there"), None);
        assert_eq!(project.brought("none/none", 4).expect("nothing is there"), None);
        for (path, hint) in [
            ("linked/file", "no link is followed"),
            ("real/link", "no link is followed"),
            ("real/pipe", "it is no regular file"),
            ("real", "it is no regular file"),
        ] {
            let error = project.brought(path, 4).expect_err(path);
            assert!(error.hint().expect("a hint").starts_with(hint), "{path}: {error:?}");
        }
        assert!(project.brought("real/file", 3).expect_err("too long").hint().is_some());
        fs::rename(&root, scratch.path().join("moved")).expect("a rename");
        fs::create_dir(&root).expect("another directory");
        assert!(project.brought("real/file", 4).is_err(), "another directory is not the project");
    }
}
