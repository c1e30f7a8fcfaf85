//! The service of one user, under their own manager.

use std::path::Path;
use std::process::Command;

use clearing_tests::expect_success;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::door::User;
use crate::machine::{Machine, SERVICE, SOCKET, await_that};

/// A user with a manager that runs.
struct Own(User);

impl Own {
    fn new() -> Self {
        expect_success(Command::new("loginctl").args(["enable-linger", "tester"]));
        let own = Self(User::of_own("tester"));
        await_that("the user's manager", || Path::new("/run/user/1000/systemd/private").exists());
        let drop_in = "mkdir -p ~/.config/systemd/user/clearing.service.d && cd ~/.config/systemd/user && \
                       printf '[Service]\\nWatchdogSec=20s\\n' > clearing.service.d/hurry.conf";
        expect_success(&mut own.0.command(&["sh", "-c", drop_in]));
        own.systemctl(&["daemon-reload"]);
        own.systemctl(&["start", SOCKET]);
        own
    }

    #[track_caller]
    fn systemctl(&self, words: &[&str]) -> String {
        expect_success(self.0.command(&["systemctl", "--user"]).args(words))
    }

    fn property(&self, name: &str) -> String {
        let property = format!("--property={name}");
        self.systemctl(&["show", "--value", &property, SERVICE]).trim().to_owned()
    }
}

#[test]
fn a_users_own_service_is_started_watched_and_stopped() {
    let Some(_machine) = Machine::with_socket() else { return };
    let own = Own::new();
    assert_eq!(own.property("ActiveState"), "inactive");
    let session = own.0.limited_session("own");
    assert_eq!((own.property("ActiveState"), own.property("NRestarts")), ("active".into(), "0".into()));
    let told = own.0.run(&session, "echo kept > file");
    assert_eq!(told["outcome"]["limits"]["memory"]["enforcedBy"], "cgroup2", "{told}");
    await_that("the status line", || own.property("StatusText").starts_with("1 session"));
    own.systemctl(&["reload", SERVICE]);
    assert_eq!(own.0.run(&session, "true")["exitCode"], 0);

    let refused = User { name: "carol", ..User::of_own("tester") }.curl("GET", "/v1/health", None);
    assert!(!refused.status.success(), "{refused:?}");

    let before = own.property("MainPID");
    kill(Pid::from_raw(before.parse().unwrap()), Signal::SIGSTOP).unwrap();
    await_that("a restart", || {
        own.property("ActiveState") == "active" && !["0", &before].contains(&own.property("MainPID").as_str())
    });
    own.0.take(&session);
    assert_eq!(own.0.run(&session, "test \"$(cat file)\" = kept")["exitCode"], 0);

    own.0.begin(&session, "trap '' TERM; sleep 4321");
    let group = format!("/sys/fs/cgroup{}", own.property("ControlGroup"));
    assert!(Path::new(&group).exists());
    own.systemctl(&["stop", SERVICE, SOCKET]);
    assert!(!Path::new(&group).exists() && !Path::new("/run/user/1000/clearing.sock").exists());
    let left = Command::new("pgrep").args(["--full", "sleep 4321"]).output().unwrap();
    assert!(left.stdout.is_empty(), "{left:?}");
}
