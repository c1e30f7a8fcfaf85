//! A quick look whether a tree was changed beneath an overlay that cannot be mounted anew.

use std::collections::VecDeque;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FileType, OFlags, fstat, statat};

use crate::beneath::open_beneath;
use crate::descent::entries;
use crate::files::{open_directory, os_str};

/// So many names are looked at, the ones nearest to the top: a command is not to wait for a whole tree.
const MOST: usize = 2048;

/// Whether something in the directory `top` is seen to have changed after `then`. No more than two thousand
/// names are looked at, so a change far down may be missed; what cannot be read counts as changed.
pub fn changed_since(top: &Path, then: SystemTime) -> bool {
    let then = then.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    look(top, |stat| time(stat.st_ctime, stat.st_ctime_nsec) > then).unwrap_or(true)
}

fn look(top: &Path, is_changed: impl Fn(&rustix::fs::Stat) -> bool) -> Result<bool, rustix::io::Errno> {
    let top = open_directory(top)?;
    if is_changed(&fstat(&top)?) {
        return Ok(true);
    }
    let mut left = MOST;
    let mut pending = VecDeque::from([PathBuf::new()]);
    while let Some(path) = pending.pop_front() {
        // It went away, or is closed to us: so it was when it was mounted, or its parent has changed.
        let Ok(directory) = open_beneath(&top, &path, OFlags::DIRECTORY) else { continue };
        for entry in entries(directory.as_fd())?.into_iter().take(left) {
            left -= 1;
            let Ok(stat) = statat(&directory, &entry.name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            if is_changed(&stat) {
                return Ok(true);
            }
            if entry.kind == FileType::Directory {
                pending.push_back(path.join(os_str(&entry.name)));
            }
        }
    }
    Ok(false)
}

fn time(seconds: i64, nanoseconds: impl TryInto<u32>) -> Duration {
    Duration::new(u64::try_from(seconds).unwrap_or(0), nanoseconds.try_into().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_far_down_is_seen_and_an_unchanged_tree_is_not() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::create_dir_all(folder.path().join("a/b/c")).expect("made");
        std::fs::write(folder.path().join("a/b/c/file"), "one").expect("written");
        let later = SystemTime::now() + Duration::from_secs(3600);
        assert!(!changed_since(folder.path(), later));
        assert!(changed_since(folder.path(), SystemTime::now() - Duration::from_secs(3600)));
        assert!(changed_since(&folder.path().join("absent"), later));
        let deepest =
            std::fs::metadata(folder.path().join("a/b/c/file")).expect("stat").modified().expect("time");
        assert!(changed_since(folder.path(), deepest - Duration::from_nanos(1)));
    }
}
