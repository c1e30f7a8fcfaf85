//! What stood under one path at one moment, as far as a later change of it would show.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Stat, readlinkat, statat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::compare::Kind;
use crate::files::path_of;
use crate::path_text::PathText;

/// What a path was: two sightings that agree are of one thing that nobody has changed in between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sighting {
    /// What it was.
    pub kind: Kind,
    /// All twelve bits of its mode.
    pub mode: u32,
    /// The device that held it.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its length in bytes.
    pub size: u64,
    /// When its content was last changed: seconds and nanoseconds.
    pub modified: (i64, i64),
    /// When anything of it was last changed, which nobody can set.
    pub changed: (i64, i64),
    /// Where it led, if it was a link.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<PathText>,
}

impl Sighting {
    /// Looks at `name`; none if there is nothing.
    pub(crate) fn at(directory: BorrowedFd<'_>, name: &CStr) -> Result<Option<Self>, Errno> {
        match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Self::of(directory, name, &stat).map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Takes down what `stat` says of `name`.
    pub(crate) fn of(directory: BorrowedFd<'_>, name: &CStr, stat: &Stat) -> Result<Self, Errno> {
        let target = match Kind::of(stat) {
            Kind::Symlink => Some(PathText(path_of(readlinkat(directory, name, Vec::new())?.into_bytes()))),
            _ => None,
        };
        Ok(Self { target, ..Self::of_stat(stat) })
    }

    /// Takes down what `stat` says; of a link all but its target.
    pub(crate) fn of_stat(stat: &Stat) -> Self {
        Self {
            kind: Kind::of(stat),
            mode: stat.st_mode & 0o7777,
            device: stat.st_dev,
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: (stat.st_mtime, stat.st_mtime_nsec.cast_signed()),
            changed: (stat.st_ctime, stat.st_ctime_nsec.cast_signed()),
            target: None,
        }
    }

    /// Whether nothing changed from then to now. Of a directory only itself and its mode are compared:
    /// what is in it has sightings of its own.
    ///
    /// The device is left out. All that is compared lies on the device of the project's top, and its
    /// number may be another after the next boot.
    pub(crate) fn is_still(&self, now: &Self) -> bool {
        self.is_same_moved(now) && (self.kind == Kind::Directory || self.changed == now.changed)
    }

    /// As [`is_still`](Self::is_still), of something that was renamed in between, which the time of its
    /// last change tells.
    pub(crate) fn is_same_moved(&self, now: &Self) -> bool {
        let same = self.kind == now.kind && self.inode == now.inode && self.mode == now.mode;
        let same_content =
            || self.size == now.size && self.modified == now.modified && self.target == now.target;
        same && (self.kind == Kind::Directory || same_content())
    }

    /// Where it led, if it was a link.
    pub(crate) fn target(&self) -> Option<&Path> {
        self.target.as_ref().map(|target| target.0.as_path())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::symlink;

    use super::*;

    fn sighting(directory: &Path, name: &CStr) -> Option<Sighting> {
        Sighting::at(fs::File::open(directory).unwrap().as_fd(), name).unwrap()
    }

    #[test]
    fn a_change_shows_even_where_size_and_time_are_set_back() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("file");
        fs::write(&path, "one").unwrap();
        let before = sighting(top.path(), c"file").unwrap();
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(&path, "two").unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        let after = sighting(top.path(), c"file").unwrap();
        assert!(before.is_still(&before) && !before.is_still(&after));
    }

    #[test]
    fn a_renamed_file_is_the_same_and_a_copied_one_is_not() {
        let top = tempfile::tempdir().unwrap();
        fs::write(top.path().join("a"), "text").unwrap();
        let before = sighting(top.path(), c"a").unwrap();
        fs::rename(top.path().join("a"), top.path().join("b")).unwrap();
        fs::copy(top.path().join("b"), top.path().join("c")).unwrap();
        assert!(before.is_same_moved(&sighting(top.path(), c"b").unwrap()));
        assert!(!before.is_same_moved(&sighting(top.path(), c"c").unwrap()));
        assert_eq!(sighting(top.path(), c"a"), None);
    }

    #[test]
    fn a_sighting_comes_back_from_json() {
        let top = tempfile::tempdir().unwrap();
        symlink("over/there", top.path().join("link")).unwrap();
        let link = sighting(top.path(), c"link").unwrap();
        let json = serde_json::to_string(&link).unwrap();
        assert!(json.contains(r#""kind":"symlink""#) && json.contains(r#""target":"over/there""#), "{json}");
        assert_eq!(serde_json::from_str::<Sighting>(&json).unwrap(), link);
    }
}
