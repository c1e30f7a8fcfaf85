//! What the service manager is told, and what it asks for, by `sd_notify(3)`.
//!
//! The protocol is a datagram of a few lines to the socket that a variable names; where there is none, nobody is
//! told. <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The service manager, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Manager {
    to: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
    /// The status that it has.
    status: Mutex<String>,
}

impl Manager {
    /// The one that started this process, as the environment says.
    pub(crate) fn of_environment() -> Self {
        Self::of(&|name| std::env::var_os(name))
    }

    fn of(variable: &dyn Fn(&str) -> Option<std::ffi::OsString>) -> Self {
        let address = variable("NOTIFY_SOCKET").and_then(|path| address(&path));
        let socket = || UnixDatagram::unbound().ok().filter(|socket| socket.set_nonblocking(true).is_ok());
        let number = |name| variable(name)?.to_str()?.parse::<u64>().ok();
        let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let every =
            number("WATCHDOG_USEC").filter(|micros| is_ours && *micros > 0).map(Duration::from_micros);
        Self { to: address.and_then(|to| Some((socket()?, to))), watchdog: every, status: Mutex::default() }
    }

    /// Whether there is one.
    pub(crate) fn is_there(&self) -> bool {
        self.to.is_some()
    }

    /// How often it is to hear that we live, if it wants to: twice as often as it loses its patience.
    pub(crate) fn pulse(&self) -> Option<Duration> {
        self.watchdog.filter(|_| self.is_there()).map(|patience| patience / 2)
    }

    /// All stands, and whoever asks is served.
    pub(crate) fn ready(&self) {
        self.say("READY=1");
    }

    /// The settings are read again; [`Manager::ready`] says when that is done.
    pub(crate) fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
        self.say(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// The end has begun.
    pub(crate) fn stopping(&self) {
        self.say("STOPPING=1");
    }

    /// Whoever says it has just seen that all works. False where it is to be said again: it was not taken.
    pub(crate) fn lives(&self) -> bool {
        self.say("WATCHDOG=1")
    }

    /// Tells in one line what goes on, unless it has been told. False where it was not taken.
    pub(crate) fn status(&self, line: &str) -> bool {
        let mut told = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        let is_told = *told == line || self.say(&format!("STATUS={line}"));
        if is_told {
            line.clone_into(&mut told);
        }
        is_told
    }

    /// A manager that does not listen is not waited for; where there is none, nothing is left to be said.
    fn say(&self, text: &str) -> bool {
        self.to.as_ref().is_none_or(|(socket, to)| socket.send_to_addr(text.as_bytes(), to).is_ok())
    }
}

/// What goes on, in the words of a status line.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A path, or a name without a file behind an `@`. Other kinds are for machines that are not this one.
fn address(text: &OsStr) -> Option<SocketAddr> {
    match text.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(text).ok(),
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).expect("a datagram");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[test]
    fn a_manager_hears_what_is_told_and_a_status_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("bound");
        let environment = |name: &str| match name {
            "NOTIFY_SOCKET" => Some(path.clone().into_os_string()),
            "WATCHDOG_USEC" => Some(OsString::from("3000000")),
            _ => None,
        };
        let manager = Manager::of(&environment);
        assert_eq!(manager.pulse(), Some(Duration::from_millis(1500)));
        manager.ready();
        assert_eq!(heard(&socket), "READY=1");
        manager.status("1 session");
        manager.status("1 session");
        manager.reloading();
        assert_eq!(heard(&socket), "STATUS=1 session");
        assert!(heard(&socket).starts_with("RELOADING=1\nMONOTONIC_USEC="));
    }

    #[test]
    fn what_a_manager_does_not_take_is_told_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("bound");
        let manager = Manager::of(&|name| (name == "NOTIFY_SOCKET").then(|| path.clone().into_os_string()));
        let taken = (0..100_000).take_while(|_| manager.lives()).count();
        assert!(taken < 100_000 && !manager.status("full"));
        (0..taken).for_each(|_| assert_eq!(heard(&socket), "WATCHDOG=1"));
        assert!(manager.status("full") && manager.status("full"));
        assert_eq!(heard(&socket), "STATUS=full");
    }

    #[test]
    fn a_watchdog_of_somebody_else_is_not_ours() {
        let environment = |name: &str| match name {
            "NOTIFY_SOCKET" => Some(OsString::from("@clearing-test-of-notify")),
            "WATCHDOG_USEC" => Some(OsString::from("3000000")),
            "WATCHDOG_PID" => Some(OsString::from("1")),
            _ => None,
        };
        let manager = Manager::of(&environment);
        assert!(manager.is_there() && manager.pulse().is_none());
    }

    #[test]
    fn without_a_manager_nobody_is_told() {
        let manager = Manager::of(&|_| None);
        manager.ready();
        assert!(!manager.is_there() && manager.pulse().is_none());
        let other = Manager::of(&|name| (name == "NOTIFY_SOCKET").then(|| OsString::from("vsock:2:1234")));
        assert!(!other.is_there());
    }
}
