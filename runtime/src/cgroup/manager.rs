//! A scope of our own, asked of systemd.
//!
//! From a login shell nothing can be limited: the session's group belongs to the system's manager. The
//! user's own manager moves a process into a new scope and gives that away (`Delegate=`). It is asked
//! through `busctl(1)`, which every systemd has: a D-Bus client in this process would be a crate of many,
//! start threads where sandboxes need there to be one, and gain little, for it is the manager that takes
//! its time. The arguments are our own words and a process id.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::hierarchy::{self, Own};
use super::{names, unified};

/// `PATH` may name directories of the project.
const DIRECTORIES: [&str; 3] = ["/usr/bin", "/bin", "/run/current-system/sw/bin"];
const PATIENCE: Duration = Duration::from_secs(10);
const MANAGER: [&str; 4] = [
    "org.freedesktop.systemd1",
    "/org/freedesktop/systemd1",
    "org.freedesktop.systemd1.Manager",
    "StartTransientUnit",
];

/// Whether the unit that we are in is the user's, and was delegated to whoever runs in it: that manager
/// leaves no mark to be read.
pub(super) fn delegates_ours() -> bool {
    let Some(unit) = own_unit() else { return false };
    let name = unit.file_name().and_then(|name| name.to_str());
    let shown = name.filter(|_| is_below_user_manager(&unit)).and_then(|name| {
        run("systemctl", ["--user", "show", "--property=Delegate", "--value", "--", name]).ok()
    });
    let is_delegated = shown.is_some_and(|shown| shown.trim_end() == "yes");
    if is_delegated {
        unified::mark(&unit);
    }
    is_delegated
}

/// Moves the calling process into a scope of its own, delegated to it; the scope ends with its last
/// process. Tells how long that took.
pub(super) fn take_scope() -> io::Result<Duration> {
    let started = Instant::now();
    let before = own_unit();
    run("busctl", arguments(&format!("{}.scope", names::new()?)).iter().map(String::as_str))?;
    while own_unit() == before {
        if started.elapsed() > PATIENCE {
            return Err(io::Error::other("it did not move us"));
        }
        sleep(Duration::from_millis(1));
    }
    own_unit().iter().for_each(|unit| unified::mark(unit));
    Ok(started.elapsed())
}

fn own_unit() -> Option<PathBuf> {
    let own = hierarchy::own_groups().ok()?.into_iter().find(Own::is_unified)?;
    unified::unit_of(&own.path, &own.top).map(Path::to_owned)
}

fn is_below_user_manager(unit: &Path) -> bool {
    let manager = format!("user@{}.service", rustix::process::geteuid().as_raw());
    unit.parent().is_some_and(|above| above.iter().any(|part| part == manager.as_str()))
}

/// What one of systemd's programs prints.
fn run<'a>(program: &str, arguments: impl IntoIterator<Item = &'a str>) -> io::Result<String> {
    let path = DIRECTORIES.into_iter().map(|directory| Path::new(directory).join(program));
    let mut path = path.filter(|path| accessat(CWD, path, Access::EXEC_OK, AtFlags::empty()).is_ok());
    let path = path.next().ok_or_else(|| io::Error::other(format!("there is no {program}")))?;
    let run = Command::new(path)
        .args(arguments)
        .env_clear()
        .envs(ADDRESSES.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .stdin(Stdio::null())
        .output()?;
    if run.status.success() {
        Ok(String::from_utf8_lossy(&run.stdout).into_owned())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&run.stderr).trim().to_owned()))
    }
}

/// What says where the user's manager is.
const ADDRESSES: [&str; 2] = ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"];

fn arguments(scope: &str) -> Vec<String> {
    let whose = if rustix::process::geteuid().is_root() { "--system" } else { "--user" };
    let moved = unified::ourselves();
    let count = moved.len().to_string();
    let processes = ["4", "Description", "s", "clearing", "PIDs", "au", &count];
    let processes = processes.into_iter().chain(moved.iter().map(String::as_str));
    let rest = ["Delegate", "b", "true", "CollectMode", "s", "inactive-or-failed", "0"];
    let head = [whose, "--quiet", "--timeout=5", "call"].into_iter().chain(MANAGER);
    let call = head.chain(["ssa(sv)a(sa(sv))", scope, "fail"]).chain(processes).chain(rest);
    call.map(str::to_owned).collect()
}
