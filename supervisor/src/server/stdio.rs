//! `clearing serve --stdio`: from the first line to the end of everything.

use std::io::{self, Read};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::io::Errno;

use super::OnEof;
use super::begun::{Begun, Woken};
use super::conductor::Leaving;
use super::connection::Connection;
use super::done::{Done, LAST_WORDS};
use super::outbox::Outbox;
use crate::error::Error;

/// Serves a client on the standard streams until it has asked for everything, or somebody ends us.
pub(crate) fn serve(begun: &Begun) -> Result<(), Error> {
    let (input, output) = streams()?;
    let watched = output.try_clone().map_err(|error| Error::System("dup of standard output", error))?;
    let (done, written) = (Done::new()?, Done::new()?);
    let connection = Connection::new(&begun.server, Outbox::new(output));
    let (reading, ended) = (Arc::clone(&connection), done.clone());
    spawn("reader", move || {
        reading.read(Input(input));
        reading.end();
        ended.tell();
    })?;
    let (writing, said, ended) = (Arc::clone(&connection), written.clone(), done.clone());
    spawn("writer", move || {
        writing.write();
        said.tell();
        ended.tell();
    })?;
    let last = Last { begun, connection: &connection, output: watched, written };
    let leaving = match (begun.attend(&last.output, &done)?, begun.server.options.on_eof) {
        (Woken::Done, OnEof::Finish) => Leaving::WhenDone,
        _ => Leaving::Now,
    };
    last.finish(leaving);
    Ok(())
}

/// Standard input, which waits for more. Whoever else has it may have set `O_NONBLOCK`, which holds for all.
struct Input(OwnedFd);

impl Read for Input {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match rustix::io::read(&self.0, &mut *bytes) {
                Err(Errno::AGAIN) => {}
                read => return Ok(read?),
            }
            let mut polled = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            poll(&mut polled, PollTimeout::NONE)?;
        }
    }
}

/// How often it is looked whether somebody has lost patience, or interest.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The thread that was the first and is the last.
struct Last<'a> {
    begun: &'a Begun,
    connection: &'a Connection,
    output: OwnedFd,
    /// Whether the writer has ended.
    written: Done,
}

impl Last<'_> {
    /// Ends all sessions, and says what is left to say.
    fn finish(&self, leaving: Leaving) {
        if leaving == Leaving::WhenDone {
            // Somebody may still lose patience, or interest.
            while !self.begun.server.give_up(leaving, Some(LOOK_AGAIN)) {
                if self.is_impatient() {
                    break;
                }
            }
        }
        self.begun.end();
        self.connection.outbox.finish();
        // Whoever wanted all to be done may read it slowly.
        while leaving == Leaving::WhenDone && !self.is_impatient() && !self.written.wait(LOOK_AGAIN) {}
        self.written.wait(LAST_WORDS);
    }

    /// Whether somebody wants the end, or nobody reads.
    fn is_impatient(&self) -> bool {
        let mut polled = [
            PollFd::new(self.begun.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.output.as_fd(), PollFlags::empty()),
        ];
        poll(&mut polled, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }
}

/// The standard streams, as descriptors of our own.
pub(crate) fn streams() -> Result<(OwnedFd, OwnedFd), Error> {
    let duplicate = |stream: std::os::fd::BorrowedFd<'_>| -> Result<OwnedFd, Error> {
        rustix::io::fcntl_dupfd_cloexec(stream, 3)
            .map_err(|errno| Error::System("dup of a standard stream", errno.into()))
    };
    Ok((duplicate(rustix::stdio::stdin())?, duplicate(rustix::stdio::stdout())?))
}

pub(crate) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(body);
    spawned.map(drop).map_err(|error| Error::System("starting a thread", error))
}
