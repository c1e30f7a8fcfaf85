//! The mounts of this process, as `/proc/self/mountinfo` lists them.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::buffer::spare_capacity;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use crate::files::{io_error, path_of};

/// The mount table at one moment, read at once and parsed as it is asked.
#[derive(Clone, Debug)]
pub struct MountTable {
    text: Vec<u8>,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where it is mounted.
    pub point: PathBuf,
    /// The file system's type: `ext4`, `overlay`, `nfs4`, …
    pub fs_type: String,
    /// Major and minor number of its device.
    pub device: (u32, u32),
}

/// Why there is no mount table.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum MountInfoError {
    #[error("reading `/proc/self/mountinfo`")]
    Read { source: io::Error },
}

impl MountInfoError {
    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some("mount the proc file system on /proc")
    }
}

impl MountTable {
    /// Reads the table of this process.
    pub fn read() -> Result<Self, MountInfoError> {
        read_table()
            .map(|text| Self { text })
            .map_err(|errno| MountInfoError::Read { source: io_error(errno) })
    }

    /// Takes a table's text; lines that are not of the form of `proc_pid_mountinfo(5)` don't count.
    pub fn from_text(text: Vec<u8>) -> Self {
        Self { text }
    }

    /// The points at which something is mounted strictly below `path`, sorted, each once.
    pub fn below(&self, path: &Path) -> Vec<PathBuf> {
        let points = self.lines().map(|line| line.point);
        let mut below: Vec<PathBuf> =
            points.filter(|point| point.starts_with(path) && point != path).map(Cow::into_owned).collect();
        below.sort();
        below.dedup();
        below
    }

    /// The mount that holds `path`, which must be absolute and canonical: of several at one point the uppermost.
    pub fn holding(&self, path: &Path) -> Option<Mount> {
        let holding = self.lines().filter(|line| path.starts_with(&line.point));
        holding.max_by_key(|line| line.point.as_os_str().len())?.to_mount()
    }

    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.text.split(|&byte| byte == b'\n').filter_map(Line::parse)
    }
}

/// The kernel hands out a page at a time, and no size beforehand.
fn read_table() -> Result<Vec<u8>, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(CWD, "/proc/self/mountinfo", flags, Mode::empty())?;
    let mut text = Vec::with_capacity(16 * 1024);
    while rustix::io::read(&file, spare_capacity(&mut text))? > 0 {
        text.reserve(4096);
    }
    Ok(text)
}

/// `36 35 98:0 /root /point options… - type source super-options`, the fields of use still as they stand.
struct Line<'a> {
    device: &'a [u8],
    point: Cow<'a, Path>,
    fs_type: &'a [u8],
}

impl<'a> Line<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let mut fields = line.split(|&byte| byte == b' ');
        let device = fields.nth(2)?;
        let point = fields.nth(1)?;
        let mut after_options = fields.skip_while(|field| *field != b"-");
        Some(Self { device, point: unescape(point), fs_type: after_options.nth(1)? })
    }

    fn to_mount(&self) -> Option<Mount> {
        let (major, minor) = std::str::from_utf8(self.device).ok()?.split_once(':')?;
        let device = (major.parse().ok()?, minor.parse().ok()?);
        let fs_type = String::from_utf8_lossy(self.fs_type).into_owned();
        Some(Mount { point: self.point.clone().into_owned(), fs_type, device })
    }
}

/// Blank, tab, newline and backslash stand as `\` and three octal digits.
fn unescape(field: &[u8]) -> Cow<'_, Path> {
    if !field.contains(&b'\\') {
        return Cow::Borrowed(Path::new(OsStr::from_bytes(field)));
    }
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        let escaped = octal(rest);
        plain.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &rest[4..] } else { after };
    }
    Cow::Owned(path_of(plain))
}

fn octal(text: &[u8]) -> Option<u8> {
    let [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] = text else { return None };
    Some((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r"22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 27 8:1 / /srv rw shared:1 master:2 - xfs /dev/sda1 rw
41 40 0:50 / /srv/app/data rw - tmpfs tmpfs rw
42 40 0:51 / /srv/app/a\040b\134c\011\012 rw - fuse.sshfs host:/x rw
43 40 0:52 / /srv/apple rw - tmpfs tmpfs rw
44 41 0:53 / /srv/app/data rw - nfs4 server:/ rw
45 27 bad";

    fn table() -> MountTable {
        MountTable::from_text(TEXT.as_bytes().to_vec())
    }

    #[test]
    fn mounts_below_a_path_are_found_by_component_and_unescaped() {
        let expected = [PathBuf::from("/srv/app/a b\\c\t\n"), PathBuf::from("/srv/app/data")];
        assert_eq!(table().below(Path::new("/srv/app")), expected);
        assert_eq!(table().below(Path::new("/srv/app/data")), Vec::<PathBuf>::new());
    }

    #[test]
    fn the_mount_holding_a_path_is_the_nearest_and_uppermost() {
        let holding = |path| table().holding(Path::new(path)).map(|mount| (mount.fs_type, mount.device));
        assert_eq!(holding("/srv/app"), Some(("xfs".into(), (8, 1))));
        assert_eq!(holding("/srv/app/data/x"), Some(("nfs4".into(), (0, 53))));
        assert_eq!(holding("/srvice"), Some(("ext4".into(), (254, 0))));
    }

    #[test]
    fn the_table_of_this_process_has_a_root_and_proc() {
        let table = MountTable::read().unwrap();
        assert_eq!(table.holding(Path::new("/")).unwrap().point, Path::new("/"));
        assert!(table.below(Path::new("/")).contains(&PathBuf::from("/proc")));
    }
}
