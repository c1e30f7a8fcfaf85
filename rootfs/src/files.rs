//! Small reads and true names: the few ways in which the host's files are looked at.

use std::ffi::{CStr, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

/// Looks up a variable of the caller's environment; `&|name| std::env::var_os(name)` for the real one.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Opens the directory `path` for reading, following links.
pub(crate) fn open_directory(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(rustix::fs::CWD, path, flags, Mode::empty())
}

/// Reads the regular file `path` beneath `directory`; more than `limit` bytes are `EFBIG`.
///
/// `O_NONBLOCK` keeps a FIFO planted under that name from hanging us; like any other thing that is
/// not a regular file it is `EINVAL`.
pub(crate) fn read_regular(
    directory: impl AsFd,
    path: impl AsRef<Path>,
    limit: usize,
) -> Result<Vec<u8>, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, path.as_ref(), flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&file)?;
    if !FileType::from_raw_mode(stat.st_mode).is_file() {
        return Err(Errno::INVAL);
    }
    // One byte more than the size it has now, so that the usual file is read whole by one call.
    let mut content = Vec::with_capacity(usize::try_from(stat.st_size).unwrap_or(limit).min(limit) + 1);
    while rustix::io::read(&file, rustix::buffer::spare_capacity(&mut content))? > 0 {
        if content.len() > limit {
            return Err(Errno::FBIG);
        }
        content.reserve(1);
    }
    Ok(content)
}

/// The true name of `path`, of which the last parts need not exist yet.
pub(crate) fn canonical_or_planned(path: &Path) -> PathBuf {
    let mut ancestors = path.ancestors();
    while let Some(ancestor) = ancestors.next().filter(|it| !it.as_os_str().is_empty()) {
        if let Ok(canonical) = ancestor.canonicalize() {
            let rest = path.strip_prefix(ancestor).unwrap_or(Path::new(""));
            return canonical.components().chain(rest.components()).collect();
        }
    }
    path.to_owned()
}

/// The first line of `text` as a path, without the line's end.
pub(crate) fn path_line(text: &[u8]) -> &Path {
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or(text);
    Path::new(OsStr::from_bytes(line.strip_suffix(b"\r").unwrap_or(line)))
}

/// The name as the standard library spells it.
pub(crate) fn os_str(name: &CStr) -> &OsStr {
    OsStr::from_bytes(name.to_bytes())
}

/// The bytes as a path.
pub(crate) fn path_of(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes))
}

/// Whether the thing that `stat` describes is a directory.
pub(crate) fn is_directory(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode).is_dir()
}

/// The error number as the standard library's error, for `#[source]`.
pub(crate) fn io_error(errno: Errno) -> io::Error {
    io::Error::from(errno)
}

/// The path without `.` and `..`, by its text alone.
pub(crate) fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}
