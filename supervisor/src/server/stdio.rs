//! `clearing serve --stdio`: from the first line to the end of everything.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::OnEof;
use super::begun::{Begun, Woken};
use super::conductor::Leaving;
use super::connection::Connection;
use super::outbox::Outbox;
use crate::error::Error;

/// How long a client that reads nothing may hold up the end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves a client on the standard streams until it has asked for everything, or somebody ends us.
pub(crate) fn serve(begun: &Begun) -> Result<(), Error> {
    let (input, output) = streams()?;
    let watched = output.try_clone().map_err(|error| Error::System("dup of standard output", error))?;
    let done = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
        .map_err(|errno| Error::System("eventfd", errno.into()))?;
    let (done, is_written) = (Arc::new(done), Arc::new(AtomicBool::new(false)));
    let connection = Connection::new(&begun.server, Outbox::new(output));
    let (reading, ended) = (Arc::clone(&connection), Arc::clone(&done));
    spawn("reader", move || {
        reading.read(std::fs::File::from(input));
        reading.end();
        let _ = ended.write(1);
    })?;
    let (writing, written, ended) = (Arc::clone(&connection), Arc::clone(&is_written), Arc::clone(&done));
    spawn("writer", move || {
        writing.write();
        written.store(true, Ordering::Release);
        let _ = ended.write(1);
    })?;
    let last = Last { begun, connection: &connection, output: watched, done, is_written };
    let leaving = match (begun.attend(&last.output, &last.done)?, begun.server.options.on_eof) {
        (Woken::Done, OnEof::Finish) => Leaving::WhenDone,
        _ => Leaving::Now,
    };
    last.finish(leaving);
    Ok(())
}

/// The thread that was the first and is the last.
struct Last<'a> {
    begun: &'a Begun,
    connection: &'a Connection,
    output: OwnedFd,
    /// Readable when the reader or the writer has ended.
    done: Arc<EventFd>,
    is_written: Arc<AtomicBool>,
}

impl Last<'_> {
    /// Ends all sessions, and says what is left to say.
    fn finish(&self, leaving: Leaving) {
        if leaving == Leaving::WhenDone {
            // Somebody may still lose patience, or interest.
            while !self.begun.server.give_up(leaving, Some(Duration::from_millis(50))) {
                let mut polled = [
                    PollFd::new(self.begun.signals.as_fd(), PollFlags::POLLIN),
                    PollFd::new(self.output.as_fd(), PollFlags::empty()),
                ];
                if poll(&mut polled, PollTimeout::ZERO).is_ok_and(|ready| ready > 0) {
                    break;
                }
            }
        }
        self.begun.end();
        self.connection.outbox.finish();
        // The reader's word is of no more interest.
        let _ = self.done.read();
        if !self.is_written.load(Ordering::Acquire) {
            let mut polled = [PollFd::new(self.done.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut polled, PollTimeout::try_from(LAST_WORDS).unwrap_or(PollTimeout::MAX));
        }
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
