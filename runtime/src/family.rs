//! All processes that a process began, however far away they tried to get, where no namespace holds them.
//!
//! Their ancestor adopts orphans (`PR_SET_CHILD_SUBREAPER`), so the chain of parents of each leads to it,
//! through double forks, new sessions and daemons.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem::MaybeUninit;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, getpid};
use rustix::fs::{Mode, OFlags, RawDir};

/// The processes that init has begun.
pub(crate) struct Family {
    pub(crate) reach: Reach,
}

/// How they are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The PID namespace holds them, and the kernel ends them.
    Namespace,
    /// A border that no signal of ours crosses.
    Border,
    /// By their parents.
    Descendants,
}

/// From one look at what is left to the next.
const PAUSE: Duration = Duration::from_millis(1);

impl Family {
    /// Sends a signal to every process but init.
    pub(crate) fn signal(&self, signal: i32) {
        let Ok(signal) = Signal::try_from(signal) else { return };
        match self.reach {
            Reach::Namespace | Reach::Border => drop(kill(Pid::from_raw(-1), signal)),
            Reach::Descendants => signal_all(&descendants(getpid()), signal),
        }
    }

    /// How many there are beside init and what works for it, which are `ours`.
    pub(crate) fn count(&self, ours: &[Pid]) -> u64 {
        match self.reach {
            Reach::Namespace if is_childless() => 0,
            Reach::Namespace => processes_in_view(ours),
            Reach::Border | Reach::Descendants => descendants(getpid()).len() as u64,
        }
    }

    /// Ends them all and waits until none is left. The kernel does that where there is a namespace.
    pub(crate) fn end(&self) {
        if self.reach != Reach::Namespace {
            end_children(|| self.signal(Signal::SIGKILL as i32));
        }
    }
}

/// Ends the orphans that the calling process, an adopter, got from an init that was killed: those of its
/// children, and their descendants, that have more system call filters than itself.
pub(crate) fn end_adopted() {
    let filters = filters_of(getpid()).unwrap_or(0);
    let is_confined = |pid: &Pid| filters_of(*pid).is_some_and(|count| count > filters);
    loop {
        let left: Vec<Pid> = descendants(getpid()).into_iter().filter(is_confined).collect();
        if left.is_empty() {
            return;
        }
        signal_all(&left, Signal::SIGKILL);
        for pid in left {
            // Most are not our children, or not yet.
            let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
        }
        std::thread::sleep(PAUSE);
    }
}

/// Kills until the calling process has no child any more: what forks faster than it is found leaves an
/// orphan each time, which is a child then.
fn end_children(kill_all: impl Fn()) {
    loop {
        kill_all();
        // The nearest ones at once: one that forks and exits is gone before a walk has come to it.
        signal_all(&children(), Signal::SIGKILL);
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
                Err(Errno::ECHILD) => return,
                Ok(WaitStatus::StillAlive) | Err(_) => break,
                Ok(_) => {}
            }
        }
        std::thread::sleep(PAUSE);
    }
}

fn signal_all(pids: &[Pid], signal: Signal) {
    for pid in pids {
        // Behind a border a number that has come to be somebody else's is refused.
        let _ = kill(*pid, signal);
    }
}

/// The children of the calling process, which has one thread.
fn children() -> Vec<Pid> {
    let text = read("/proc/thread-self/children").unwrap_or_default();
    text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw).collect()
}

/// All processes whose chain of parents leads to `ancestor`.
pub(crate) fn descendants(ancestor: Pid) -> Vec<Pid> {
    descendants_but(ancestor, &BTreeSet::new())
}

