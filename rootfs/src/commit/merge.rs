//! Three-way merge of text: what the session saw, what it made of that, what the project made of it.

use std::os::fd::AsFd as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use super::edit::Edit;
use super::stage::Content;
use super::target::{Target, c_string};
use crate::compare::Kind;
use crate::seen::{Memory, Seen};
use crate::sighting::Sighting;

/// A merge that left nothing open.
pub(crate) struct Merged {
    pub(crate) content: Vec<u8>,
    pub(crate) mode: u32,
}

/// Larger files are not merged; none is kept to merge upon either.
const LARGEST: u64 = 1024 * 1024;

/// Merges the two changes of one file; none where either is no text, nothing was kept of what the session
/// saw, or both changed the same lines or the mode.
pub(crate) fn merge(
    path: &Path,
    edit: &Edit,
    seen: &Seen,
    target: &Target,
    content: &dyn Content,
) -> Option<Merged> {
    let (old, new) = (edit.old.as_ref()?, edit.new.as_ref()?);
    let Memory::Known(Some(saw)) = seen.of(path) else { return None };
    if [old, new, saw].iter().any(|side| side.kind != Kind::File || side.size > LARGEST) {
        return None;
    }
    let base = text(seen.base(path)?)?;
    let ours = text(read(&content.open(path).ok()?, new)?)?;
    let theirs = text(read_project(target, path, old)?)?;
    let merged = diffy::merge(&base, &ours, &theirs).ok()?;
    let mode = merge_modes(saw.mode & 0o777, new.mode & 0o777, old.mode & 0o777)?;
    Some(Merged { content: merged.into_bytes(), mode })
}

/// The content that the project has under a path, if that still is what was seen and is not too large.
pub(crate) fn read_project(target: &Target, path: &Path, seen: &Sighting) -> Option<Vec<u8>> {
    if seen.size > LARGEST {
        return None;
    }
    read(&open(target, path).ok()?, seen)
}

fn merge_modes(base: u32, ours: u32, theirs: u32) -> Option<u32> {
    match (ours == base, theirs == base) {
        (true, _) => Some(theirs),
        (_, true) => Some(ours),
        _ => (ours == theirs).then_some(ours),
    }
}

/// Text is UTF-8 without a NUL, as git has it.
fn text(content: Vec<u8>) -> Option<String> {
    String::from_utf8(content).ok().filter(|text| !text.contains('\0'))
}

/// Reads what is as large as it was seen, and still is what was seen afterwards.
fn read(file: &std::os::fd::OwnedFd, seen: &Sighting) -> Option<Vec<u8>> {
    let size = usize::try_from(seen.size).ok()?;
    let mut content = vec![0; size];
    let mut filled = 0;
    while filled < size {
        match rustix::io::pread(file, &mut content[filled..], filled as u64).ok()? {
            0 => return None,
            read => filled += read,
        }
    }
    seen.is_still(&Sighting::of_stat(&fstat(file).ok()?)).then_some(content)
}

fn open(target: &Target, path: &Path) -> Result<std::os::fd::OwnedFd, Errno> {
    let directory = target.directory(path.parent().unwrap_or(Path::new("")))?;
    let name = c_string(path.file_name().ok_or(Errno::INVAL)?)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(directory.as_fd(), &name, flags, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_that_one_side_changed_is_taken_and_a_disputed_one_is_not() {
        assert_eq!(merge_modes(0o644, 0o755, 0o644), Some(0o755));
        assert_eq!(merge_modes(0o644, 0o644, 0o600), Some(0o600));
        assert_eq!(merge_modes(0o644, 0o755, 0o755), Some(0o755));
        assert_eq!(merge_modes(0o644, 0o755, 0o600), None);
    }

    #[test]
    fn bytes_are_no_text() {
        assert_eq!(text(b"a\0b".to_vec()), None);
        assert_eq!(text(b"\xff".to_vec()), None);
        assert_eq!(text("ä\n".into()), Some("ä\n".into()));
    }
}
