//! What the processes of a sandbox use, as the kernel counts it for each of them.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use clearing_runtime::{Kept, mark_in_limits};

use super::procfs::{numbers, read, value};

/// All processes of a sandbox but init and what works for that.
#[derive(Debug, Default)]
pub(super) struct Processes {
    /// Their ids inside; of one whose first thread has ended, that of another thread.
    pub(super) ids: Vec<u32>,
    /// Threads of all of them.
    pub(super) threads: u64,
    /// Bytes of private memory, swapped out or not. Pages shared since a fork count in each process.
    pub(super) private: u64,
    /// Bytes of shared memory that are mapped, counted in each process that maps them.
    pub(super) mapped: u64,
    /// Bytes of page tables and stacks in the kernel.
    pub(super) kernel: u64,
    /// Processor time, with that of children which were waited for.
    pub(super) cpu: Duration,
    each: Vec<Process>,
}

/// What is looked at more closely of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    id: u32,
    parent: u32,
    /// Whether it was made just now.
    is_new: bool,
    /// Bytes.
    pub(super) private: u64,
    tables: u64,
}

/// Init of every sandbox.
const INIT: u32 = 1;
/// What the kernel gives a thread.
const STACK: u64 = 16 << 10;
/// `USER_HZ`, on every machine that we run on.
const TICK: Duration = Duration::from_millis(10);
/// How long a process may take from `vfork(2)` to its program. With `CLONE_VFORK` alone a parent stands still
/// for as long as its child likes, and the child has memory of its own.
pub(super) const SOON: Duration = Duration::from_millis(200);
/// Bytes by which a memory may differ from itself: parent and child are read one after the other, and what has it runs on.
const LITTLE: u64 = 1 << 20;

impl Processes {
    /// Reads the list anew, of those with a mark if one is given; a process that ends meanwhile is left out, and so is
    /// what works for init.
    pub(super) fn read(procfs: &OwnedFd, mark: Option<u64>, kept: &Kept) -> io::Result<Self> {
        let (mut all, mut text, uptime) = (Self::default(), Vec::new(), uptime());
        for mut id in Self::ids(procfs)?.into_iter().filter(|id| Some(*id) != kept.zygote) {
            if mark.is_some_and(|mark| !has_mark(procfs, id, mark, &mut text)) {
                continue;
            }
            let Ok(()) = read(procfs, &format!("{id}/status"), &mut text) else { continue };
            if is_headless(&String::from_utf8_lossy(&text)) {
                id = living_thread(procfs, id, &mut text).unwrap_or(id);
            }
            let status = String::from_utf8_lossy(&text).into_owned();
            let of_init = kept.own_mark.filter(|_| parent(&status) == INIT);
            if of_init.is_some_and(|own| has_mark(procfs, id, own, &mut text)) {
                continue;
            }
            all.ids.push(id);
            let process = all.add_status(id, &status);
            if read(procfs, &format!("{id}/stat"), &mut text).is_ok() {
                let stat = String::from_utf8_lossy(&text);
                all.cpu += processor_time(&stat).unwrap_or_default();
                let is_new = started(&stat).is_some_and(|started| started + SOON > uptime);
                all.each.push(Process { is_new, ..process });
            }
        }
        Ok(all)
    }

    /// The ids inside of all but init.
    pub(super) fn ids(procfs: &OwnedFd) -> io::Result<Vec<u32>> {
        let mut ids = numbers(procfs, ".")?;
        ids.retain(|id| *id != INIT);
        Ok(ids)
    }

    /// Processes that have the memory of their parent until they execute a program, by `vfork(2)`. Such a
    /// parent stands still: for each of its threads that does, one child that looks like it has nothing of
    /// its own.
    pub(super) fn borrowed(&self, procfs: &OwnedFd) -> Vec<Process> {
        let mut borrowed = Vec::new();
        for parent in &self.each {
            let alike = self.each.iter().filter(|child| child.is_like(parent));
            let alike: Vec<Process> = alike.copied().collect();
            if !alike.is_empty() {
                borrowed.extend(alike.into_iter().take(standing_threads(procfs, parent.id)));
            }
        }
        borrowed
    }

    /// All but those.
    pub(super) fn owners(&self, borrowed: &[Process]) -> Vec<u32> {
        let is_owner = |id: &&u32| !borrowed.iter().any(|process| process.id == **id);
        self.ids.iter().filter(is_owner).copied().collect()
    }

    /// Bytes of private memory of owners that look like their parent and may have been read while they were becoming
    /// something else.
    pub(super) fn doubtful(&self, owners: &[u32]) -> u64 {
        let has_twin = |child: &&Process| self.each.iter().any(|parent| child.is_like(parent));
        let owned = self.each.iter().filter(|process| owners.contains(&process.id));
        owned.filter(has_twin).map(|process| process.private).sum()
    }

    fn add_status(&mut self, id: u32, status: &str) -> Process {
        let bytes = |key| value(status, key).unwrap_or(0) << 10;
        let (private, tables) = (bytes("RssAnon") + bytes("VmSwap"), bytes("VmPTE"));
        let threads = value(status, "Threads").unwrap_or(0);
        let parent = parent(status);
        self.threads += threads;
        self.private += private + bytes("HugetlbPages");
        self.mapped += bytes("RssShmem");
        self.kernel += tables + threads * STACK;
        Process { id, parent, is_new: false, private, tables }
    }
}

impl Process {
    fn is_like(&self, parent: &Self) -> bool {
        self.is_new
            && self.parent == parent.id
            && self.private.abs_diff(parent.private) <= LITTLE
            && self.tables.abs_diff(parent.tables) <= LITTLE
    }
}

