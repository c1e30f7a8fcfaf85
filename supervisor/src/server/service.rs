//! A server that somebody else looks after: the service manager, the front of a service of several users, or both
//! of them and nobody.
//!
//! The first thread of the process hears them, and tells them what goes on. That the server lives it says only when
//! the thread that clients talk to has had an answer of the handlers since it said so last.

use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use super::begun::Begun;
use super::front::messages::{Handed, Load, receive, tell};
use super::log;
use crate::error::Error;
use crate::http::Http;
use crate::notify::{Manager, counted};

/// How soon whoever looks after us hears what has changed.
const TICK: Duration = Duration::from_millis(500);
/// How often the front hears that we live.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// Connections that are taken before anything else is looked at.
const AT_ONCE: usize = 32;

/// A server and those who look after it.
pub(crate) struct Service<'a> {
    begun: &'a Begun,
    http: Option<&'a Http>,
    manager: Manager,
    /// Where the front hands connections over.
    front: Option<OwnedFd>,
    /// How many it has.
    taken: u32,
    told: Option<Load>,
    /// When it was seen last that we live.
    pulse: Instant,
}

/// What a look around came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// There is more to do.
    More,
    /// Somebody wants us to end.
    End,
}

impl<'a> Service<'a> {
    pub(crate) fn of(begun: &'a Begun, http: Option<&'a Http>, front: Option<OwnedFd>) -> Self {
        let manager = Manager::of_environment();
        Self { begun, http, manager, front, taken: 0, told: None, pulse: Instant::now() }
    }

    /// Serves until somebody wants it to end, and ends all sessions.
    pub(crate) fn run(&mut self) -> Result<(), Error> {
        if self.front.is_some() {
            log("begun for its user");
        }
        self.knock();
        self.tell();
        self.manager.ready();
        while self.turn()? == Found::More {
            self.tell();
            self.live();
        }
        self.manager.stopping();
        self.begun.end();
        Ok(())
    }

    fn turn(&mut self) -> Result<Found, Error> {
        self.wait()?;
        while let Ok(Some(signal)) = self.begun.signals.read_signal() {
            // At a terminal it means that nobody is there any more.
            let is_to_reload = signal.ssi_signo == Signal::SIGHUP as u32 && self.is_looked_after();
            if !is_to_reload {
                return Ok(Found::End);
            }
            self.reload();
        }
        Ok(self.hear_front())
    }

    fn is_looked_after(&self) -> bool {
        self.manager.is_there() || self.front.is_some()
    }

    fn wait(&self) -> Result<(), Error> {
        let front = self.front.iter().map(|front| front.as_fd());
        let all = [self.begun.signals.as_fd()].into_iter().chain(front);
        let mut polled: Vec<PollFd<'_>> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let tick = if self.is_looked_after() { PollTimeout::try_from(TICK).ok() } else { None };
        match poll(&mut polled, tick.unwrap_or(PollTimeout::NONE)) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(Error::System("poll", errno.into())),
        }
    }

    fn hear_front(&mut self) -> Found {
        for _ in 0..AT_ONCE {
            let Some(front) = &self.front else { break };
            match receive(front) {
                Ok(Handed::Connection(connection)) => self.take(connection.into()),
                Ok(Handed::Lost) => self.lose(),
                Ok(Handed::Reload) => self.reload(),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                // Who does not understand it does not serve it.
                Ok(Handed::End) | Err(_) => return Found::End,
            }
        }
        Found::More
    }

    /// One whose connection cannot be served hears that it is closed.
    fn take(&mut self, connection: UnixStream) {
        self.taken = self.taken.wrapping_add(1);
        if let Some(http) = self.http {
            http.take(connection);
        }
    }

    /// What runs goes on: whoever was hung up on can come again.
    fn lose(&mut self) {
        self.taken = self.taken.wrapping_add(1);
        log("a connection is lost: there are no descriptors left");
    }

    fn reload(&self) {
        self.manager.reloading();
        self.begun.server.reload();
        self.manager.ready();
    }

    /// Tells what goes on to whoever has heard something else.
    fn tell(&mut self) {
        if !self.is_looked_after() {
            return;
        }
        let load = self.load();
        if self.told == Some(load) {
            return;
        }
        let counts = [
            counted(load.sessions as usize, "session"),
            counted(load.execs as usize, "running command"),
            counted(load.open as usize, "connection"),
        ];
        let is_told = self.manager.status(&counts.join(", "));
        if self.tell_front(load) && is_told {
            self.told = Some(load);
        }
    }

    fn tell_front(&self, load: Load) -> bool {
        self.front.as_ref().is_none_or(|front| tell(front, load).is_ok())
    }

    /// Says that we live, where that is so.
    fn live(&mut self) {
        let every = self.manager.pulse().or(self.front.as_ref().map(|_| HEARTBEAT));
        if every.is_none_or(|every| self.pulse.elapsed() < every) || !self.has_answered() {
            return;
        }
        if !self.manager.lives() {
            return;
        }
        self.pulse = Instant::now();
        if let Some(load) = self.told {
            self.tell_front(load);
        }
        self.knock();
    }

    fn has_answered(&self) -> bool {
        self.http.is_none_or(Http::has_answered)
    }

    fn knock(&self) {
        if let Some(http) = self.http
            && self.is_looked_after()
        {
            http.knock();
        }
    }

    fn load(&self) -> Load {
        let server = &self.begun.server;
        let held = server.all();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Load {
            taken: self.taken,
            open: number(server.connections()),
            sessions: number(held.len()),
            execs: number(held.iter().map(|handle| handle.running()).sum()),
        }
    }
}

/// The front's end of what is our standard input, for a server that it has started.
pub(crate) fn take_front() -> Result<OwnedFd, Error> {
    let failed = |error: std::io::Error| Error::System("dup of standard input", error);
    let front =
        rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3).map_err(|errno| failed(errno.into()))?;
    let kind = rustix::net::sockopt::socket_type(&front);
    if kind != Ok(rustix::net::SocketType::SEQPACKET) {
        return Err(Error::Request(
            "`--handed` is how `--each-user` starts servers, and of no other use".into(),
        ));
    }
    let null = crate::live::nothing()?;
    rustix::stdio::dup2_stdin(&null).map_err(|errno| failed(errno.into()))?;
    // `ps` shows whose it is, and not by what name it was executed.
    let _ = nix::sys::prctl::set_name(c"clearing");
    Ok(front)
}
