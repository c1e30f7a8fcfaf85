//! `fs/edit`: pieces of a text file, all of them or none.

use clearing_rootfs::PathText;
use rustix::fs::{OFlags, fstat};
use rustix::io::Errno;

use super::beneath::{Top, must_be_file};
use super::error::{FileCode, FileError, FileFault};
use super::read::{MOST, whole};
use super::stat::size_of;
use super::wire::{Edit, EditAnswer, EditRequest};
use super::write::{expect, replace};
use crate::digest::sha256;

pub(super) fn edit(top: &Top, request: &EditRequest) -> Result<EditAnswer, FileError> {
    let path = top.relative(&request.path.0)?;
    let place = top.place_at_end(&path, false)?;
    let before = place.stat()?.ok_or_else(|| FileFault::system("opening", &path, Errno::NOENT))?;
    must_be_file(&place.path, &before)?;
    expect(&place, Some(&before), request.expected.as_deref())?;
    let file = place.open(OFlags::RDONLY).map_err(place.failed("opening"))?;
    let stat = fstat(&file).map_err(place.failed("looking at"))?;
    must_be_file(&place.path, &stat)?;
    let text = String::from_utf8(whole(&file, &path)?).map_err(|_| {
        FileFault::new(FileCode::Kind, &path, "it is no UTF-8, and edited as `bytes` alone".into())
    })?;
    let (mut text, mut replaced) = (text, 0);
    for (number, edit) in request.edits.iter().enumerate() {
        let (edited, places) = apply(text, edit).map_err(|why| {
            let message = format!("edit {} of `{}`: {why}", number + 1, crate::text::printable(&path));
            FileFault::new(FileCode::Mismatch, &path, message).hinting(MORE)
        })?;
        (text, replaced) = (edited, replaced + places);
    }
    let stat = replace(&place, text.as_bytes(), Some(&stat), None, false)?;
    Ok(EditAnswer {
        path: PathText(place.path.clone()),
        replaced,
        size: size_of(&stat),
        sha256: sha256(text.as_bytes()),
    })
}

const MORE: &str =
    "`old` is taken exactly, blanks and line ends too; name more of what stands around it, or `all`";

fn apply(text: String, edit: &Edit) -> Result<(String, u64), String> {
    if edit.old.is_empty() {
        return Err("`old` is empty".into());
    }
    let places = text.matches(&edit.old).count();
    if places == 0 {
        return Err("`old` does not stand there".into());
    }
    if places > 1 && !edit.all {
        return Err(format!("`old` stands there {places} times"));
    }
    let grows = edit.new.len().saturating_sub(edit.old.len()).saturating_mul(places);
    if text.len().saturating_add(grows) as u64 > MOST {
        return Err(format!("it would have more than {MOST} bytes"));
    }
    Ok((text.replace(&edit.old, &edit.new), places as u64))
}
