//! Small reads and true names: the few ways in which the host's files are looked at.

use std::ffi::{CStr, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use rustix::buffer::spare_capacity;
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2};
use rustix::io::Errno;

/// Looks up a variable of the caller's environment; `&|name| std::env::var_os(name)` for the real one.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Opens the directory `path` for reading, following links.
pub(crate) fn open_directory(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty())
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
    read_open(&openat(directory, path.as_ref(), flags, Mode::empty())?, limit)
}

/// Reads a regular file that is open; anything else is `EINVAL`, more than `limit` bytes `EFBIG`.
pub(crate) fn read_open(file: &OwnedFd, limit: usize) -> Result<Vec<u8>, Errno> {
    let stat = fstat(file)?;
    if !FileType::from_raw_mode(stat.st_mode).is_file() {
        return Err(Errno::INVAL);
    }
    let size = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
    if size > limit {
        return Err(Errno::FBIG);
    }
    let mut content = Vec::with_capacity(size);
    while content.len() < size && rustix::io::read(file, spare_capacity(&mut content))? > 0 {}
    Ok(content)
}

/// Writes all of it where the file stands.
pub(crate) fn write_all(file: &OwnedFd, mut content: &[u8]) -> Result<(), Errno> {
    while !content.is_empty() {
        match rustix::io::write(file, content) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => content = &content[written..],
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// The true name of `path`: absolute, without links.
///
/// A path that leads through no link is its own, as one look tells. Any other takes a `readlink` a component; to open it
/// and ask `/proc/self/fd` for its name takes longer.
pub(crate) fn canonical(path: &Path) -> Result<PathBuf, Errno> {
    if is_spelled_out(path) && leads_through_no_link(path) {
        return Ok(path.to_owned());
    }
    path.canonicalize().map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::INVAL))
}

/// Whether it is absolute, and its components are names with one slash before each.
fn is_spelled_out(path: &Path) -> bool {
    let mut components = path.components();
    components.next() == Some(Component::RootDir)
        && components.clone().all(|component| matches!(component, Component::Normal(_)))
        && path.as_os_str().len() == components.map(|name| 1 + name.as_os_str().len()).sum::<usize>()
}

fn leads_through_no_link(path: &Path) -> bool {
    openat2(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::NO_SYMLINKS).is_ok()
}

/// The true name of `path`, of which the last parts need not exist yet.
pub(crate) fn canonical_or_planned(path: &Path) -> PathBuf {
    let mut ancestors = path.ancestors();
    while let Some(ancestor) = ancestors.next().filter(|it| !it.as_os_str().is_empty()) {
        if let Ok(canonical) = canonical(ancestor) {
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

/// Whether the text of `path` is `directory` or continues it by a component; both must be normal.
///
/// `Path::starts_with` says the same of any spelling, at twenty times the cost.
pub(crate) fn is_under(path: &Path, directory: &str) -> bool {
    let rest = path.as_os_str().as_bytes().strip_prefix(directory.as_bytes());
    rest.is_some_and(|rest| rest.first().is_none_or(|&byte| byte == b'/'))
}

/// The path without `.` and `..`, by its text alone: what it names may be gone.
pub fn normalize(path: &Path) -> PathBuf {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_path_is_under_another_by_component() {
        let cases = [("/etc", true), ("/etc/x", true), ("/etcetera", false), ("/et", false), ("/", false)];
        for (path, expected) in cases {
            assert_eq!(is_under(Path::new(path), "/etc"), expected, "{path}");
        }
    }

    #[test]
    fn a_path_is_normal_without_dots_and_never_above_the_root() {
        assert_eq!(normalize(Path::new("/a/./b/../c//d/")), Path::new("/a/c/d"));
        assert_eq!(normalize(Path::new("/../../etc")), Path::new("/etc"));
    }

    #[test]
    fn a_true_name_has_no_link_no_dots_and_no_doubled_slash() {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().canonicalize().unwrap();
        std::fs::create_dir_all(top.join("a/b")).unwrap();
        std::os::unix::fs::symlink("a", top.join("link")).unwrap();
        for spelling in ["a/b", "link/b", "a//b", "a/./b", "a/b/", "a/b/.", "a/b/../b", "link/../a/b"] {
            let path = PathBuf::from(format!("{}/{spelling}", top.display()));
            let found = canonical(&path).unwrap();
            assert_eq!(found.as_os_str(), top.join("a/b").as_os_str(), "{spelling}");
        }
        assert_eq!(canonical(&top.join("link")), Ok(top.join("a")));
        assert_eq!(canonical(Path::new("/")), Ok("/".into()));
        assert_eq!(canonical(&top.join("absent")), Err(Errno::NOENT));
        let inside = std::env::current_dir().unwrap();
        assert_eq!(canonical(Path::new(".")), Ok(inside.canonicalize().unwrap()));
    }

    #[test]
    fn what_does_not_exist_yet_is_planned_below_the_true_name_of_what_does() {
        let scratch = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(scratch.path(), scratch.path().join("link")).unwrap();
        let planned = canonical_or_planned(&scratch.path().join("link/new/deep"));
        assert_eq!(planned, scratch.path().canonicalize().unwrap().join("new/deep"));
    }
}
