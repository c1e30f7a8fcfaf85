//! Where bytes are written to: what waits for a reader, and what it was made of.

use std::collections::VecDeque;
use std::os::fd::{AsFd as _, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::encoder::Stream;

/// A descriptor that polls as writable takes this many bytes without blocking: `PIPE_BUF`.
pub(super) const AT_ONCE: usize = 4096;

/// A place to write to, and what waits for it.
pub(super) struct Sink {
    pub(super) to: OwnedFd,
    pub(super) waiting: Vec<u8>,
    /// What `waiting` was made of, in its order.
    pub(super) parts: VecDeque<Part>,
    /// Whether each part is one line, of which nobody wants a piece.
    pub(super) of_events: bool,
    /// It takes nothing any more; what comes is dropped.
    pub(super) broken: bool,
    /// Whether what was appended last ends a line.
    pub(super) line_ended: bool,
}

/// What was appended to a sink at once.
pub(super) struct Part {
    /// Bytes of it that still wait.
    pub(super) left: usize,
    /// Bytes of the command's output in it.
    pub(super) of: Option<(Stream, u64)>,
    /// Whether some of it has been written.
    pub(super) is_begun: bool,
}

/// Whether [`AT_ONCE`] bytes can be written without waiting.
fn is_writable(to: &OwnedFd) -> bool {
    let mut polled = [PollFd::new(to.as_fd(), PollFlags::POLLOUT)];
    let ready = poll(&mut polled, PollTimeout::ZERO);
    ready.is_ok() && polled[0].revents() == Some(PollFlags::POLLOUT)
}

impl Sink {
    pub(super) fn new(to: OwnedFd, of_events: bool) -> Self {
        Self { to, waiting: Vec::new(), parts: VecDeque::new(), of_events, broken: false, line_ended: true }
    }

    /// Appends what `encode` makes; it tells how many bytes of the stream that is.
    pub(super) fn append(&mut self, stream: Option<Stream>, encode: impl FnOnce(&mut Vec<u8>) -> usize) {
        let before = self.waiting.len();
        let bytes = encode(&mut self.waiting);
        let left = self.waiting.len() - before;
        self.line_ended = self.waiting[before..].last().map_or(self.line_ended, |last| *last == b'\n');
        if left > 0 {
            let of = stream.map(|stream| (stream, bytes as u64));
            self.parts.push_back(Part { left, of, is_begun: false });
        }
    }

    /// Whether another line fits in now.
    pub(super) fn is_between_lines(&self) -> bool {
        !self.broken && self.waiting.is_empty() && self.line_ended && is_writable(&self.to)
    }

    pub(super) fn wrote(&mut self, mut written: usize) {
        self.waiting.drain(..written);
        while let Some(part) = self.parts.front_mut().filter(|_| written > 0) {
            let now = part.left.min(written);
            (part.left, part.is_begun, written) = (part.left - now, true, written - now);
            if part.left == 0 {
                self.parts.pop_front();
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.parts.clear();
    }
}

impl Part {
    /// Bytes of output in what is left of it. A line that was begun is never dropped, and bytes are
    /// written as they are.
    pub(super) fn output(&self) -> Option<(Stream, u64)> {
        let (stream, bytes) = self.of?;
        Some((stream, if self.is_begun { self.left as u64 } else { bytes }))
    }
}
