//! Opening a path of several names beneath a held directory, where no name on the way can be trusted.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

/// What overlayfs or anybody else may have put on the way leads nowhere: no link, no `..`.
const RESOLVE: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// Opens `path`, which is relative and normal, for reading; the empty path is `top` itself.
///
/// Any link on it is `ELOOP` or `ENOTDIR`, the last name included. Nothing that is opened blocks.
pub(crate) fn open_beneath(top: impl AsFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let reading = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // openat2 refuses flags that mean nothing, as these do for a place without content.
    let flags = if flags.contains(OFlags::PATH) { flags } else { flags | reading };
    loop {
        match openat2(&top, path, flags, Mode::empty(), RESOLVE) {
            // Something was renamed meanwhile; openat2(2) asks to try again.
            Err(Errno::AGAIN) => {}
            // Filters of older container engines do not know the call.
            Err(Errno::NOSYS | Errno::PERM) => return open_by_steps(&top, path, flags),
            opened => return opened,
        }
    }
}

/// The same by one call a name.
fn open_by_steps(top: impl AsFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let way = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut held = openat(top, ".", way, Mode::empty())?;
    let (parent, name) = (path.parent().unwrap_or(Path::new("")), path.file_name());
    for step in parent {
        held = openat(&held, step, way, Mode::empty())?;
    }
    openat(&held, name.unwrap_or(".".as_ref()), flags, Mode::empty())
}

/// Whether `path` is one that may be opened beneath a directory: relative, without `.` and `..`.
pub(crate) fn is_beneath(path: &Path) -> bool {
    path.components().all(|part| matches!(part, std::path::Component::Normal(_)))
}

/// The path by which the process itself may name what lies in a directory that it holds.
///
/// Calls on attributes know no directory descriptor. The last name is not followed by their `l` forms.
pub(crate) fn through_proc(directory: impl AsFd, name: &std::ffi::CStr) -> Vec<u8> {
    use std::os::fd::AsRawFd as _;
    let mut path = format!("/proc/self/fd/{}/", directory.as_fd().as_raw_fd()).into_bytes();
    path.extend_from_slice(name.to_bytes());
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::fs;
    use std::os::unix::fs::symlink;

    use crate::files::open_directory;

    #[test]
    fn no_link_is_followed_and_nothing_outside_is_opened_by_either_way() {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir_all(scratch.path().join("top/a/b")).unwrap();
        fs::write(scratch.path().join("top/a/b/file"), "x").unwrap();
        fs::write(scratch.path().join("outside"), "x").unwrap();
        symlink("b", scratch.path().join("top/a/link")).unwrap();
        symlink("/etc/passwd", scratch.path().join("top/passwd")).unwrap();
        let top = open_directory(&scratch.path().join("top")).unwrap();
        let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
        for (path, opens) in [("a/b/file", true), ("a/link/file", false), ("passwd", false), ("a/b", true)] {
            assert_eq!(open_beneath(&top, path.as_ref(), OFlags::empty()).is_ok(), opens, "{path}");
            assert_eq!(open_by_steps(&top, path.as_ref(), flags).is_ok(), opens, "{path} by steps");
        }
        assert!(open_beneath(&top, "../outside".as_ref(), OFlags::empty()).is_err());
        assert!(open_beneath(&top, "".as_ref(), OFlags::DIRECTORY).is_ok());
        assert!(
            !is_beneath("../outside".as_ref()) && !is_beneath("/x".as_ref()) && is_beneath("a/b".as_ref())
        );
    }
}
