//! Opening what lies beneath the project, where no name on the way can be trusted.
//!
//! Links are followed by the kernel alone, and as long as they stay beneath; what is opened is held, so that whatever
//! is renamed meanwhile, nothing outside is read or written.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, mkdirat, openat, openat2, readlinkat,
    statat,
};
use rustix::io::Errno;

use super::error::{FileCode, FileError, FileFault};
use super::wire::Kind;

const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_MAGICLINKS);
/// As many links as the kernel follows.
const LINKS: usize = 40;
/// How often a look-up is tried anew that a rename came across.
const AGAIN: usize = 100;

/// The project, as it is in view.
pub(super) struct Top {
    held: OwnedFd,
    /// The paths by which callers may name it.
    names: Vec<PathBuf>,
}

/// A name in a directory that is held.
pub(super) struct Place {
    pub(super) parent: OwnedFd,
    pub(super) name: OsString,
    /// Relative to the project.
    pub(super) path: PathBuf,
}

impl Top {
    /// What `directory` is now; callers call it `project`.
    pub(super) fn open(directory: &Path, project: &Path) -> Result<Self, Errno> {
        let held = openat(CWD, directory, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { held, names: vec![project.to_owned(), directory.to_owned()] })
    }

    /// The path relative to the project, `.` for the project itself.
    pub(super) fn relative(&self, path: &Path) -> Result<PathBuf, FileError> {
        if path.as_os_str().as_bytes().contains(&0) {
            return Err(FileFault::request(path, "no path has a NUL byte in it"));
        }
        let beneath = match path.is_absolute() {
            false => Some(path),
            true => self.names.iter().find_map(|name| path.strip_prefix(name).ok()),
        };
        let beneath = beneath.ok_or_else(|| FileFault::outside(path))?;
        let beneath: PathBuf = beneath.components().filter(|part| *part != Component::CurDir).collect();
        Ok(if beneath.as_os_str().is_empty() { ".".into() } else { beneath })
    }

    /// Opens a path that [`Top::relative`] gave. Nothing that is opened blocks.
    pub(super) fn open_at(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        open_beneath(&self.held, path, flags, BENEATH)
    }

    /// The same without following any link.
    pub(super) fn open_true(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        open_beneath(&self.held, path, flags | OFlags::NOFOLLOW, BENEATH | ResolveFlags::NO_SYMLINKS)
    }

    /// Opens a regular file for reading. Of a pipe or a device nobody notices that it was looked at.
    pub(super) fn regular(&self, path: &Path) -> Result<(OwnedFd, Stat), FileError> {
        let failed = |errno| FileFault::system("opening", path, errno);
        let held = self.open_at(path, OFlags::PATH).map_err(failed)?;
        must_be_file(path, &fstat(&held).map_err(failed)?)?;
        let file = self.open_at(path, OFlags::empty()).map_err(failed)?;
        let stat = fstat(&file).map_err(failed)?;
        must_be_file(path, &stat)?;
        Ok((file, stat))
    }

    /// The directory that holds a path's last name, which is not followed.
    pub(super) fn place(&self, path: &Path, making: bool) -> Result<Place, FileError> {
        let Some(name) = path.file_name().filter(|_| ends_in_name(path)) else {
            return Err(FileFault::new(
                FileCode::Kind,
                path,
                "it has no name in a directory of the project".into(),
            ));
        };
        let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let parent = if making { self.directories(above) } else { self.directory(above) }
            .map_err(|errno| FileFault::system("opening the directory of", path, errno))?;
        Ok(Place { parent, name: name.to_owned(), path: path.to_owned() })
    }

    /// The same at the end of the links that stand under the last name. A link that leads out is refused.
    pub(super) fn place_at_end(&self, path: &Path, making: bool) -> Result<Place, FileError> {
        let mut place = self.place(path, making)?;
        for _ in 0..LINKS {
            let target = match readlinkat(&place.parent, &place.name, Vec::new()) {
                Ok(target) => PathBuf::from(OsString::from_vec(target.into_bytes())),
                // No link, or nothing.
                Err(Errno::INVAL | Errno::NOENT) => return Ok(place),
                Err(errno) => return Err(FileFault::system("reading the link", path, errno)),
            };
            if target.is_absolute() {
                return Err(FileFault::outside(path));
            }
            let above = place.path.parent().unwrap_or(Path::new(""));
            place = self.place(&above.join(target), making)?;
        }
        Err(FileFault::system("opening", path, Errno::LOOP))
    }

    fn directory(&self, path: &Path) -> Result<OwnedFd, Errno> {
        self.open_at(path, OFlags::PATH | OFlags::DIRECTORY)
    }

