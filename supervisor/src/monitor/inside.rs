//! What is written where the command has shut everybody out: root of its own user namespace, whom the kernel
//! lets in everywhere, is whoever made that namespace.

use std::os::fd::{AsFd as _, OwnedFd};

use clearing_rootfs::Written;
use clearing_runtime::Helper;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns};
use rustix::fs::{Mode, OFlags, openat};
use rustix::pipe::{PipeFlags, pipe_with};

use super::processes::Processes;
use crate::place::Place;

/// A process of its own that joins the sandbox's user namespace, and nothing else of it, and adds up what
/// the run has written.
pub(super) struct Inside {
    helper: Helper,
    answer: OwnedFd,
}

impl Inside {
    /// None where no process is left to find the namespace by.
    pub(super) fn ask(procfs: &OwnedFd, place: &Place) -> Option<Self> {
        let process = *Processes::ids(procfs).ok()?.first()?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let namespace = openat(procfs, format!("{process}/ns/user"), flags, Mode::empty()).ok()?;
        let (answer, tell) = pipe_with(PipeFlags::CLOEXEC).ok()?;
        let kept: Vec<_> =
            place.written_descriptors().into_iter().chain([namespace.as_fd(), tell.as_fd()]).collect();
        let helper = Helper::fork(&kept, || {
            if setns(&namespace, CloneFlags::CLONE_NEWUSER).is_ok() {
                let Written { bytes, inodes, unread } = place.written();
                // Nobody to be told is nobody who waits.
                let _ = rustix::io::write(&tell, &[bytes, inodes, unread].map(u64::to_ne_bytes).concat());
            }
        });
        helper.ok().map(|helper| Self { helper, answer })
    }

    /// Whether [`Inside::answer`] will not wait.
    pub(super) fn has_answered(&self) -> bool {
        let mut polled = [PollFd::new(self.answer.as_fd(), PollFlags::POLLIN)];
        poll(&mut polled, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    /// What it found.
    pub(super) fn answer(self) -> Option<Written> {
        let mut numbers = [[0; 8]; 3];
        // So few bytes come as a whole.
        let read = rustix::io::read(&self.answer, numbers.as_flattened_mut());
        self.helper.wait();
        let [bytes, inodes, unread] = numbers.map(u64::from_ne_bytes);
        (read == Ok(24)).then_some(Written { bytes, inodes, unread })
    }
}
