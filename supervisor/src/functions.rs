//! What runs in a sandbox in place of a program, confined exactly like one.

use std::ffi::OsString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use clearing_runtime::Function;
use rustix::fs::{MemfdFlags, SealFlags, SeekFrom, fcntl_add_seals, memfd_create, seek};
use serde_json::Value;

use crate::error::Error;

/// All of them; each is known by its place.
pub(crate) static FUNCTIONS: [Function; 2] = [crate::patch::FUNCTION, crate::files::FUNCTION];
pub(crate) const PATCH: u32 = 0;
pub(crate) const FILES: u32 = 1;

/// A function that is called in place of a program, with streams of its own.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) function: u32,
    /// What the record calls it.
    pub(crate) verb: &'static str,
    /// What the record has of it beside words.
    pub(crate) mark: Value,
    /// What it reads, and what it writes.
    pub(crate) streams: Arc<[OwnedFd; 2]>,
    /// Whether what it writes counts only as a whole.
    pub(crate) is_transaction: bool,
}

/// What the record calls a function that is called with these words.
pub(crate) fn verb(words: &[OsString]) -> &'static str {
    let name = words.first().and_then(|word| word.to_str()).unwrap_or_default();
    crate::files::METHODS.into_iter().find(|method| *method == name).unwrap_or("patch")
}

/// A file in memory.
pub(crate) fn memory(name: &str) -> Result<OwnedFd, Error> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    memfd_create(name, flags).map_err(|errno| Error::System("memfd_create", errno.into()))
}

/// A file in memory that holds these bytes, which nobody can change any more.
pub(crate) fn sealed(name: &str, parts: &[&[u8]]) -> Result<OwnedFd, Error> {
    let failed = |error| Error::System("writing a file in memory", error);
    let sealed = memory(name)?;
    let mut file = std::fs::File::from(sealed.try_clone().map_err(failed)?);
    for part in parts {
        std::io::Write::write_all(&mut file, part).map_err(failed)?;
    }
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    fcntl_add_seals(sealed.as_fd(), seals).map_err(|errno| failed(errno.into()))?;
    seek(&sealed, SeekFrom::Start(0)).map_err(|errno| failed(errno.into()))?;
    Ok(sealed)
}

/// What a function wrote, at most `longest` bytes of it.
pub(crate) fn written(output: &OwnedFd, longest: u64) -> std::io::Result<Vec<u8>> {
    let file = std::fs::File::from(output.try_clone()?);
    let length = file.metadata()?.len().min(longest);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, 0)?;
    Ok(bytes)
}
