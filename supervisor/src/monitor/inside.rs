//! What is written where the command has shut everybody out: root of its own user namespace, whom the kernel
//! lets in everywhere, is whoever made that namespace.

use std::os::fd::{AsFd as _, OwnedFd};

use clearing_rootfs::{Written, written_below};
use clearing_runtime::Helper;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns};
use rustix::fs::{Mode, OFlags, openat};
use rustix::pipe::{PipeFlags, pipe_with};

use super::processes::Processes;
use crate::place::Place;
use crate::works;

/// A process of its own that joins the sandbox's user namespace, and nothing else of it, and adds up what
/// the run has written.
pub(super) struct Inside {
    helper: Helper,
    answer: OwnedFd,
}

impl Inside {
    /// None where no process is left to find the namespace by. Not by each of them: some are nobody's to look at.
    pub(super) fn ask(procfs: &OwnedFd, place: &Place) -> Option<Self> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let of = |process| openat(procfs, format!("{process}/ns/user"), flags, Mode::empty()).ok();
        let namespace = Processes::ids(procfs).ok()?.into_iter().find_map(of)?;
        let (answer, tell) = pipe_with(PipeFlags::CLOEXEC).ok()?;
        let (tops, before): (Vec<_>, Vec<_>) = place.tops().into_iter().unzip();
        let words: Vec<u8> = before.into_iter().flat_map(in_bytes).collect();
        let handed: Vec<_> = [tell.as_fd(), namespace.as_fd()].into_iter().chain(tops).collect();
        works::register();
        Helper::work(works::ADD_UP, &words, &handed).ok().map(|helper| Self { helper, answer })
    }

    /// Whether [`Inside::answer`] will not wait.
    pub(super) fn has_answered(&self) -> bool {
        let mut polled = [PollFd::new(self.answer.as_fd(), PollFlags::POLLIN)];
        poll(&mut polled, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    /// What it found.
    pub(super) fn answer(self) -> Option<Written> {
        let mut numbers = [0; WRITTEN];
        // So few bytes come as a whole.
        let read = rustix::io::read(&self.answer, &mut numbers);
        self.helper.wait();
        (read == Ok(WRITTEN)).then(|| of_bytes(&numbers))
    }
}

/// A process of its own adds up what lies below directories, beyond what was there before.
pub(crate) fn add_up(before: &[u8], handed: Vec<OwnedFd>) {
    let [tell, namespace, tops @ ..] = &handed[..] else { return };
    if setns(namespace, CloneFlags::CLONE_NEWUSER).is_err() {
        return;
    }
    let (before, _) = before.as_chunks();
    let mut sum = Written::default();
    for (top, before) in tops.iter().zip(before.iter().map(of_bytes)) {
        let now = written_below(top.as_fd());
        sum.bytes += now.bytes.saturating_sub(before.bytes);
        sum.inodes += now.inodes.saturating_sub(before.inodes);
        sum.unread += now.unread;
    }
    // Nobody to be told is nobody who waits.
    let _ = rustix::io::write(tell, &in_bytes(sum));
}

/// What a sum takes on its way.
const WRITTEN: usize = 24;

fn in_bytes(Written { bytes, inodes, unread }: Written) -> [u8; WRITTEN] {
    let mut all = [0; WRITTEN];
    for (place, number) in all.as_chunks_mut().0.iter_mut().zip([bytes, inodes, unread]) {
        *place = u64::to_ne_bytes(number);
    }
    all
}

fn of_bytes(bytes: &[u8; WRITTEN]) -> Written {
    let mut numbers = bytes.as_chunks().0.iter().map(|number| u64::from_ne_bytes(*number));
    let mut next = || numbers.next().unwrap_or_default();
    Written { bytes: next(), inodes: next(), unread: next() }
}
