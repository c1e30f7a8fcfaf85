//! `clearing serve --each-user`: one door for several users, each of whom has a server of their own behind it.
//!
//! ```text
//!   clients of ann ──┐  socket   ┌──▶ server of ann, as ann      sessions, sandboxes: ann's
//!   clients of bob ──┴─▶ front ──┴──▶ server of bob, as bob      sessions, sandboxes: bob's
//! ```
//! The front asks the kernel who has connected and hands the connection over; it never reads a byte that a client
//! sent. It may change its user and do nothing else that an ordinary process may not, and no process that reads what
//! a client sent may do even that. So it is the kernel that confines each user to what is theirs.

mod account;
mod bulletin;
mod journal;
pub(super) mod messages;
mod parting;
mod refusal;
mod tenancy;

use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::rc::Rc;
use std::time::{Duration, Instant};

use clearing_runtime::cgroup::Household;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use rustix::net::AddressFamily;

use super::begun::block_signals;
use super::{Options, log};
use crate::error::Error;
use crate::http::listening_family;
use crate::notify::{Manager, counted};
use bulletin::Bulletin;
use parting::Parting;
use refusal::Refusal;
use tenancy::{Tenancy, Terms};

/// Connections that are taken at one place before anything else is looked at.
const AT_ONCE: usize = 32;
/// How long nothing is accepted when there are no descriptors left.
const BREATH: Duration = Duration::from_millis(100);
/// How long the servers have to end, with what is left of them.
const PATIENCE: Duration = Duration::from_secs(25);

/// The front at work.
struct Front {
    listeners: Vec<UnixListener>,
    signals: SignalFd,
    bulletin: Bulletin,
    parting: Rc<Parting>,
    terms: Terms,
    tenancies: BTreeMap<u32, Tenancy>,
    /// Until when nothing is accepted.
    breath: Option<Instant>,
}

/// Serves whoever connects until somebody ends us; `rest` is how long a server with nothing to do is kept.
pub(crate) fn serve(
    options: &Options,
    inherited: Vec<(OwnedFd, String)>,
    rest: Duration,
) -> Result<(), Error> {
    super::logging::begin();
    let listeners = inherited.into_iter().map(|(socket, name)| listener(socket, &name));
    let listeners = listeners.collect::<Result<Vec<_>, _>>()?;
    if listeners.is_empty() {
        return Err(Error::Request(
            "`--each-user` is for a socket that the service manager has opened".into(),
        ));
    }
    let signals = block_signals().map_err(|errno| Error::System("signalfd", errno.into()))?;
    let terms = Terms { house: Household::enter()?, argv: argv(options), rest };
    let bulletin = Bulletin::of(Manager::of_environment());
    let (parting, tenancies) = (Rc::default(), BTreeMap::new());
    let mut front = Front { listeners, signals, bulletin, parting, terms, tenancies, breath: None };
    front.tell();
    front.bulletin.manager().ready();
    while front.turn()? {}
    front.end()
}

fn listener(socket: OwnedFd, name: &str) -> Result<UnixListener, Error> {
    if listening_family(&socket, name)? != AddressFamily::UNIX {
        return Err(Error::Request(format!("who comes by `{name}` that was handed in, nobody knows")));
    }
    let listener = UnixListener::from(socket);
    listener.set_nonblocking(true).map_err(|error| Error::System("ioctl(FIONBIO)", error))?;
    Ok(listener)
}

/// How a user's server is called.
fn argv(options: &Options) -> Vec<CString> {
    let Options { on_eof, idle, lifetime, pool, max_sessions, max_spool } = options;
    let time =
        |name: &str, time: &Option<Duration>| time.map(|time| format!("--{name}={}ms", time.as_millis()));
    let on_eof = match on_eof {
        super::OnEof::Finish => "--on-eof=finish",
        super::OnEof::Kill => "--on-eof=kill",
    };
    let words = ["clearing", "serve", "--handed", on_eof].map(str::to_owned).into_iter();
    let bounds = [format!("--max-sessions={max_sessions}"), format!("--max-spool={max_spool}")];
    let words = words.chain([format!("--pool={pool}")]).chain(bounds);
    let words = words.chain(time("idle", idle)).chain(time("lifetime", lifetime));
    words.flat_map(CString::new).collect()
}

impl Front {
    /// Waits for something to happen, and does what follows; false when it is time to end.
    fn turn(&mut self) -> Result<bool, Error> {
        self.wait()?;
        while let Ok(Some(signal)) = self.signals.read_signal() {
            match Signal::try_from(signal.ssi_signo as i32) {
                Ok(Signal::SIGHUP) => self.reload(),
                _ => return Ok(false),
            }
        }
        self.accept();
        self.tend();
        Ok(true)
    }

    fn wait(&self) -> Result<(), Error> {
        let now = Instant::now();
        let accepts = self.breath.is_none_or(|until| until <= now);
        let listeners = self.listeners.iter().filter(|_| accepts).map(|listener| listener.as_fd());
        let tenancies = self.tenancies.values().flat_map(Tenancy::polled);
        let all = listeners.chain([self.signals.as_fd()]).chain(tenancies);
        let mut polled: Vec<PollFd<'_>> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let left = self.due().map(|due| due.saturating_duration_since(now) + Duration::from_micros(999));
        let left =
            left.map_or(PollTimeout::NONE, |left| PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
        match poll(&mut polled, left) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(Error::System("poll", errno.into())),
        }
    }