fn parent(status: &str) -> u32 {
    value(status, "PPid").and_then(|parent| parent.try_into().ok()).unwrap_or(0)
}

fn has_mark(procfs: &OwnedFd, process: u32, mark: u64, text: &mut Vec<u8>) -> bool {
    let limits = read(procfs, &format!("{process}/limits"), text);
    limits.is_ok() && mark_in_limits(&String::from_utf8_lossy(text)) == Some(mark)
}

/// Whether the first thread has ended and others have not: to the kernel such a process has neither memory
/// nor descriptors, unless it is asked for another thread.
fn is_headless(status: &str) -> bool {
    status.contains("\nState:\tZ") && value(status, "Threads").is_some_and(|threads| threads > 1)
}

/// A thread that has memory, with its status in `text`.
fn living_thread(procfs: &OwnedFd, process: u32, text: &mut Vec<u8>) -> Option<u32> {
    let mut has_memory = |thread: &u32| {
        let status = read(procfs, &format!("{thread}/status"), text);
        status.is_ok() && value(&String::from_utf8_lossy(text), "RssAnon").is_some()
    };
    numbers(procfs, &format!("{process}/task")).ok()?.into_iter().find(|thread| has_memory(thread))
}

/// Since the kernel was started, as it counts for processes.
fn uptime() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

/// When a process was made, by the same clock.
fn started(stat: &str) -> Option<Duration> {
    let ticks: u64 = stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()?;
    Some(Duration::from_millis(ticks.saturating_mul(10)))
}

/// How many threads of a process wait without being woken by signals, as in `vfork(2)`.
fn standing_threads(procfs: &OwnedFd, process: u32) -> usize {
    let (directory, mut text) = (format!("{process}/task"), Vec::new());
    let threads = numbers(procfs, &directory).unwrap_or_default();
    let mut stands = |thread: &u32| {
        read(procfs, &format!("{directory}/{thread}/stat"), &mut text).is_ok()
            && String::from_utf8_lossy(&text).rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('D'))
    };
    threads.iter().filter(|thread| stands(thread)).count()
}

/// Time in user mode and in the kernel, of the process and of the children that it waited for.
pub(super) fn processor_time(stat: &str) -> Option<Duration> {
    // The name stands in parentheses and may hold anything.
    let fields = stat.rsplit_once(") ")?.1.split(' ').skip(11).take(4);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(TICK * u32::try_from(ticks).unwrap_or(u32::MAX))
}

/// Time of the children that a process waited for, by its id on the host.
pub(super) fn reaped_by(process: u32) -> Option<Duration> {
    let mut text = Vec::new();
    read(rustix::fs::CWD, &format!("/proc/{process}/stat"), &mut text).ok()?;
    let text = String::from_utf8_lossy(&text);
    let fields = text.rsplit_once(") ")?.1.split(' ').skip(13).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(TICK * u32::try_from(ticks).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_that_of_the_process_and_its_dead_children() {
        let stat = "7 (a) R 1 (b) S 1 7 7 0 -1 4194304 100 200 0 0 150 50 7 3 20 0 1 0 100 1000 10";
        assert_eq!(processor_time(stat), Some(Duration::from_millis(2100)));
        assert_eq!(processor_time(""), None);
    }

    #[test]
    fn a_child_that_looks_like_its_parent_may_be_the_same_memory() {
        let process = |id, parent, private| Process { id, parent, is_new: true, private, tables: 4096 };
        let (large, touched) = (70 << 20, (70 << 20) + 8192);
        let each = vec![process(2, 1, large), process(3, 2, touched), process(4, 2, large / 2)];
        let all = Processes { ids: vec![2, 3, 4], each, ..Processes::default() };
        assert_eq!(all.owners(&[process(3, 2, touched)]), [2, 4]);
        assert_eq!((all.doubtful(&[2, 3, 4]), all.doubtful(&[2, 4])), (touched, 0));
        let old = Process { is_new: false, ..process(3, 2, large) };
        let all = Processes { each: vec![process(2, 1, large), old], ..Processes::default() };
        assert_eq!(all.doubtful(&[2, 3]), 0);
    }

    #[test]
    fn a_process_whose_first_thread_has_ended_is_told_from_a_dead_one() {
        assert!(is_headless("Name:\tx\nState:\tZ (zombie)\nThreads:\t2\n"));
        assert!(!is_headless("Name:\tx\nState:\tZ (zombie)\nThreads:\t1\n"));
        assert!(!is_headless("Name:\tx\nState:\tS (sleeping)\nThreads:\t2\n"));
    }

    #[test]
    fn a_process_was_made_when_its_line_says() {
        let stat = "7 (a) R) S 1 7 7 0 -1 4194304 100 200 0 0 150 50 7 3 20 0 1 0 123 1000 10";
        assert_eq!(started(stat), Some(Duration::from_millis(1230)));
    }

    #[test]
    fn memory_of_a_process_is_what_it_does_not_share_with_files() {
        let mut all = Processes::default();
        let status = "Name:\tx\nVmPTE:\t      8 kB\nVmSwap:\t 4 kB\nRssAnon:\t   100 kB\nRssFile:\t 900 kB\n\
                      RssShmem:\t 16 kB\nThreads:\t2\n";
        all.add_status(7, status);
        assert_eq!((all.private, all.mapped, all.kernel, all.threads), (104 << 10, 16 << 10, 40 << 10, 2));
    }
}
