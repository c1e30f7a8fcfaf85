//! How far somebody comes on the way to a path: the kernel wants a search permission on each directory of it.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use crate::files::path_of;

/// Who is on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visitor {
    /// The caller, with all that the caller may.
    Caller,
    /// A user of whom no file knows: what root's command is, of all that is not shown as its own.
    Anybody,
}

/// So many links the kernel follows on one way.
const LINKS: usize = 40;

/// The first directory on the way to `path`, which is absolute, that the visitor may not search; a directory at its
/// end counts. None where none is closed, and where the way leads nowhere.
pub fn closed_on_the_way(path: &Path, visitor: Visitor) -> Option<PathBuf> {
    let mut here = PathBuf::from("/");
    let mut rest = steps(path);
    let mut links = 0;
    loop {
        if is_closed(&here, visitor) {
            return Some(here);
        }
        let next = here.join(rest.pop()?);
        match rustix::fs::readlink(&next, Vec::new()) {
            Ok(_) if links == LINKS => return None,
            Ok(to) => {
                let to = path_of(to.into_bytes());
                links += 1;
                if to.is_absolute() {
                    here = PathBuf::from("/");
                }
                rest.extend(steps(&to));
            }
            // No link, or nothing, of which the next look says no.
            Err(_) if next.ends_with("..") => drop(here.pop()),
            Err(_) => here = next,
        }
    }
}

/// The names of a path, the first one last.
fn steps(path: &Path) -> Vec<OsString> {
    let names = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    names.rev().map(|part| part.as_os_str().to_owned()).collect()
}

fn is_closed(directory: &Path, visitor: Visitor) -> bool {
    let Ok(stat) = rustix::fs::stat(directory) else { return false };
    crate::files::is_directory(&stat)
        && match visitor {
            Visitor::Caller => accessat(CWD, directory, Access::EXEC_OK, AtFlags::EACCESS).is_err(),
            Visitor::Anybody => stat.st_mode & 0o001 == 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn the_first_closed_directory_is_named_whichever_link_leads_through_it() {
        let scratch = tempfile::tempdir().unwrap();
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let top = scratch.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("shut/below/bin")).unwrap();
        fs::create_dir_all(top.join("open/bin")).unwrap();
        fs::write(top.join("open/file"), "").unwrap();
        symlink("../open", top.join("shut/back")).unwrap();
        symlink("shut/back", top.join("through")).unwrap();
        symlink(top.join("open"), top.join("straight")).unwrap();
        symlink("loop", top.join("loop")).unwrap();
        for mode in [0o700, 0o744] {
            fs::set_permissions(top.join("shut"), fs::Permissions::from_mode(mode)).unwrap();
            for (path, closed) in [
                ("shut/below/bin", Some("shut")),
                ("shut", Some("shut")),
                ("through/bin", Some("shut")),
                ("shut/../open/bin", Some("shut")),
                ("straight/bin", None),
                ("open/file", None),
                ("open/absent/bin", None),
                ("open/file/bin", None),
                ("loop/bin", None),
            ] {
                let found = closed_on_the_way(&top.join(path), Visitor::Anybody);
                assert_eq!(found, closed.map(|name| top.join(name)), "{path}");
            }
        }
        assert_eq!(closed_on_the_way(&top.join("shut/below"), Visitor::Caller), None);
    }
}
