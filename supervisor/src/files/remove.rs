//! `fs/remove`: a file, a link itself, or a directory.

use std::ffi::CString;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use clearing_rootfs::{PathText, remove_tree};
use rustix::fs::{Access, AtFlags, accessat, unlinkat};
use rustix::io::Errno;

use super::beneath::{Place, Top, kind_of};
use super::error::{FileError, FileFault};
use super::list::list;
use super::wire::{Done, Kind, ListRequest, RemoveRequest};

/// How many names of what is in the way are told.
const TOLD: u32 = 20;

pub(super) fn remove(top: &Top, request: &RemoveRequest) -> Result<Done, FileError> {
    let path = top.relative(&request.path.0)?;
    let place = top.place(&path, false)?;
    let stat = place.stat()?.ok_or_else(|| FileFault::system("removing", &path, Errno::NOENT))?;
    let is_directory = kind_of(&stat) == Kind::Directory;
    let flags = if is_directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
    match unlinkat(&place.parent, &place.name, flags) {
        Ok(()) => Ok(Done {}),
        Err(Errno::NOTEMPTY | Errno::EXIST) if request.recursive => whole(&place),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Err(not_empty(top, &path)),
        Err(errno) => Err(place.failed("removing")(errno)),
    }
}

/// All that is in it, whatever its modes, which its owner may change; but not that of what it lies in.
fn whole(place: &Place) -> Result<Done, FileError> {
    accessat(&place.parent, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
        .map_err(place.failed("removing"))?;
    let name = CString::new(place.name.as_bytes()).map_err(|_| place.failed("removing")(Errno::INVAL))?;
    remove_tree(place.parent.as_fd(), &name).map(|()| Done {}).map_err(|error| {
        let stayed = place.path.parent().unwrap_or(Path::new("")).join(&error.path);
        let errno = Errno::from_io_error(&error.source).unwrap_or(Errno::IO);
        FileFault::system("removing", &stayed, errno)
    })
}

fn not_empty(top: &Top, path: &Path) -> FileError {
    let request =
        ListRequest { path: Some(PathText(path.to_owned())), limit: Some(TOLD), ..ListRequest::default() };
    let entries = list(top, &request).map(|answer| answer.entries).unwrap_or_default();
    let mut fault = FileFault::system("removing", path, Errno::NOTEMPTY);
    fault.entries = entries.into_iter().map(|entry| entry.path).collect();
    fault
}
