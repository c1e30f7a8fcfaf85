//! What a finished run leaves to be cleared, by a process that nobody waits for.

use std::os::fd::{AsFd as _, OwnedFd};

use clearing_rootfs::RunDirectory;
use clearing_runtime::Helper;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::error::Error;

/// The run's directory, and its overlays, whose end costs what was looked up in them.
pub(crate) struct Leftover {
    pub(crate) run: RunDirectory,
    pub(crate) overlays: Vec<OwnedFd>,
}

impl Leftover {
    /// Hands everything to a forked process; does the work here where none can be had. What that
    /// process leaves, should it be killed, the next command collects.
    pub(crate) fn clear(self) -> Result<(), Error> {
        let Ok((ours_gone, _ours)) = pipe_with(PipeFlags::CLOEXEC) else { return Ok(self.run.discard()?) };
        let overlays = self.overlays.iter().map(|overlay| overlay.as_fd());
        let kept: Vec<_> = overlays.chain(self.run.descriptors()).chain([ours_gone.as_fd()]).collect();
        let forked = Helper::fork(&kept, || {
            // The last to close an overlay pays for it: wait until that is this process, at its end.
            let _ = rustix::io::read(&ours_gone, &mut [0u8; 1]);
            let _ = self.run.discard();
        });
        match forked {
            Ok(_) => Ok(()),
            Err(_) => Ok(self.run.discard()?),
        }
    }
}
