//! A home directory for a command that no mount shows one at the caller's path.

use std::ffi::OsStr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid, chownat, mkdirat, openat, statat, symlinkat};
use rustix::io::Errno;

use crate::beneath::open_beneath;
use crate::copy::Owner;
use crate::descent::entries;
use crate::files::{io_error, open_directory, os_str};
use crate::run::RunError;

/// Something in a private home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HomeEntry {
    /// What lies elsewhere, by a link.
    Link(PathBuf),
    /// A file of the home's own.
    File(Vec<u8>, u32),
}

/// Puts things into the directory `home`, each under a path relative to it. What stands there already stays:
/// an outer thing comes before what lies in it.
pub fn furnish(home: &Path, things: &[(PathBuf, HomeEntry)], owner: Owner) -> Result<(), RunError> {
    let failed = |path: &Path, errno| RunError::Layer { path: home.join(path), source: io_error(errno) };
    let top = open_directory(home).map_err(|errno| failed(Path::new(""), errno))?;
    let put = |(path, thing): &(PathBuf, HomeEntry)| match put(&top, path, thing, owner) {
        // Below something that lies elsewhere.
        Err(Errno::EXIST | Errno::NOTDIR | Errno::LOOP) => Ok(()),
        made => made.map_err(|errno| failed(path, errno)),
    };
    things.iter().try_for_each(put)
}

fn put(top: &OwnedFd, path: &Path, thing: &HomeEntry, owner: Owner) -> Result<(), Errno> {
    let (parent, name) = (path.parent().unwrap_or(Path::new("")), path.file_name().ok_or(Errno::INVAL)?);
    let directory = ensure(top, parent, owner)?;
    match thing {
        HomeEntry::Link(to) => symlinkat(to, &directory, name)?,
        HomeEntry::File(content, mode) => {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let file = openat(&directory, name, flags, Mode::from_raw_mode(*mode))?;
            let mut rest = content.as_slice();
            while !rest.is_empty() {
                rest = &rest[rustix::io::write(&file, rest)?..];
            }
        }
    }
    give(&directory, name, owner)
}

/// Opens a directory below the top, and makes what is missing on the way.
fn ensure(top: &OwnedFd, path: &Path, owner: Owner) -> Result<OwnedFd, Errno> {
    let mut way = PathBuf::new();
    let mut held = open_beneath(top, &way, OFlags::DIRECTORY)?;
    for part in path.components() {
        let Component::Normal(name) = part else { return Err(Errno::INVAL) };
        match mkdirat(&held, name, Mode::RWXU) {
            Ok(()) => give(&held, name, owner)?,
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno),
        }
        way.push(name);
        held = open_beneath(top, &way, OFlags::DIRECTORY)?;
    }
    Ok(held)
}

fn give(directory: &OwnedFd, name: &OsStr, owner: Owner) -> Result<(), Errno> {
    let Some((uid, gid)) = owner else { return Ok(()) };
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    chownat(directory, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
}

/// The fewest paths that hold all of `root` but what is `left_out`, as it stands now. A link among them is none:
/// what it leads to counts by itself.
pub fn all_but(root: &Path, left_out: &[PathBuf]) -> Vec<PathBuf> {
    let below: Vec<&PathBuf> = left_out.iter().filter(|path| path.starts_with(root)).collect();
    let exists =
        |path: &&&PathBuf| statat(rustix::fs::CWD, path.as_path(), AtFlags::SYMLINK_NOFOLLOW).is_ok();
    if below.iter().any(|path| *path == root) {
        return Vec::new();
    }
    if !below.iter().any(|path| exists(&path)) {
        return vec![root.to_owned()];
    }
    // What cannot be listed shows nothing.
    let list = open_directory(root).and_then(|directory| entries(directory.as_fd())).unwrap_or_default();
    let shown = list.iter().filter(|entry| entry.kind != FileType::Symlink);
    shown.flat_map(|entry| all_but(&root.join(os_str(&entry.name)), left_out)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_left_out_is_in_none_of_the_paths() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |path: &str| scratch.path().join(path);
        for directory in ["root/a/deep", "root/b"] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        fs::write(at("root/a/secret"), "").unwrap();
        std::os::unix::fs::symlink("a/secret", at("root/link")).unwrap();
        let mut found = all_but(&at("root"), &[at("root/a/secret"), at("root/absent")]);
        found.sort();
        assert_eq!(found, [at("root/a/deep"), at("root/b")]);
        assert_eq!(all_but(&at("root"), &[at("root/absent")]), [at("root")]);
        assert_eq!(all_but(&at("root"), &[at("root")]), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_home_is_furnished_and_no_link_in_it_is_followed() {
        let scratch = tempfile::tempdir().unwrap();
        let things = [
            (PathBuf::from(".tool"), HomeEntry::Link("/usr".into())),
            (PathBuf::from(".tool/bin/x"), HomeEntry::Link("/etc".into())),
            (PathBuf::from(".config/git/config"), HomeEntry::File(b"[user]\n".to_vec(), 0o644)),
        ];
        furnish(scratch.path(), &things, None).unwrap();
        assert_eq!(fs::read_link(scratch.path().join(".tool")).unwrap(), Path::new("/usr"));
        assert_eq!(fs::read(scratch.path().join(".config/git/config")).unwrap(), b"[user]\n");
    }
}
