//! A server from its first moment to its last, whatever doors lead to it.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::conductor::Leaving;
use super::done::Done;
use super::socket::{self, Listening};
use super::{Options, Server};
use crate::error::Error;

/// How long what runs may take to be ended.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a server ends.
pub(crate) enum Woken {
    /// Somebody wants it to.
    Signal,
    /// The client asks for nothing more, and what it asked for is done.
    Done,
    /// Nobody reads what is told.
    Gone,
}

/// A server that has begun.
pub(crate) struct Begun {
    pub(crate) server: Arc<Server>,
    /// Readable when somebody wants it to end: by SIGTERM, SIGINT or SIGHUP.
    pub(crate) signals: SignalFd,
    _listening: Listening,
}

impl Begun {
    /// Begins, in the one thread that there is.
    pub(crate) fn begin(options: Options) -> Result<Self, Error> {
        // Before there is another thread, and much in memory that each sandbox would have too.
        crate::works::start_launcher()?;
        super::rest::share_heaps();
        super::logging::begin();
        super::descriptors::raise_limit();
        // Before there is another thread, which would have them otherwise.
        let signals = block_signals().map_err(|errno| Error::System("signalfd", errno.into()))?;
        let server = Server::new(options)?;
        let listening = socket::listen(&server)?;
        if server.options.pool > 0 {
            let filled = Arc::clone(&server);
            super::stdio::spawn("pool", move || filled.fill_pool())?;
        }
        Ok(Self { server, signals, _listening: listening })
    }

    /// Waits for a reason to end: `done` is readable when the client on standard streams, who hears us by `output`, was
    /// told everything.
    pub(crate) fn attend(&self, output: &OwnedFd, done: &Done) -> Result<Woken, Error> {
        loop {
            let mut polled = [
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
                PollFd::new(done.as_fd(), PollFlags::POLLIN),
                // Of a pipe or socket whose other end is closed an error is told.
                PollFd::new(output.as_fd(), PollFlags::empty()),
            ];
            match poll(&mut polled, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                other => other.map_err(|errno| Error::System("poll", errno.into()))?,
            };
            let [signal, done, gone] = polled.map(|fd| fd.any().unwrap_or(true));
            match (signal, gone, done) {
                (true, ..) => return Ok(Woken::Signal),
                (_, true, _) => return Ok(Woken::Gone),
                (_, _, true) => return Ok(Woken::Done),
                _ => {}
            }
        }
    }

    /// Ends all sessions, and whatever runs in them.
    pub(crate) fn end(&self) {
        if !self.server.give_up(Leaving::Now, Some(PATIENCE)) {
            super::log("a session does not end; it is left to the kernel");
        }
    }
}

/// Has the signals that want us to end read from a descriptor, from here on.
pub(super) fn block_signals() -> nix::Result<SignalFd> {
    let signals: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().collect();
    signals.thread_block()?;
    SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}
