//! How processes are scheduled.

use std::io;

/// `struct sched_attr` as far as other processes can change it for good; the slice between is the kernel's.
type Attributes = ([u8; 24], [u8; 8]);
/// One bit for each processor.
type Processors = [u8; 1024];

/// What `sched_getattr(2)` and `sched_getaffinity(2)` tell of a process, which its children will have; 0 is the caller.
pub(crate) fn scheduling(process: i32) -> io::Result<(Attributes, Processors)> {
    let (mut told, mut processors) = ([0_u8; 56], [0_u8; 1024]);
    // SAFETY: the kernel writes no more than there is.
    super::check(unsafe {
        libc::syscall(libc::SYS_sched_getattr, process, told.as_mut_ptr(), told.len(), 0)
    })?;
    // SAFETY: the same.
    super::check(unsafe {
        libc::syscall(libc::SYS_sched_getaffinity, process, processors.len(), processors.as_mut_ptr())
    })?;
    let (mut first, mut last) = ([0; 24], [0; 8]);
    first.copy_from_slice(&told[..24]);
    last.copy_from_slice(&told[48..]);
    Ok(((first, last), processors))
}
