//! `fs/stat`: what stands under a path.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use clearing_rootfs::PathText;
use rustix::fs::{OFlags, Stat, fstat, readlinkat};

use super::beneath::{Top, kind_of};
use super::error::{FileError, FileFault};
use super::wire::{Entry, Kind, StatRequest};

pub(super) fn stat(top: &Top, request: &StatRequest) -> Result<Entry, FileError> {
    let path = top.relative(&request.path.0)?;
    let failed = |errno| FileFault::system("looking at", &path, errno);
    let flags = if request.follow { OFlags::PATH } else { OFlags::PATH | OFlags::NOFOLLOW };
    let held = top.open_at(&path, flags).map_err(failed)?;
    let stat = fstat(&held).map_err(failed)?;
    Ok(entry(&path, &stat, || target(&held, Path::new(""))))
}

pub(super) fn entry(path: &Path, stat: &Stat, target: impl FnOnce() -> Option<PathText>) -> Entry {
    let kind = kind_of(stat);
    Entry {
        path: PathText(path.to_owned()),
        kind,
        size: (kind == Kind::File).then(|| size_of(stat)),
        mode: mode_of(stat),
        modified_ms: modified_of(stat),
        target: if kind == Kind::Link { target() } else { None },
        unread: None,
    }
}

/// What a link says.
pub(super) fn target(directory: impl AsFd, name: &Path) -> Option<PathText> {
    let target = readlinkat(directory, name, Vec::new()).ok()?;
    Some(PathText(PathBuf::from(OsString::from_vec(target.into_bytes()))))
}

pub(super) fn size_of(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// Permission bits, as `chmod` writes them.
pub(super) fn mode_of(stat: &Stat) -> String {
    format!("{:03o}", stat.st_mode & 0o7777)
}

#[expect(clippy::unnecessary_cast, reason = "the type differs between platforms")]
pub(super) fn modified_of(stat: &Stat) -> i64 {
    (stat.st_mtime as i64).saturating_mul(1000).saturating_add(stat.st_mtime_nsec as i64 / 1_000_000)
}
