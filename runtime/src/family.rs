//! All processes that a process began, however far away they tried to get, where no namespace holds them.
//!
//! Their ancestor adopts orphans (`PR_SET_CHILD_SUBREAPER`), so the chain of parents of each leads to it,
//! through double forks, new sessions and daemons.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, getpid};

use crate::mark::in_limits;
use crate::procfs::Procfs;

/// The processes that init has begun.
pub(crate) struct Family {
    pub(crate) reach: Reach,
    /// Where all of a namespace are seen.
    pub(crate) procfs: Option<Procfs>,
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
            Reach::Namespace => self.processes_in_view(ours),
            Reach::Border | Reach::Descendants => descendants(getpid()).len() as u64,
        }
    }

    /// All processes of the PID namespace but its init. Where nobody can tell there is one, as layers are changed
    /// only where there is none; and whoever began something meanwhile is one that may have been missed.
    fn processes_in_view(&self, ours: &[Pid]) -> u64 {
        let counted = self.look(ours, |all| all.len() as u64);
        counted.map_or(1, |(count, is_whole)| count + u64::from(!is_whole))
    }

    /// Looks at all processes of the PID namespace but its init and what works for that, and says whether nothing was
    /// begun meanwhile: one that forks and exits again and again is gone before a look has come to it, and its child
    /// is there behind that look. Nothing where nobody can look.
    pub(crate) fn look<T>(&self, ours: &[Pid], at: impl FnOnce(Vec<Pid>) -> T) -> Option<(T, bool)> {
        let procfs = self.procfs.as_ref()?;
        let before = procfs.last_number();
        let mut all = procfs.processes().ok()?;
        all.retain(|pid| pid.as_raw() != 1 && !ours.contains(pid));
        let found = at(all);
        Some((found, before.is_some() && before == procfs.last_number()))
    }

    /// The mark of a process that is alive, or that nobody has reaped.
    pub(crate) fn mark_of(&self, process: Pid) -> Option<u64> {
        in_limits(&self.procfs.as_ref()?.read(&format!("{process}/limits")).ok()?)
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
    let procfs = Procfs::in_place();
    let text = procfs.and_then(|procfs| procfs.read("thread-self/children")).unwrap_or_default();
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

/// The parent of each process that there is.
fn parents() -> io::Result<BTreeMap<i32, i32>> {
    let procfs = Procfs::in_place()?;
    let parent = |pid: Pid| Some((pid.as_raw(), parent(&procfs.read(&format!("{pid}/stat")).ok()?)?));
    Ok(procfs.processes()?.into_iter().filter_map(parent).collect())
}

/// Whether the calling process has no child, dead or alive, but such as are set apart. Who is left in its PID namespace
/// then is nobody: it began with the first of them, and gets all orphans, which are not apart.
fn is_childless() -> bool {
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    waitid(Id::All, look) == Err(Errno::ECHILD)
}

/// The name stands in parentheses and may hold anything; behind it come the state and the parent.
fn parent(stat: &str) -> Option<i32> {
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// How many system call filters a process is under (Linux 5.9).
fn filters_of(pid: Pid) -> Option<u64> {
    let status = Procfs::in_place().ok()?.read(&format!("{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Seccomp_filters:"))?.trim().parse().ok()
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
