//! Begun by the first connection, ended by the manager or by its own watchdog, and nothing is lost or left.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::door::User;
use crate::machine::{DOOR, Machine, SERVICE, SOCKET, await_that};

const GROUP: &str = "/sys/fs/cgroup/system.slice/clearing.service";

#[test]
fn the_first_connection_starts_it_and_it_says_what_goes_on() {
    let Some(machine) = Machine::with_socket() else { return };
    assert_eq!(machine.property("ActiveState"), "inactive");
    let tester = User::of_system("tester");
    assert_eq!(tester.get("/v1/health")["state"], "ok");
    // It is active only once it has said that it is ready.
    assert_eq!(
        (machine.property("ActiveState"), machine.property("Type")),
        ("active".into(), "notify".into())
    );
    tester.session("status");
    await_that("the status line", || {
        machine.property("StatusText").starts_with("1 user, 1 session, 0 running")
    });
}

#[test]
fn commands_are_limited_by_control_groups_and_what_lands_is_their_users() {
    let Some(machine) = Machine::with_socket() else { return };
    let tester = User::of_system("tester");
    let session = tester.limited_session("limited");
    let script = "id -u; echo landed > file; ls /sys/fs/cgroup 2>&1 | head -1";
    let told = tester.run(&session, script);
    let outcome = &told["outcome"];
    assert_eq!(told["exitCode"], 0, "{told}");
    for limit in ["memory", "processes"] {
        assert_eq!(outcome["limits"][limit]["enforcedBy"], "cgroup2", "{outcome}\n{}", machine.journal());
    }
    tester.call("POST", &format!("/v1/sessions/{session}/commit"), Some(&serde_json::json!({})));
    let landed = Path::new("/home/tester/limited/file");
    assert_eq!(std::fs::read_to_string(landed).unwrap(), "landed\n");
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(landed).unwrap());
    assert_eq!(owner.to_string(), tester.id());
}

#[test]
fn a_service_that_hangs_is_restarted_and_its_sessions_are_found_again() {
    let Some(machine) = Machine::with_socket() else { return };
    let tester = User::of_system("tester");
    let session = tester.session("watched");
    tester.run(&session, "echo kept > file");
    let before = machine.main_process();
    kill(Pid::from_raw(before), Signal::SIGSTOP).unwrap();
    await_that("a restart", || {
        machine.property("ActiveState") == "active" && ![0, before].contains(&machine.main_process())
    });
    assert_eq!(machine.property("NRestarts"), "1");
    assert!(machine.journal().to_lowercase().contains("watchdog"), "{}", machine.journal());
    assert!(tester.sessions().contains(&session));
    tester.take(&session);
    assert_eq!(tester.run(&session, "test \"$(cat file)\" = kept")["exitCode"], 0);
}

#[test]
fn a_stop_leaves_nothing() {
    let Some(machine) = Machine::with_socket() else { return };
    let mounts = || std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let before = mounts();
    let tester = User::of_system("tester");
    let session = tester.session("stopped");
    let command = tester.begin(&session, "trap '' TERM; sleep 1234");
    assert_eq!(command["state"], "running", "{command}");
    await_that("the command", || !processes_of(&["sleep\u{0}1234"]).is_empty());
    assert!(Path::new(GROUP).join("user-1000").exists());
    machine.systemctl(&["stop", SERVICE, SOCKET]);
    assert_eq!(machine.property("Result"), "success", "{}", machine.journal());
    assert_eq!(processes_of(&["sleep\u{0}1234", "clearing\u{0}serve"]), [""; 0]);
    assert!(!Path::new(GROUP).exists() && !Path::new(DOOR).exists());
    assert_eq!(mounts(), before);
    let servers = Path::new("/home/tester/.local/state/clearing/servers");
    assert_eq!(std::fs::read_dir(servers).unwrap().count(), 0);
    machine.systemctl(&["start", SOCKET]);
    tester.take(&session);
}

#[test]
fn a_server_with_nothing_to_do_does_not_stay() {
    let Some(machine) = Machine::with_socket() else { return };
    let tester = User::of_system("tester");
    tester.get("/v1/health");
    let group = Path::new(GROUP).join("user-1000");
    assert!(group.exists());
    await_that("its end", || !group.exists());
    await_that("the status line", || machine.property("StatusText").starts_with("0 users"));
    assert_eq!(tester.get("/v1/health")["state"], "ok");
}

/// The command lines of processes that begin like one of these.
fn processes_of(beginnings: &[&str]) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read_to_string(process.path().join("cmdline")).ok());
    lines.filter(|line| beginnings.iter().any(|beginning| line.starts_with(beginning))).collect()
}
