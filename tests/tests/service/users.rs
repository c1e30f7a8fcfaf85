//! Several users at one door: each has what is theirs, and nothing of the others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clearing_tests::{expect_success, patience};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::door::User;
use crate::machine::{DOOR, Machine, SERVICE, await_that};

/// `EACCES`, as curl tells it: it cannot connect.
const CANNOT_CONNECT: i32 = 7;

#[test]
fn who_is_no_member_does_not_get_in() {
    let Some(machine) = Machine::with_socket() else { return };
    let refused = User::of_system("bob").curl("GET", "/v1/sessions", None);
    assert_eq!(refused.status.code(), Some(CANNOT_CONNECT), "{refused:?}");
    assert!(refused.stdout.starts_with(b"\n000"), "{refused:?}");
    // Not even by starting it.
    assert_eq!(machine.property("ActiveState"), "inactive");
}

#[test]
fn another_member_learns_nothing_of_a_session_and_changes_nothing() {
    let Some(_machine) = Machine::with_socket() else { return };
    let (tester, carol) = (User::of_system("tester"), User::of_system("carol"));
    let session = tester.session("private");
    tester.run(&session, "echo secret > file");
    assert_eq!(carol.sessions(), [""; 0]);
    let unknown = "s-00000000";
    for (method, path, body) in [
        ("GET", "/v1/sessions/@", None),
        ("DELETE", "/v1/sessions/@", None),
        ("POST", "/v1/sessions/@/execs", Some(json!({ "argv": ["true"] }))),
        ("GET", "/v1/sessions/@/diff", None),
        ("POST", "/v1/sessions/@/commit", Some(json!({}))),
        ("POST", "/v1/sessions", Some(json!({ "session": "@" }))),
    ] {
        let answer = |id: &str| {
            let body =
                body.as_ref().map(|body| serde_json::from_str(&body.to_string().replace("@", id)).unwrap());
            let answer = carol.ask(method, &path.replace("@", id), body.as_ref());
            (answer.status, answer.body.to_string().replace(id, "@"))
        };
        let (theirs, nobodys) = (answer(&session), answer(unknown));
        assert_eq!(theirs, nobodys, "{method} {path}");
        assert!(theirs.0 >= 400, "{method} {path}: {theirs:?}");
    }
    assert!(tester.sessions().contains(&session));
    assert_eq!(tester.run(&session, "test \"$(cat file)\" = secret")["exitCode"], 0);
    // And a project of another user's is no more within reach than it is without the service.
    let asked = json!({ "workspace": "/home/tester/private" });
    let refused = carol.ask("POST", "/v1/sessions", Some(&asked));
    assert!(refused.status >= 400, "{refused:?}");
}

#[test]
fn root_is_told_to_go_elsewhere() {
    let Some(machine) = Machine::with_socket() else { return };
    // Each time: nobody hangs up before it was asked.
    for _ in 0..6 {
        let refused = User::of_system("root").ask("GET", "/v1/health", None);
        assert_eq!((refused.status, &refused.body["code"]), (403, &"CLR-ROOT".into()), "{refused:?}");
    }
    assert!(machine.journal().contains("a connection is refused"), "{}", machine.journal());
}

#[test]
fn a_user_without_an_account_is_told_so() {
    let Some(_machine) = Machine::with_socket() else { return };
    let mut gid = Command::new("sh");
    let gid = expect_success(gid.args(["-c", "getent group clearing | cut -d: -f3"]));
    let mut curl = Command::new("setpriv");
    curl.args([
        "--reuid",
        "4242",
        "--regid",
        gid.trim(),
        "--clear-groups",
        "curl",
        "--silent",
        "--unix-socket",
    ]);
    let said = expect_success(curl.args([crate::machine::DOOR, "http://clearing/v1/health"]));
    assert!(said.contains("CLR-NOBODY"), "{said}");
}

#[test]
fn each_process_has_the_rights_of_its_user_and_the_first_three_more() {
    let Some(machine) = Machine::with_socket() else { return };
    let tester = User::of_system("tester");
    let session = tester.session("rights");
    tester.begin(&session, "sleep 1000");
    let front = machine.main_process();
    // CAP_CHOWN, CAP_SETGID and CAP_SETUID are 0, 6 and 7.
    assert_eq!(status(front, "CapEff"), format!("{:016x}", 0b1100_0001));
    assert_eq!(status(front, "CapBnd"), status(front, "CapEff"));
    await_that("a server, its launcher, init and the command", || processes_of("1000").len() >= 4);
    for process in processes_of("1000") {
        let sets = ["CapInh", "CapPrm", "CapEff", "CapAmb"].map(|set| status(process, set));
        let (confined, ids) = (status(process, "NoNewPrivs"), status(process, "Uid"));
        // What init has is of its own user namespace.
        let is_outside = namespace(process) == namespace(front);
        if !Path::new(&format!("/proc/{process}")).exists() {
            // Init's helpers come and go.
            continue;
        }
        let has_none = sets.iter().all(|set| set == "0000000000000000");
        assert!(!is_outside || has_none, "{process}: {sets:?}");
        assert_eq!((confined.as_str(), ids.as_str()), ("1", "1000 1000 1000 1000"), "{process}");
        let environment = std::fs::read_to_string(format!("/proc/{process}/environ")).unwrap_or_default();
        for name in ["NOTIFY_SOCKET=", "LISTEN_FDS=", "WATCHDOG_USEC="] {
            assert!(!environment.contains(name), "{process}: {environment:?}");
        }
    }
    for (file, most) in [("cgroup.max.depth", "16\n"), ("cgroup.max.descendants", "8192\n")] {
        let file = group_of("1000").join(file);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), most);
        let written =
            tester.command(&["sh", "-c", "echo max > $0", file.to_str().unwrap()]).status().unwrap();
        assert!(!written.success(), "{file:?}");
    }
    let groups = status(server_of_user(), "Groups");
    let own = expect_success(&mut tester.command(&["id", "-G"]));
    let set = |groups: &str| groups.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    assert!(set(&own) == set(&groups) && !set(&groups).contains("0"), "{groups} of {own}");
}

