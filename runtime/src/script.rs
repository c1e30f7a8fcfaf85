//! Files that a command finds, laid by itself on its way: confined as it is, it can put them nowhere else.

use std::ffi::CString;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::error::{AtStage as _, Failure, Stage};
use crate::spec::Laid;

/// Makes the directory, which must not exist, and the files in it. Nobody else may look into it.
pub(crate) fn lay(laid: &Laid) -> Result<(), Failure> {
    let describe = |call: &str| format!("{call}({:?})", laid.directory);
    let open = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::mkdir(&laid.directory, Mode::RWXU).at(Stage::Script, || describe("mkdir"))?;
    let directory = rustix::fs::open(&laid.directory, open, Mode::empty());
    let directory = directory.at(Stage::Script, || describe("open"))?;
    for (name, content) in &laid.files {
        lay_file(&directory, name, content).at(Stage::Script, || format!("write({name:?})"))?;
    }
    Ok(())
}

fn lay_file(directory: &OwnedFd, name: &CString, mut content: &[u8]) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, name, flags, Mode::RUSR | Mode::WUSR)?;
    while !content.is_empty() {
        match rustix::io::write(&file, content) {
            Err(Errno::INTR) => {}
            Ok(0) => return Err(Errno::IO),
            written => content = &content[written?..],
        }
    }
    Ok(())
}
