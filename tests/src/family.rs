//! Which process started which.

use std::fs;

use nix::unistd::Pid;

/// The living children of a process, oldest first.
pub fn children(parent: Pid) -> Vec<Pid> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let children = fs::read_to_string(path).unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).map(Pid::from_raw).collect()
}

/// Whether a process is stopped by a signal, or waits as in `vfork(2)` for a child that is.
pub fn is_stopped(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.contains(") T ") || stat.contains(") D ") && children(process).into_iter().any(is_stopped)
}

/// Init of the sandbox that a supervisor holds: the child that is the first process of a PID namespace.
pub fn init_of(supervisor: Pid) -> Option<Pid> {
    children(supervisor).into_iter().find(|child| {
        let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
        let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        ids.is_some_and(|ids| ids.split_whitespace().count() > 1)
    })
}
