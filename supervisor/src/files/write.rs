//! `fs/write`: a regular file, as a whole or not at all.

use std::ffi::OsString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clearing_rootfs::PathText;
use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, Stat, fchmod, fstat, ftruncate, openat, renameat, renameat_with,
    unlinkat,
};
use rustix::io::Errno;

use super::beneath::{Place, Top, must_be_file};
use super::error::{FileCode, FileError, FileFault};
use super::read::hash;
use super::stat::{mode_of, size_of};
use super::wire::{WriteAnswer, WriteRequest};
use crate::digest::sha256;

/// The word for a file that is not there.
const ABSENT: &str = "absent";
/// What is made has this mode without the umask.
const NEW: u32 = 0o666;

pub(super) fn write(top: &Top, request: &WriteRequest) -> Result<WriteAnswer, FileError> {
    let path = top.relative(&request.path.0)?;
    let content = content(&path, request)?;
    let mode = request.mode.as_deref().map(|text| mode(&path, text)).transpose()?;
    let creates = request.create.unwrap_or(true);
    let place = top.place_at_end(&path, creates)?;
    let before = place.stat()?;
    before.as_ref().map_or(Ok(()), |stat| must_be_file(&place.path, stat))?;
    if before.is_none() && !creates {
        return Err(FileFault::system("opening", &path, Errno::NOENT));
    }
    expect(&place, before.as_ref(), request.expected.as_deref())?;
    let stat = if request.append && before.is_some() {
        append(&place, &content, mode)?
    } else {
        replace(&place, &content, before.as_ref(), mode, request.expected.as_deref() == Some(ABSENT))?
    };
    let whole = !request.append || before.is_none();
    Ok(WriteAnswer {
        path: PathText(place.path.clone()),
        created: before.is_none(),
        size: size_of(&stat),
        mode: mode_of(&stat),
        sha256: whole.then(|| sha256(&content)),
    })
}

fn content(path: &Path, request: &WriteRequest) -> Result<Vec<u8>, FileError> {
    match (&request.text, &request.bytes) {
        (Some(text), None) => Ok(text.clone().into_bytes()),
        (None, Some(bytes)) => BASE64_STANDARD
            .decode(bytes)
            .map_err(|error| FileFault::request(path, &format!("`bytes` is no base64: {error}"))),
        _ => Err(FileFault::request(path, "either `text` or `bytes` is written")),
    }
}

fn mode(path: &Path, text: &str) -> Result<u32, FileError> {
    // A sign would be read as well.
    let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let mode = digits.and_then(|digits| u32::from_str_radix(digits, 8).ok()).filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| FileFault::request(path, "`mode` is up to three octal digits, as \"644\""))
}

/// Whether the file is what the caller last saw.
pub(super) fn expect(place: &Place, before: Option<&Stat>, expected: Option<&str>) -> Result<(), FileError> {
    let Some(expected) = expected else { return Ok(()) };
    let actual = match before {
        None => ABSENT.to_owned(),
        Some(stat) => {
            let file = place.open(OFlags::RDONLY).map_err(place.failed("opening"))?;
            hash(&file, stat).map_err(place.failed("reading"))?
        }
    };
    if actual.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(changed(place, actual))
}

fn changed(place: &Place, actual: String) -> FileError {
    let message = format!("`{}` is not what was expected", crate::text::printable(&place.path));
    let mut fault = FileFault::new(FileCode::Changed, &place.path, message);
    fault.actual = Some(actual);
    fault.hinting("read it again, and write upon that")
}

/// Puts a new file in the place of what is there, which keeps its mode.
pub(super) fn replace(
    place: &Place,
    content: &[u8],
    before: Option<&Stat>,
    mode: Option<u32>,
    only_new: bool,
) -> Result<Stat, FileError> {
    let name = temporary_name();
    let made = Mode::from_raw_mode(if before.is_some() { 0o600 } else { NEW });
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(&place.parent, &name, flags, made).map_err(place.failed("making a file beside"))?;
    let mode = mode.or(before.map(|stat| stat.st_mode & 0o777)).map(Mode::from_raw_mode);
    let landed = write_all(&file, content)
        .and_then(|()| mode.map_or(Ok(()), |mode| fchmod(&file, mode)))
        .map_err(place.failed("writing"))
        .and_then(|()| if only_new { rename_new(place, &name) } else { rename_over(place, &name) })
        .and_then(|()| fstat(&file).map_err(place.failed("looking at")));
    if landed.is_err() {
        // The failure to write is what the caller has to know.
        let _ = unlinkat(&place.parent, &name, AtFlags::empty());
    }
    landed
}

fn rename_over(place: &Place, name: &OsString) -> Result<(), FileError> {
    renameat(&place.parent, name, &place.parent, &place.name).map_err(place.failed("writing"))
}

fn rename_new(place: &Place, name: &OsString) -> Result<(), FileError> {
    match renameat_with(&place.parent, name, &place.parent, &place.name, RenameFlags::NOREPLACE) {
        // The file system cannot say so; that nothing was there has been seen.
        Err(Errno::INVAL | Errno::NOSYS) => rename_over(place, name),
        Err(Errno::EXIST) => Err(changed(place, "present".to_owned())),
        renamed => renamed.map_err(place.failed("writing")),
    }
}

/// Adds to the file itself; what could not be added as a whole is taken back.
fn append(place: &Place, content: &[u8], mode: Option<u32>) -> Result<Stat, FileError> {
    let file = place.open(OFlags::WRONLY | OFlags::APPEND).map_err(place.failed("opening"))?;
    let before = fstat(&file).map_err(place.failed("looking at"))?;
    must_be_file(&place.path, &before)?;
    if let Err(errno) = write_all(&file, content) {
        let _ = ftruncate(&file, size_of(&before));
        return Err(place.failed("writing")(errno));
    }
    mode.map_or(Ok(()), |mode| fchmod(&file, Mode::from_raw_mode(mode))).map_err(place.failed("chmod of"))?;
    fstat(&file).map_err(place.failed("looking at"))
}

fn write_all(file: &OwnedFd, mut content: &[u8]) -> Result<(), Errno> {
    while !content.is_empty() {
        match rustix::io::write(file.as_fd(), content) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => content = &content[written..],
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// A name that nobody has. One that somebody guessed would be refused, not written to.
fn temporary_name() -> OsString {
    let mut random = [0; 8];
    // Without it the name is known beforehand, which costs no more than a refusal.
    let _ = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    format!(".clearing-{:016x}", u64::from_le_bytes(random)).into()
}
