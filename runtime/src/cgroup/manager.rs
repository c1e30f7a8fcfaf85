//! A scope of our own, asked of systemd.
//!
//! From a login shell nothing can be limited: the session's group belongs to the system's manager. The
//! user's own manager moves a process into a new scope and gives that away (`Delegate=`). It is asked
//! through `busctl(1)`, which every systemd has: a D-Bus client in this process would be a crate of many,
//! start threads where sandboxes need there to be one, and gain little, for it is the manager that takes
//! its time. The arguments are our own words and a process id.

use std::io;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::files;

/// `PATH` may name directories of the project.
const PROGRAMS: [&str; 3] = ["/usr/bin/busctl", "/bin/busctl", "/run/current-system/sw/bin/busctl"];
const PATIENCE: Duration = Duration::from_secs(10);
const MANAGER: [&str; 4] = [
    "org.freedesktop.systemd1",
    "/org/freedesktop/systemd1",
    "org.freedesktop.systemd1.Manager",
    "StartTransientUnit",
];

/// Moves the calling process into a scope of its own, delegated to it; the scope ends with its last
/// process. Tells how long that took.
pub(super) fn take_scope() -> io::Result<Duration> {
    let started = Instant::now();
    let before = group()?;
    let program =
        PROGRAMS.into_iter().find(|path| accessat(CWD, *path, Access::EXEC_OK, AtFlags::empty()).is_ok());
    let program = program.ok_or_else(|| io::Error::other("there is no busctl"))?;
    let asked = Command::new(program)
        .args(arguments(&names_scope()?))
        .env_clear()
        .envs(ADDRESSES.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()?;
    if !asked.status.success() {
        let said = String::from_utf8_lossy(&asked.stderr);
        return Err(io::Error::other(said.trim().to_owned()));
    }
    while group()? == before {
        if started.elapsed() > PATIENCE {
            return Err(io::Error::other("it did not move us"));
        }
        sleep(Duration::from_millis(1));
    }
    Ok(started.elapsed())
}

/// What says where the user's manager is.
const ADDRESSES: [&str; 2] = ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"];

fn arguments(scope: &str) -> Vec<String> {
    let whose = if rustix::process::geteuid().is_root() { "--system" } else { "--user" };
    let me = rustix::process::getpid().as_raw_nonzero().to_string();
    let properties = [
        "4",
        "Description",
        "s",
        "clearing",
        "PIDs",
        "au",
        "1",
        &me,
        "Delegate",
        "b",
        "true",
        "CollectMode",
        "s",
        "inactive-or-failed",
        "0",
    ];
    let head = [whose, "--quiet", "--timeout=5", "call"].into_iter().chain(MANAGER);
    let call = head.chain(["ssa(sv)a(sa(sv))", scope, "fail"]).chain(properties);
    call.map(str::to_owned).collect()
}

fn names_scope() -> io::Result<String> {
    Ok(format!("{}.scope", super::names::new()?))
}

fn group() -> io::Result<String> {
    files::read(CWD, "/proc/self/cgroup")
}