/// The same without those of `spared`, and whatever has one of these in its chain.
pub(crate) fn descendants_but(ancestor: Pid, spared: &BTreeSet<Pid>) -> Vec<Pid> {
    let mut parents = parents().unwrap_or_default();
    parents.retain(|pid, _| !spared.contains(&Pid::from_raw(*pid)));
    let mut below: BTreeSet<i32> = BTreeSet::from([ancestor.as_raw()]);
    loop {
        let before = below.len();
        below.extend(
            parents
                .iter()
                .filter(|(_, parent)| below.contains(parent))
                .map(|(pid, _)| *pid)
                .collect::<Vec<_>>(),
        );
        if below.len() == before {
            break;
        }
    }
    below.remove(&ancestor.as_raw());
    below.into_iter().map(Pid::from_raw).collect()
}

/// All processes of the PID namespace but its init. Where nobody can tell there is one, as layers are changed
/// only where there is none; and whoever began something meanwhile is one that may have been missed.
fn processes_in_view(ours: &[Pid]) -> u64 {
    let is_other = |pid: &&i32| **pid != 1 && !ours.contains(&Pid::from_raw(**pid));
    look(|all| all.iter().filter(is_other).count() as u64)
        .map_or(1, |(count, is_whole)| count + u64::from(!is_whole))
}

/// Looks at all processes of the PID namespace, and says whether nothing was begun meanwhile: one that forks and
/// exits again and again is gone before a look has come to it, and its child is there behind that look.
pub(crate) fn look<T>(at: impl FnOnce(Vec<i32>) -> T) -> io::Result<(T, bool)> {
    let before = last_number();
    let found = at(processes()?);
    Ok((found, before.is_some() && before == last_number()))
}

/// The number that was given last in the calling process' PID namespace.
fn last_number() -> Option<i32> {
    read("/proc/loadavg")?.split_ascii_whitespace().next_back()?.parse().ok()
}

/// The parent of each process that there is.
fn parents() -> io::Result<BTreeMap<i32, i32>> {
    let parent = |pid| Some((pid, parent(&read(&format!("/proc/{pid}/stat"))?)?));
    Ok(processes()?.into_iter().filter_map(parent).collect())
}

/// Whether the calling process has no child, dead or alive, but such as are set apart. Who is left in its PID namespace
/// then is nobody: it began with the first of them, and gets all orphans, which are not apart.
fn is_childless() -> bool {
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    waitid(Id::All, look) == Err(Errno::ECHILD)
}

/// All that have a number, the dead whom nobody has reaped among them.
pub(crate) fn processes() -> io::Result<Vec<i32>> {
    let mut processes = Vec::new();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open("/proc", flags, Mode::empty())?;
    let mut buffer = [MaybeUninit::uninit(); 16 << 10];
    let mut reader = RawDir::new(directory, &mut buffer);
    while let Some(entry) = reader.next() {
        processes.extend(entry?.file_name().to_str().ok().and_then(|name| name.parse::<i32>().ok()));
    }
    Ok(processes)
}

/// The name stands in parentheses and may hold anything; behind it come the state and the parent.
fn parent(stat: &str) -> Option<i32> {
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// How many system call filters a process is under (Linux 5.9).
fn filters_of(pid: Pid) -> Option<u64> {
    let status = read(&format!("/proc/{pid}/status"))?;
    status.lines().find_map(|line| line.strip_prefix("Seccomp_filters:"))?.trim().parse().ok()
}

fn read(path: &str) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).ok()?;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut std::fs::File::from(file), &mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_found_behind_any_name() {
        assert_eq!(parent("7 (a) R 1 (b) S 42 7 7 0 -1"), Some(42));
        assert_eq!(parent("7 (a"), None);
    }

    #[test]
    fn grandchildren_are_descendants_and_others_are_not() {
        let mut shell = std::process::Command::new("sh")
            .args(["-c", "sleep 60 & echo; wait"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut line = [0];
        io::Read::read_exact(shell.stdout.as_mut().expect("its output"), &mut line).expect("its line");
        let found = descendants(Pid::from_raw(shell.id() as i32));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(!found.contains(&getpid()));
        signal_all(&found, Signal::SIGKILL);
        shell.wait().expect("ended");
    }
}
