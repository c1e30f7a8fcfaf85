//! `fs/move` and `fs/mkdir`: other names, and new directories.

use rustix::fs::{RenameFlags, renameat, renameat_with};
use rustix::io::Errno;

use super::beneath::Top;
use super::error::{FileCode, FileError, FileFault};
use super::wire::{Done, MkdirRequest, MoveRequest};

const IN_ONE_STEP: &str =
    "a directory of the project has no other name in one step: copy and remove it, as `mv` of a command does";

pub(super) fn rename(top: &Top, request: &MoveRequest) -> Result<Done, FileError> {
    let from = top.place(&top.relative(&request.from.0)?, false)?;
    let to = top.place(&top.relative(&request.to.0)?, true)?;
    let renamed = match request.replace {
        true => renameat(&from.parent, &from.name, &to.parent, &to.name),
        false => renameat_with(&from.parent, &from.name, &to.parent, &to.name, RenameFlags::NOREPLACE),
    };
    match renamed {
        Ok(()) => Ok(Done {}),
        Err(Errno::EXIST) => {
            Err(to.failed("moving to")(Errno::EXIST).hinting("`replace` puts it in the place of a file"))
        }
        Err(Errno::XDEV) => {
            let mut fault = from.failed("moving")(Errno::XDEV).hinting(IN_ONE_STEP);
            fault.code = FileCode::Failed;
            Err(fault)
        }
        Err(errno) => Err(from.failed("moving")(errno)),
    }
}

pub(super) fn mkdir(top: &Top, request: &MkdirRequest) -> Result<Done, FileError> {
    let path = top.relative(&request.path.0)?;
    top.directories(&path).map(|_| Done {}).map_err(|errno| FileFault::system("making", &path, errno))
}
