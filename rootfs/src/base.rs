//! What every private root holds of the host: `/usr`, the links into it, and a small `/etc`.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, statat};

use crate::credentials::without_credentials;
use crate::descent::{Entry, entries};
use crate::etc::{self, wanted_of_etc};
use crate::files::{is_directory, normalize, open_directory, path_of, read_regular};

/// One thing to put into the private root. Parents are made as needed, in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseEntry {
    /// The host's `path`, links followed, with all mounts below it, read-only at the same path.
    ReadOnly {
        /// On the host and inside.
        path: PathBuf,
    },
    /// A symbolic link.
    Symlink {
        /// Where it stands.
        path: PathBuf,
        /// What it says.
        to: PathBuf,
    },
    /// A file with this content.
    File {
        /// Where it stands.
        path: PathBuf,
        /// All of it.
        content: Vec<u8>,
        /// Its permission bits.
        mode: u32,
    },
    /// An empty directory.
    Directory {
        /// Where it stands.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// The user, host and network that `/etc` tells of.
#[derive(Clone, Copy, Debug)]
pub struct BaseRequest<'a> {
    /// The user's name inside.
    pub user: &'a str,
    /// The user's id inside.
    pub uid: u32,
    /// The user's group inside, which has the user's name.
    pub gid: u32,
    /// The home directory inside.
    pub home: &'a Path,
    /// The login shell inside.
    pub shell: &'a Path,
    /// The host's name inside.
    pub hostname: &'a str,
    /// Which names of other hosts resolve.
    pub names: HostNames,
}

/// Which names of other hosts resolve inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostNames {
    /// `localhost` and the sandbox's own name.
    Own,
    /// Those of the host: its `hosts` and `resolv.conf`.
    Host,
}

/// What every private root holds of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// In the order in which they are to be made.
    pub entries: Vec<BaseEntry>,
}

/// Usrmerge: links into `/usr` on most hosts, directories of their own on others.
const ROOT_LINKS: &[&str] = &["bin", "lib", "lib32", "lib64", "libx32", "sbin"];

/// A copy of a file up to this size is cheaper than a mount.
const COPIED: usize = 4096;

impl Base {
    /// Describes this host. What the host has not is left out; nothing here can fail.
    pub fn of_host(request: &BaseRequest<'_>) -> Self {
        Self::of(Path::new("/"), request)
    }

    /// Describes the host whose root directory is `root`.
    fn of(root: &Path, request: &BaseRequest<'_>) -> Self {
        let mut entries = vec![BaseEntry::ReadOnly { path: "/usr".into() }];
        entries.extend(ROOT_LINKS.iter().filter_map(|name| root_entry(root, name)));
        entries.extend(empty_directories());
        if let Ok(etc) = open_directory(&root.join("etc")) {
            entries.extend(from_etc(&etc));
            entries.extend(etc::synthesised(&etc, request));
        }
        Self { entries }
    }
}

fn root_entry(root: &Path, name: &str) -> Option<BaseEntry> {
    let (host, path) = (root.join(name), Path::new("/").join(name));
    match std::fs::read_link(&host) {
        Ok(to) => Some(BaseEntry::Symlink { path, to }),
        // EINVAL: it is there and no link.
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => Some(BaseEntry::ReadOnly { path }),
        Err(_) => None,
    }
}

fn empty_directories() -> [BaseEntry; 4] {
    let directory = |path: &str, mode| BaseEntry::Directory { path: path.into(), mode };
    [
        directory("/etc", 0o755),
        directory("/run", 0o755),
        directory("/var", 0o755),
        directory("/var/tmp", 0o1777),
    ]
}

fn from_etc(etc: &OwnedFd) -> Vec<BaseEntry> {
    let mut names: Vec<Entry> = entries(std::os::fd::AsFd::as_fd(etc)).unwrap_or_default();
    names.sort_by(|a, b| a.name.cmp(&b.name));
    names.iter().filter_map(|entry| etc_entry(etc, entry)).collect()
}

fn etc_entry(etc: &OwnedFd, entry: &Entry) -> Option<BaseEntry> {
    let name = entry.name.to_str().ok()?;
    let path = Path::new("/etc").join(name);
    match wanted_of_etc(name)? {
        etc::Wanted::WithoutCredentials => {
            let content = without_credentials(&read_regular(etc, name, 16 * COPIED).ok()?)?;
            Some(BaseEntry::File { path, content, mode: 0o644 })
        }
        etc::Wanted::Whole => match entry.kind {
            FileType::Symlink => link_entry(etc, &entry.name, path),
            FileType::Directory => Some(BaseEntry::ReadOnly { path }),
            _ => file_entry(etc, name, path),
        },
    }
}

/// A link stays a link where it leads to something that is inside as well, such as `localtime`.
fn link_entry(etc: &OwnedFd, name: &CString, path: PathBuf) -> Option<BaseEntry> {
    let to = path_of(rustix::fs::readlinkat(etc, name, Vec::new()).ok()?.into_bytes());
    if normalize(&Path::new("/etc").join(&to)).starts_with("/usr") {
        return Some(BaseEntry::Symlink { path, to });
    }
    let stat = statat(etc, name, AtFlags::empty()).ok()?;
    if is_directory(&stat) {
        return Some(BaseEntry::ReadOnly { path });
    }
    file_entry(etc, name.to_str().ok()?, path)
}

fn file_entry(etc: &OwnedFd, name: &str, path: PathBuf) -> Option<BaseEntry> {
    match read_regular(etc, name, COPIED) {
        Ok(content) => Some(BaseEntry::File { path, content, mode: 0o644 }),
        Err(rustix::io::Errno::FBIG) => Some(BaseEntry::ReadOnly { path }),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests;
