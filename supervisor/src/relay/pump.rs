//! Moves bytes from sources to sinks without ever waiting for either.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::io::Errno;
use serde::Serialize;

use super::encoder::{self, Encoder, Stream};
use super::sink::{AT_ONCE, Part, Sink};
use super::truncated::Truncated;

/// A sink that has this much waiting takes no more, so that its sources wait in turn.
const WAITING: usize = 64 << 10;
/// Room for events of our own beyond that.
const MOST_WAITING: usize = 2 * WAITING;
/// All relays of one run.
pub(super) struct Pump {
    limit: Option<u64>,
    /// Bytes of output that may still be handed on.
    left: Option<u64>,
    truncated: Truncated,
    /// What a reader did not take that was given up.
    untaken: Truncated,
    cut: Vec<u8>,
    sources: Vec<Source>,
    sinks: Vec<Sink>,
    seq: u64,
    /// Whether what is typed is for the command now.
    listening: bool,
}

struct Source {
    from: Option<OwnedFd>,
    to: usize,
    encoder: Encoder,
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// What the caller types, and the key that stands for its end.
    Input(u8),
    Output(Stream),
}

/// What a polled descriptor is for.
enum Duty {
    Read(usize),
    Write(usize),
}

impl Pump {
    /// Of all output no more than `limit` bytes are handed on.
    pub(super) fn new(limit: Option<u64>) -> Self {
        Self {
            limit,
            left: limit,
            truncated: Truncated::default(),
            untaken: Truncated::default(),
            cut: Vec::new(),
            sources: Vec::new(),
            sinks: Vec::new(),
            seq: 0,
            listening: false,
        }
    }

    /// What was more than the limit so far.
    pub(super) fn truncated(&self) -> Truncated {
        self.truncated
    }

    /// What was not taken by a reader that was given up.
    pub(super) fn untaken(&self) -> Truncated {
        self.untaken
    }

