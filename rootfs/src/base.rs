//! What every private root holds of the host: `/usr`, the links into it, and a small `/etc`.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, readlinkat, statat};

use crate::credentials::without_credentials;
use crate::etc::{self, WANTED, Wanted};
use crate::files::{normalize, open_directory, path_of, read_regular};

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

/// What is copied is short; something longer is not what it is taken for.
const LIMIT: usize = 64 * 1024;

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
            entries.extend(WANTED.iter().filter_map(|(name, wanted)| etc_entry(&etc, name, *wanted)));
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

fn etc_entry(etc: &OwnedFd, name: &str, wanted: Wanted) -> Option<BaseEntry> {
    let path = Path::new("/etc").join(name);
    let shown = |path| statat(etc, name, AtFlags::empty()).ok().map(|_| BaseEntry::ReadOnly { path });
    let copy = |path, content| BaseEntry::File { path, content, mode: 0o644 };
    match wanted {
        Wanted::Shown => shown(path),
        Wanted::Link => match readlinkat(etc, name, Vec::new()).map(|to| path_of(to.into_bytes())) {
            Ok(to) if normalize(&Path::new("/etc").join(&to)).starts_with("/usr") => {
                Some(BaseEntry::Symlink { path, to })
            }
            // It leads to something that is not inside: its target is shown under the link's name.
            _ => shown(path),
        },
        Wanted::Copied => Some(copy(path, read_regular(etc, name, LIMIT).ok()?)),
        Wanted::Cleaned => {
            let content = without_credentials(&read_regular(etc, name, LIMIT).ok()?)?;
            Some(copy(path, content))
        }
    }
}

#[cfg(test)]
mod tests;
