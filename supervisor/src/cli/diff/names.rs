//! `--name-status`: a letter and a name for each path.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use clearing_rootfs::{Diff, Entry, Kind, quoted};

/// Writes a line for each entry, or its fields each ended by a NUL.
pub(super) fn write(diff: &Diff<'_>, nul: bool, out: &mut dyn Write) -> io::Result<()> {
    diff.entries.iter().try_for_each(|entry| write_entry(entry, nul, out))
}

fn write_entry(entry: &Entry, nul: bool, out: &mut dyn Write) -> io::Result<()> {
    let (between, end) = if nul { (b"\0", b"\0") } else { (b"\t", b"\n") };
    write!(out, "{}", entry.status().letter())?;
    if let Some(renamed) = &entry.renamed {
        write!(out, "{:03}", renamed.similarity)?;
        out.write_all(between)?;
        out.write_all(&name(&renamed.from, nul))?;
    }
    out.write_all(between)?;
    out.write_all(&name(&entry.path, nul))?;
    if entry.new.or(entry.old).is_some_and(|side| side.kind == Kind::Directory) {
        out.write_all(b"/")?;
    }
    out.write_all(end)
}

fn name(path: &Path, nul: bool) -> Vec<u8> {
    if nul { path.as_os_str().as_bytes().to_vec() } else { quoted("", path).into_owned() }
}