    /// The rest of a line that a reader had begun to take when it was given up.
    pub(super) fn take_cut(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.cut)
    }

    /// Adds a place to write bytes to.
    pub(super) fn sink(&mut self, to: OwnedFd) -> usize {
        self.sinks.push(Sink::new(to, false));
        self.sinks.len() - 1
    }

    /// Adds a place to write events to.
    pub(super) fn sink_of_events(&mut self, to: OwnedFd) -> usize {
        self.sinks.push(Sink::new(to, true));
        self.sinks.len() - 1
    }

    /// Adds output of the command, which is all moved before the end.
    pub(super) fn output(&mut self, from: OwnedFd, to: usize, stream: Stream, encoder: Encoder) {
        self.sources.push(Source { from: Some(from), to, encoder, role: Role::Output(stream) });
    }

    /// Puts an event of our own, numbered, among those of a sink; none where too many wait already, since
    /// the outcome tells them all.
    pub(super) fn tell(&mut self, sink: usize, event: &impl Serialize) {
        let takes = |sink: &&mut Sink| !sink.broken && sink.waiting.len() < MOST_WAITING;
        if let Some(sink) = self.sinks.get_mut(sink).filter(takes) {
            self.seq += 1;
            sink.append(None, |waiting| {
                encoder::event(event, self.seq, waiting);
                0
            });
        }
    }

    /// Puts whole lines of our own between those of the command's, if that can be done at once: not within a
    /// line of the command's, and not where anybody would have to wait for the reader.
    pub(super) fn put_between(&mut self, sink: usize, lines: &str) -> io::Result<bool> {
        let Some(to) = self.sinks.get_mut(sink).filter(|sink| sink.is_between_lines()) else {
            return Ok(false);
        };
        to.append(None, |waiting| {
            waiting.extend_from_slice(lines.as_bytes());
            0
        });
        self.write(sink).map(|()| true)
    }

    /// Bytes of output that were handed on, where they are limited.
    pub(super) fn handed_on(&self) -> u64 {
        self.limit.zip(self.left).map_or(0, |(limit, left)| limit - left)
    }

    /// Adds what the caller types, which nobody reads once the command is gone. A terminal tells its
    /// end again and again, and so the command gets a key for it.
    pub(super) fn input(&mut self, from: OwnedFd, to: usize, end_of_file: u8) {
        let role = Role::Input(end_of_file);
        self.sources.push(Source { from: Some(from), to, encoder: Encoder::Plain, role });
    }

    /// Whether there is input to be moved, as soon as it may be.
    pub(super) fn has_input(&self) -> bool {
        self.sources.iter().any(|source| source.is_input() && source.from.is_some())
    }

    /// Lets input be moved, or not, until told otherwise.
    pub(super) fn listen(&mut self, listening: bool) {
        self.listening = listening;
    }

    /// What to poll for now.
    pub(super) fn polled(&self) -> Vec<PollFd<'_>> {
        self.duties().into_iter().filter_map(|duty| self.poll_for(&duty)).collect()
    }

    /// Does what the last [`Pump::polled`] found to be possible, in the same order.
    pub(super) fn advance(&mut self, ready: &[bool]) -> io::Result<()> {
        let duties = self.duties();
        for (duty, _) in duties.into_iter().zip(ready).filter(|(_, ready)| **ready) {
            match duty {
                Duty::Read(source) => self.read(source)?,
                Duty::Write(sink) => self.write(sink)?,
            }
        }
        Ok(())
    }

    /// Moves all output until every source has ended and every sink is empty, or no sink has taken
    /// anything for so long.
    pub(super) fn drain(&mut self, patience: Option<Duration>) -> io::Result<()> {
        self.drop_input();
        let timeout = patience.and_then(|patience| PollTimeout::try_from(patience).ok());
        let timeout = timeout.unwrap_or(PollTimeout::NONE);
        loop {
            let mut polled = self.polled();
            if polled.is_empty() {
                return Ok(());
            }
            match poll(&mut polled, timeout) {
                Err(nix::errno::Errno::EINTR) => continue,
                Ok(0) => {
                    drop(polled);
                    self.give_up();
                    return Ok(());
                }
                other => other?,
            };
            let ready: Vec<bool> = polled.iter().map(|fd| fd.any().unwrap_or(true)).collect();
            drop(polled);
            self.advance(&ready)?;
        }
    }

    /// Counts all that was not taken, and drops it.
    fn give_up(&mut self) {
        let Self { sources, sinks, untaken, cut, .. } = self;
        for sink in &mut *sinks {
            let begun = sink.parts.front().filter(|part| sink.of_events && part.is_begun);
            if let Some(begun) = begun.map(|part| part.left) {
                cut.extend_from_slice(&sink.waiting[..begun]);
                sink.wrote(begun);
            }
            for (stream, bytes) in sink.parts.iter().filter_map(Part::output) {
                untaken.add(stream, bytes);
            }
            sink.clear();
        }
        for source in sources {
            if let (Some(from), Role::Output(stream)) = (source.from.take(), source.role) {
                let unread = rustix::io::ioctl_fionread(&from).unwrap_or(0);
                untaken.add(stream, unread + source.encoder.held() as u64);
            }
        }
    }

    fn duties(&self) -> Vec<Duty> {
        let readable = |source: &Source| {
            let wanted = source.from.is_some() && (self.listening || !source.is_input());
            wanted && self.sinks[source.to].waiting.len() < WAITING
        };
        let reads = self.sources.iter().enumerate().filter(|(_, source)| readable(source));
        let writes = self.sinks.iter().enumerate().filter(|(_, sink)| !sink.waiting.is_empty());
        reads.map(|(index, _)| Duty::Read(index)).chain(writes.map(|(index, _)| Duty::Write(index))).collect()
    }

    fn poll_for(&self, duty: &Duty) -> Option<PollFd<'_>> {
        match duty {
            Duty::Read(source) => {
                self.sources[*source].from.as_ref().map(|from| PollFd::new(from.as_fd(), PollFlags::POLLIN))
            }
            Duty::Write(sink) => Some(PollFd::new(self.sinks[*sink].to.as_fd(), PollFlags::POLLOUT)),
        }
    }

    fn read(&mut self, index: usize) -> io::Result<()> {
        let source = &mut self.sources[index];
        let Some(from) = &source.from else { return Ok(()) };
        let sink = &mut self.sinks[source.to];
        let mut buffer = [0; 16 << 10];
        match rustix::io::read(from, &mut buffer) {
            Ok(0) if source.is_input() && rustix::termios::isatty(from) => source.end_input(sink),
            // EIO is how a pty says that nobody has its other side open.
            Ok(0) | Err(Errno::IO) => {
                source.from = None;
                sink.append(source.stream(), |waiting| source.encoder.finish(&mut self.seq, waiting));
            }
            Ok(read) => {
                let allowed = allowed(source.role, read, &mut self.left, &mut self.truncated);
                let part = &buffer[..allowed];
                sink.append(source.stream(), |waiting| source.encoder.encode(part, &mut self.seq, waiting));
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        if sink.broken {
            sink.clear();
        }
        Ok(())
    }

    fn write(&mut self, index: usize) -> io::Result<()> {
        let sink = &mut self.sinks[index];
        let part = &sink.waiting[..sink.waiting.len().min(AT_ONCE)];
        match rustix::io::write(&sink.to, part) {
            Ok(written) => sink.wrote(written),
            // Nobody reads any more: the command is to get SIGPIPE, as it would without us.
            Err(Errno::PIPE) => self.close(index),
            // A terminal that has hung up. SIGHUP told the command; what it shows is dropped.
            Err(Errno::IO) => {
                sink.broken = true;
                sink.clear();
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        Ok(())
    }

    fn close(&mut self, sink: usize) {
        self.sinks[sink].clear();
        for source in self.sources.iter_mut().filter(|source| source.to == sink) {
            source.from = None;
        }
    }

    fn drop_input(&mut self) {
        for source in self.sources.iter_mut().filter(|source| source.is_input()) {
            source.from = None;
            self.sinks[source.to].clear();
        }
    }
}

/// How many of the bytes that were read may be handed on; the rest is counted and dropped.
fn allowed(role: Role, read: usize, left: &mut Option<u64>, truncated: &mut Truncated) -> usize {
    let (Role::Output(stream), Some(left)) = (role, left) else { return read };
    let allowed = usize::try_from(*left).unwrap_or(usize::MAX).min(read);
    *left -= allowed as u64;
    truncated.add(stream, (read - allowed) as u64);
    allowed
}

impl Source {
    fn is_input(&self) -> bool {
        matches!(self.role, Role::Input(_))
    }

    fn stream(&self) -> Option<Stream> {
        match self.role {
            Role::Input(_) => None,
            Role::Output(stream) => Some(stream),
        }
    }

    fn end_input(&self, to: &mut Sink) {
        if let Role::Input(end_of_file) = self.role {
            to.append(None, |waiting| {
                waiting.push(end_of_file);
                0
            });
        }
    }
}