#[test]
fn the_crash_of_a_users_server_is_theirs_alone() {
    let Some(machine) = Machine::with_socket() else { return };
    let (tester, carol) = (User::of_system("tester"), User::of_system("carol"));
    let (session, other) = (tester.session("crashed"), carol.session("untouched"));
    tester.begin(&session, "echo kept > file; sleep 1234");
    let sleeps = |process: &i32| command_line(*process).starts_with("sleep\u{0}1234");
    await_that("the command", || processes_of("1000").iter().any(sleeps));
    let (front, server) = (machine.main_process(), server_of_user());
    kill(Pid::from_raw(server), Signal::SIGKILL).unwrap();
    await_that("another server", || {
        tester.ask("GET", "/v1/health", None).status == 200 && ![0, server].contains(&server_of_user())
    });
    assert_eq!(machine.main_process(), front);
    assert!(tester.sessions().contains(&session));
    tester.take(&session);
    assert_eq!(tester.run(&session, "test \"$(cat file)\" = kept")["exitCode"], 0);
    // Without being taken again: it was held all the time.
    assert_eq!(carol.run(&other, "true")["exitCode"], 0);
}

#[test]
fn a_server_that_is_stopped_before_it_begins_holds_up_nobody_else() {
    let Some(machine) = Machine::with_socket() else { return };
    let (tester, carol) = (User::of_system("tester"), User::of_system("carol"));
    let mut tries = 0;
    let freezer = loop {
        let freezer = freeze_at_birth(&carol);
        let found = processes_of(carol.id().as_str());
        let is_copy = |process: &i32| !command_line(*process).contains("--handed");
        // It is a copy of the main process until it executes its own program.
        if !found.is_empty() && found.iter().all(is_copy) {
            break freezer;
        }
        std::fs::write(freezer, "0").unwrap();
        tries += 1;
        assert!(tries < 10, "it was always too late: {found:?}");
        machine.systemctl(&["stop", SERVICE]);
    };
    assert_eq!(tester.get("/v1/health")["state"], "ok");
    std::fs::write(freezer, "0").unwrap();
    assert_eq!(carol.get("/v1/health")["state"], "ok");
}

/// Has a server of the user begin, and stop as soon as there is a group for it; what starts it again is returned.
fn freeze_at_birth(user: &User) -> PathBuf {
    let freezer = group_of(&user.id()).join("cgroup.freeze");
    let url = "http://clearing/v1/health";
    let mut client = user.command(&["curl", "--silent", "--max-time", "1", "--unix-socket", DOOR, url]);
    let mut client = client.stdout(Stdio::null()).spawn().unwrap();
    let end = Instant::now() + patience(Duration::from_secs(20));
    while std::fs::write(&freezer, "1").is_err() {
        assert!(Instant::now() < end, "no group in time: {freezer:?}");
    }
    let _ = client.wait().unwrap();
    freezer
}

/// The group that a user was given.
fn group_of(user: &str) -> PathBuf {
    Path::new("/sys/fs/cgroup/system.slice/clearing.service").join(format!("user-{user}"))
}

/// The processes in it.
fn processes_of(user: &str) -> Vec<i32> {
    let find = Command::new("find").arg(group_of(user)).args(["-name", "cgroup.procs"]).output().unwrap();
    let files = String::from_utf8(find.stdout).unwrap();
    let read = files.lines().map(|file| std::fs::read_to_string(file).unwrap_or_default());
    read.flat_map(|list| list.lines().filter_map(|line| line.parse().ok()).collect::<Vec<_>>()).collect()
}

/// The server of `tester`; 0 where there is none.
fn server_of_user() -> i32 {
    let is_server = |process: &i32| command_line(*process).contains("--handed");
    processes_of("1000").into_iter().filter(is_server).min().unwrap_or(0)
}

fn command_line(process: i32) -> String {
    std::fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default()
}

/// A line of a process's status, by its name.
fn status(process: i32, name: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn namespace(process: i32) -> String {
    let link = std::fs::read_link(format!("/proc/{process}/ns/user")).unwrap_or_default();
    link.to_string_lossy().into_owned()
}
