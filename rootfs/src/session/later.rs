//! A record that is later than `session.json`, for who cannot wait until that is replaced.
//!
//! Replacing a file by rename makes ext4 write its data out, so that a power cut leaves the old or the new one.
//! A living sandbox takes ten times as long for that as for all else that a snapshot is. Its records go to a second file
//! instead, which names the `session.json` that it follows and has a sum:
//!
//! ```text
//!   session.json ◀─ follows ─ session.later.json ◀─ exchanged ─▶ .later     (overwritten in place meanwhile)
//! ```
//! - Whoever is killed, one name has a whole record: two names change places in one step.
//! - When `session.json` is replaced the later one follows nothing any more, and is not believed.
//! - After a power cut the later one may be torn, which its sum tells: then `session.json` counts, which was
//!   the record when the last command ended, and the session is told to be unsure. Its layers are there, since
//!   a collection spares what either of both names.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, fstat, ftruncate, openat, renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::files::{read_regular, write_all};

const LATER: &CStr = c"session.later.json";
/// The one before, until it is the next.
const OTHER: &CStr = c".later";
/// So often it is read before it counts as torn: a reader may meet a file that is the next one by then.
pub(super) const ATTEMPTS: usize = 3;

/// The first line of a later record.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    /// The sum of the `session.json` that it comes after.
    follows: String,
    /// Of all but this line.
    sum: String,
}

/// What there is beside `session.json`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Later {
    /// Nothing that counts.
    None,
    /// A record that counts in its place.
    Record(Vec<u8>),
    /// One that would count, if it were whole.
    Torn,
}

/// What a record is known by.
pub(super) fn sum(text: &[u8]) -> String {
    sha1_smol::Sha1::from(text).digest().to_string()
}

/// Replaces the later record, if there is one, by one that comes after the `session.json` of this sum.
pub(super) fn write(session: &OwnedFd, follows: &str, text: &[u8]) -> Result<(), Errno> {
    let head = Head { follows: follows.to_owned(), sum: sum(text) };
    let mut content = serde_json::to_vec(&head).map_err(|_| Errno::INVAL)?;
    content.push(b'\n');
    content.extend_from_slice(text);
    // Not truncated: ext4 would write it out at the end for that, too.
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(session, OTHER, flags, Mode::RUSR | Mode::WUSR)?;
    write_all(&file, &content)?;
    // Of the same length it mostly is, and to shorten it by nothing costs as much as by something.
    if fstat(&file)?.st_size != i64::try_from(content.len()).unwrap_or(i64::MAX) {
        ftruncate(&file, content.len() as u64)?;
    }
    match renameat_with(session, OTHER, session, LATER, RenameFlags::EXCHANGE) {
        // There is none yet, or the file system cannot do it.
        Err(Errno::NOENT | Errno::INVAL | Errno::NOSYS) => renameat(session, OTHER, session, LATER),
        exchanged => exchanged,
    }
}

/// Removes the later record, if there is one.
pub(super) fn remove(session: &OwnedFd) -> Result<(), Errno> {
    match unlinkat(session, LATER, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        removed => removed,
    }
}

/// Reads the later record, if there is one. Its name must be read before that of `session.json`: what is made
/// between the two is then either seen or not, and never in part.
pub(super) fn read(session: &OwnedFd, longest: usize) -> Result<Option<Vec<u8>>, Errno> {
    match read_regular(session, LATER.to_string_lossy().as_ref(), longest) {
        Err(Errno::NOENT) => Ok(None),
        text => text.map(Some),
    }
}

/// Whether that comes after the `session.json` of this sum.
pub(super) fn judge(text: Option<&[u8]>, follows: &str) -> Later {
    text.map_or(Later::None, |text| judge_text(text, follows))
}

fn judge_text(text: &[u8], follows: &str) -> Later {
    let line = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
    let (head, rest) = (&text[..line], text.get(line + 1..).unwrap_or_default());
    match serde_json::from_slice::<Head>(head) {
        Ok(head) if head.follows != follows => Later::None,
        Ok(head) if head.sum == sum(rest) => Later::Record(rest.to_vec()),
        _ => Later::Torn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, OwnedFd) {
        let folder = tempfile::tempdir().expect("folder");
        let opened = std::fs::File::open(folder.path()).expect("open").into();
        (folder, opened)
    }

    #[test]
    fn the_last_one_counts_for_the_record_that_it_follows_and_no_other() {
        let (_folder, session) = folder();
        let read = |follows| judge(read(&session, 1 << 20).expect("read").as_deref(), follows);
        assert_eq!(read("a"), Later::None);
        for text in ["a long one, at first", "short", "a much, much, much longer one", ""] {
            write(&session, "a", text.as_bytes()).expect("written");
            assert_eq!((read("a"), read("b")), (Later::Record(text.into()), Later::None));
        }
    }

    #[test]
    fn one_that_a_power_cut_tore_is_told_from_one_that_is_whole() {
        let (folder, session) = folder();
        write(&session, "a", b"{\n  \"version\": 1\n}\n").expect("written");
        let path = folder.path().join("session.later.json");
        let whole = std::fs::read(&path).expect("read");
        for length in 0..whole.len() {
            let mut zeros = whole[..length].to_vec();
            zeros.resize(whole.len(), 0);
            for torn in [&whole[..length], &zeros[..]] {
                std::fs::write(&path, torn).expect("torn");
                let read = read(&session, 1 << 20).expect("read");
                assert_eq!(judge(read.as_deref(), "a"), Later::Torn, "{length}");
            }
        }
    }
}