    fn due(&self) -> Option<Instant> {
        let tenancies = self.tenancies.values().filter_map(|tenancy| tenancy.due(&self.terms));
        let breath = self.breath.filter(|until| *until > Instant::now());
        tenancies.chain(self.bulletin.due()).chain(self.parting.due()).chain(breath).min()
    }

    fn accept(&mut self) {
        let mut taken: Vec<UnixStream> = Vec::new();
        for listener in &self.listeners {
            for _ in 0..AT_ONCE {
                match listener.accept() {
                    Ok((connection, _)) => taken.push(connection),
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                    // A client that has gone again, or no descriptors.
                    Err(_) => {
                        self.breath = Some(Instant::now() + BREATH);
                        break;
                    }
                }
            }
        }
        taken.into_iter().for_each(|connection| self.take(connection));
    }

    fn take(&mut self, connection: UnixStream) {
        match account::of_peer(&connection) {
            Ok(account) => {
                let tenancy = self.tenancies.entry(account.uid);
                let parting = Rc::clone(&self.parting);
                tenancy.or_insert_with(|| Tenancy::of(account, parting)).take(connection);
            }
            Err(refusal) => {
                log(&format!("a connection is refused: {}", refusal.text()));
                refusal.tell(connection, &self.parting);
            }
        }
    }

    /// Gives each server its turn, and the manager a sign of life.
    fn tend(&mut self) {
        let Self { tenancies, terms, .. } = self;
        tenancies.values_mut().for_each(|tenancy| tenancy.turn(terms));
        tenancies.retain(|_, tenancy| !tenancy.is_over());
        self.parting.turn();
        self.tell();
        self.bulletin.live();
    }

    fn tell(&mut self) {
        let loads = self.tenancies.values().filter_map(Tenancy::load);
        let (sessions, execs) = loads.fold((0_usize, 0_usize), |(sessions, execs), load| {
            (sessions.saturating_add(load.sessions as usize), execs.saturating_add(load.execs as usize))
        });
        let users = counted(self.tenancies.values().filter(|tenancy| tenancy.is_there()).count(), "user");
        let counts = [users, counted(sessions, "session"), counted(execs, "running command")];
        self.bulletin.tell(&counts.join(", "));
    }

    fn reload(&self) {
        log("profiles are read again");
        self.bulletin.manager().reloading();
        self.tenancies.values().for_each(Tenancy::reload);
        self.bulletin.manager().ready();
    }

    /// Ends every server, and with it what runs there.
    fn end(&mut self) -> Result<(), Error> {
        self.bulletin.manager().stopping();
        self.refuse_waiting();
        self.listeners.clear();
        self.tenancies.values_mut().for_each(Tenancy::end);
        let until = Instant::now() + PATIENCE;
        while self.is_there() && Instant::now() < until {
            self.wait()?;
            self.tend();
            while let Ok(Some(_)) = self.signals.read_signal() {}
        }
        Ok(())
    }

    fn is_there(&self) -> bool {
        self.parting.due().is_some() || self.tenancies.values().any(Tenancy::is_there)
    }

    /// Who has connected and was not accepted yet is told; a manager that keeps the socket would begin us again.
    fn refuse_waiting(&self) {
        for listener in &self.listeners {
            while let Ok((connection, _)) = listener.accept() {
                Refusal::ending().tell(connection, &self.parting);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::OnEof;

    #[test]
    fn a_users_server_is_called_with_what_the_front_was_told() {
        let time = Duration::from_millis(1500);
        let options = Options {
            on_eof: OnEof::Kill,
            idle: Some(time),
            lifetime: None,
            pool: 2,
            max_sessions: 3,
            max_spool: 4,
        };
        let words = [
            "clearing",
            "serve",
            "--handed",
            "--on-eof=kill",
            "--pool=2",
            "--max-sessions=3",
            "--max-spool=4",
            "--idle=1500ms",
        ];
        assert_eq!(argv(&options), words.map(|word| CString::new(word).expect("no NUL")));
    }

    #[test]
    fn without_a_socket_that_tells_who_comes_there_is_no_front() {
        let options = Options {
            on_eof: OnEof::Finish,
            idle: None,
            lifetime: None,
            pool: 0,
            max_sessions: 1,
            max_spool: 1,
        };
        let error = serve(&options, Vec::new(), PATIENCE).expect_err("nobody could come");
        assert!(matches!(error, Error::Request(_)));
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
        let error = serve(&options, vec![(tcp.into(), "web".into())], PATIENCE).expect_err("nobody is known");
        assert!(error.message().contains("`web`"), "{}", error.message());
    }

    #[test]
    fn the_readme_says_how_exposed_the_units_are() {
        let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
        let readme = std::fs::read_to_string(readme).expect("the README");
        let units = [
            include_str!("../../systemd/system/clearing.service"),
            include_str!("../../systemd/user/clearing.service"),
        ];
        for unit in units {
            let stated = unit.lines().find_map(|line| line.strip_prefix("# exposure: ")).expect("a line");
            assert!(readme.contains(&format!("**{stated}**")), "{stated}");
        }
    }
}
