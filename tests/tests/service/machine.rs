//! A machine under systemd, with the service installed and three users: `tester` and `carol` are members of the
//! group, `bob` is not.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use clearing_tests::{absent, expect_success, patience};

/// Set where a host without systemd is a failure.
const MUST: &str = "CLEARING_TEST_SERVICE";

/// The proofs change one machine, one after the other.
pub(crate) struct Machine(#[expect(dead_code, reason = "held, not read")] MutexGuard<'static, ()>);

/// The service, as `systemctl` has it.
pub(crate) const SERVICE: &str = "clearing.service";
pub(crate) const SOCKET: &str = "clearing.socket";
/// Where it listens.
pub(crate) const DOOR: &str = "/run/clearing.sock";

/// A machine is slow: how it is in a hurry is not what is proved. A server with nothing to do is not kept long.
const DROP_IN: &str =
    "[Service]\nWatchdogSec=20s\nExecStart=\nExecStart=clearing serve --each-user --rest=4s\n";

impl Machine {
    /// The machine with nothing of the service running, and its socket open; none where it cannot be had.
    pub(crate) fn with_socket() -> Option<Self> {
        static ONE: Mutex<()> = Mutex::new(());
        static INSTALLED: Once = Once::new();
        if std::env::var_os(MUST).is_none() {
            absent("services of a host are not touched, and a machine proves this");
            return None;
        }
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        INSTALLED.call_once(install);
        let machine = Self(one);
        machine.systemctl(&["stop", SERVICE, SOCKET]);
        machine.systemctl(&["reset-failed"]);
        machine.systemctl(&["start", SOCKET]);
        Some(machine)
    }

    /// What `systemctl` prints.
    #[track_caller]
    pub(crate) fn systemctl(&self, words: &[&str]) -> String {
        expect_success(Command::new("systemctl").args(words))
    }

    /// A property of the service.
    #[track_caller]
    pub(crate) fn property(&self, name: &str) -> String {
        let property = format!("--property={name}");
        self.systemctl(&["show", "--value", &property, SERVICE]).trim().to_owned()
    }

    /// The process that the manager knows.
    pub(crate) fn main_process(&self) -> i32 {
        self.property("MainPID").parse().unwrap()
    }

    /// What the service has told.
    pub(crate) fn journal(&self) -> String {
        expect_success(Command::new("journalctl").args(["--no-pager", "--output=cat", "--unit", SERVICE]))
    }
}

/// As `cargo xtask dist` lays it, but that the units are the administrator's.
fn install() {
    let units = units();
    expect_success(Command::new("systemd-sysusers").arg(units.join("sysusers.d/clearing.conf")));
    for manager in ["system", "user"] {
        let to = Path::new("/etc/systemd").join(manager);
        for unit in [SERVICE, SOCKET] {
            std::fs::copy(units.join(manager).join(unit), to.join(unit)).unwrap();
        }
    }
    let drop_in = Path::new("/etc/systemd/system/clearing.service.d");
    std::fs::create_dir_all(drop_in).unwrap();
    std::fs::write(drop_in.join("hurry.conf"), DROP_IN).unwrap();
    for user in ["bob", "carol"] {
        expect_success(Command::new("useradd").args(["--create-home", "--shell", "/bin/bash", user]));
    }
    for member in ["tester", "carol"] {
        expect_success(Command::new("usermod").args(["--append", "--groups", "clearing", member]));
    }
    expect_success(Command::new("systemctl").arg("daemon-reload"));
}

fn units() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("supervisor").join("systemd")
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn await_that(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + patience(Duration::from_secs(20));
    while !is_so() {
        assert!(Instant::now() < end, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
