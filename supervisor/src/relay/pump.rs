//! Moves bytes from sources to sinks without ever waiting for either.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::io::Errno;

use super::encoder::Encoder;

/// A sink that has this much waiting takes no more, so that its sources wait in turn.
const WAITING: usize = 64 << 10;
/// A descriptor that polls as writable takes this many bytes without blocking: `PIPE_BUF`.
const AT_ONCE: usize = 4096;

/// All relays of one run.
#[derive(Default)]
pub(super) struct Pump {
    sources: Vec<Source>,
    sinks: Vec<Sink>,
    seq: u64,
}

struct Source {
    from: Option<OwnedFd>,
    to: usize,
    encoder: Encoder,
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Input,
    Output,
}

struct Sink {
    to: OwnedFd,
    waiting: Vec<u8>,
    /// Nobody reads it any more; what comes is dropped, as a write to a broken pipe is.
    broken: bool,
}

/// What a polled descriptor is for.
enum Duty {
    Read(usize),
    Write(usize),
}

impl Pump {
    /// Adds a place to write to.
    pub(super) fn sink(&mut self, to: OwnedFd) -> usize {
        self.sinks.push(Sink { to, waiting: Vec::new(), broken: false });
        self.sinks.len() - 1
    }

    /// Adds output of the command, which is all moved before the end.
    pub(super) fn output(&mut self, from: OwnedFd, to: usize, encoder: Encoder) {
        self.sources.push(Source { from: Some(from), to, encoder, role: Role::Output });
    }

    /// Adds what the caller types, which nobody reads once the command is gone.
    pub(super) fn input(&mut self, from: OwnedFd, to: usize) {
        self.sources.push(Source { from: Some(from), to, encoder: Encoder::Plain, role: Role::Input });
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

    /// Moves all output until every source has ended and every sink is empty.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        self.drop_input();
        loop {
            let mut polled = self.polled();
            if polled.is_empty() {
                return Ok(());
            }
            match poll(&mut polled, PollTimeout::NONE) {
                Err(nix::errno::Errno::EINTR) => continue,
                other => other?,
            };
            let ready: Vec<bool> = polled.iter().map(|fd| fd.any().unwrap_or(true)).collect();
            drop(polled);
            self.advance(&ready)?;
        }
    }

    fn duties(&self) -> Vec<Duty> {
        let readable =
            |source: &Source| source.from.is_some() && self.sinks[source.to].waiting.len() < WAITING;
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
            // EIO is how a pty says that nobody has its other side open.
            Ok(0) | Err(Errno::IO) => {
                source.from = None;
                source.encoder.finish(&mut self.seq, &mut sink.waiting);
            }
            Ok(read) => source.encoder.encode(&buffer[..read], &mut self.seq, &mut sink.waiting),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        if sink.broken {
            sink.waiting.clear();
        }
        Ok(())
    }

    fn write(&mut self, index: usize) -> io::Result<()> {
        let sink = &mut self.sinks[index];
        let part = &sink.waiting[..sink.waiting.len().min(AT_ONCE)];
        match rustix::io::write(&sink.to, part) {
            Ok(written) => drop(sink.waiting.drain(..written)),
            Err(Errno::PIPE | Errno::IO) => {
                sink.broken = true;
                sink.waiting.clear();
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        Ok(())
    }

    fn drop_input(&mut self) {
        for source in self.sources.iter_mut().filter(|source| source.role == Role::Input) {
            source.from = None;
            self.sinks[source.to].waiting.clear();
        }
    }
}