    /// Opens a directory, which is made where it is missing, and those that lead to it.
    pub(super) fn directories(&self, path: &Path) -> Result<OwnedFd, Errno> {
        match self.directory(path) {
            Err(Errno::NOENT) => {}
            opened => return opened,
        }
        let (mut held, mut way) = (self.directory(Path::new("."))?, PathBuf::new());
        for part in path.components() {
            way.push(part);
            held = match self.directory(&way) {
                Err(Errno::NOENT) => {
                    let made = mkdirat(&held, part.as_os_str(), Mode::from_raw_mode(0o777));
                    made.or_else(|errno| if errno == Errno::EXIST { Ok(()) } else { Err(errno) })?;
                    self.directory(&way)?
                }
                opened => opened?,
            };
        }
        Ok(held)
    }
}

impl Place {
    /// What stands there, itself.
    pub(super) fn stat(&self) -> Result<Option<Stat>, FileError> {
        match statat(&self.parent, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.failed("looking at")(errno)),
        }
    }

    pub(super) fn open(&self, flags: OFlags) -> Result<OwnedFd, Errno> {
        open_beneath(&self.parent, Path::new(&self.name), flags | OFlags::NOFOLLOW, BENEATH)
    }

    pub(super) fn failed(&self, what: &str) -> impl FnOnce(Errno) -> FileError {
        move |errno| FileFault::system(what, &self.path, errno)
    }
}

/// `a/..` and `.` are directories that some other path names.
fn ends_in_name(path: &Path) -> bool {
    matches!(path.components().next_back(), Some(Component::Normal(_)))
}

pub(super) fn must_be_file(path: &Path, stat: &Stat) -> Result<(), FileError> {
    let kind = kind_of(stat);
    if kind == Kind::File {
        return Ok(());
    }
    let what = match kind {
        Kind::Directory => "a directory",
        Kind::Link => "a link",
        Kind::Fifo => "a pipe",
        Kind::Socket => "a socket",
        Kind::File | Kind::Device => "a device",
    };
    let message = format!("`{}` is {what}, and no regular file", crate::text::printable(path));
    Err(FileFault::new(FileCode::Kind, path, message))
}

pub(super) fn kind_of(stat: &Stat) -> Kind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Link,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        _ => Kind::Device,
    }
}

fn open_beneath(top: impl AsFd, path: &Path, flags: OFlags, resolve: ResolveFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::CLOEXEC;
    // openat2 refuses flags that mean nothing, as these do for a place without content.
    let flags = if flags.contains(OFlags::PATH) { flags } else { flags | OFlags::NONBLOCK | OFlags::NOCTTY };
    for _ in 0..AGAIN {
        match openat2(&top, path, flags, Mode::empty(), resolve) {
            // Something was renamed meanwhile; openat2(2) asks to try again.
            Err(Errno::AGAIN) => {}
            // Filters of older container engines do not know the call.
            Err(Errno::NOSYS | Errno::PERM) => return open_by_steps(&top, path, flags),
            opened => return opened,
        }
    }
    Err(Errno::AGAIN)
}

/// The same by one call a name, which follows no link at all.
fn open_by_steps(top: impl AsFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let way = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut held = openat(top, ".", way, Mode::empty())?;
    let parts: Vec<&OsStr> =
        path.components().filter(|part| *part != Component::CurDir).map(beneath).collect::<Result<_, _>>()?;
    let Some((last, before)) = parts.split_last() else {
        return openat(&held, ".", flags, Mode::empty());
    };
    for part in before {
        held = openat(&held, *part, way, Mode::empty())?;
    }
    openat(&held, *last, flags | OFlags::NOFOLLOW, Mode::empty())
}

fn beneath(part: Component<'_>) -> Result<&OsStr, Errno> {
    if let Component::Normal(name) = part { Ok(name) } else { Err(Errno::XDEV) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn by_steps_nothing_beyond_a_link_or_outside_is_opened() {
        let scratch = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(scratch.path().join("top/a/b")).expect("made");
        fs::write(scratch.path().join("top/a/b/file"), "x").expect("written");
        symlink("b", scratch.path().join("top/a/link")).expect("linked");
        let top = fs::File::open(scratch.path().join("top")).expect("opened");
        let cases =
            [("a/b/file", true), (".", true), ("a/link/file", false), ("a/link", false), ("a/../a/b", false)];
        for (path, opens) in cases {
            assert_eq!(open_by_steps(&top, path.as_ref(), OFlags::RDONLY).is_ok(), opens, "{path}");
        }
    }
}
