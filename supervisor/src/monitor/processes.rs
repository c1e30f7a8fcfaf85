//! What the processes of a sandbox use, as the kernel counts it for each of them.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::procfs::{numbers, read, value};

/// All processes of a sandbox but init.
#[derive(Debug, Default)]
pub(super) struct Processes {
    /// Their ids inside.
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
    /// Whether two processes look alike, as while one is a `vfork` of the other and both are the same memory.
    pub(super) twins: bool,
}

/// Init of every sandbox.
const INIT: u32 = 1;
/// What the kernel gives a thread.
const STACK: u64 = 16 << 10;
/// `USER_HZ`, on every machine that we run on.
const TICK: Duration = Duration::from_millis(10);

impl Processes {
    /// Reads the list anew; a process that ends meanwhile is left out.
    pub(super) fn read(procfs: &OwnedFd) -> io::Result<Self> {
        let mut all = Self { ids: Self::ids(procfs)?, ..Self::default() };
        let (mut text, mut seen) = (Vec::new(), Vec::with_capacity(all.ids.len()));
        for id in &all.ids.clone() {
            if read(procfs, &format!("{id}/status"), &mut text).is_ok() {
                seen.push(all.add_status(&String::from_utf8_lossy(&text)));
            }
            if read(procfs, &format!("{id}/stat"), &mut text).is_ok() {
                all.cpu += processor_time(&String::from_utf8_lossy(&text)).unwrap_or_default();
            }
        }
        seen.sort_unstable();
        all.twins = seen.windows(2).any(|pair| pair[0] == pair[1] && pair[0] > (0, 0));
        Ok(all)
    }

    /// How many there are, without a look at any.
    pub(super) fn count(procfs: &OwnedFd) -> u64 {
        Self::ids(procfs).map_or(0, |ids| ids.len() as u64)
    }

    fn ids(procfs: &OwnedFd) -> io::Result<Vec<u32>> {
        let mut ids = numbers(procfs, ".")?;
        ids.retain(|id| *id != INIT);
        Ok(ids)
    }

    /// Adds one process, and gives what would be the same in one that shares its memory.
    fn add_status(&mut self, status: &str) -> (u64, u64) {
        let bytes = |key| value(status, key).unwrap_or(0) << 10;
        let (private, tables) = (bytes("RssAnon") + bytes("VmSwap"), bytes("VmPTE"));
        let threads = value(status, "Threads").unwrap_or(0);
        self.threads += threads;
        self.private += private + bytes("HugetlbPages");
        self.mapped += bytes("RssShmem");
        self.kernel += tables + threads * STACK;
        (private, tables)
    }
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
    fn memory_of_a_process_is_what_it_does_not_share_with_files() {
        let mut all = Processes::default();
        let status = "Name:\tx\nVmPTE:\t      8 kB\nVmSwap:\t 4 kB\nRssAnon:\t   100 kB\nRssFile:\t 900 kB\n\
                      RssShmem:\t 16 kB\nThreads:\t2\n";
        assert_eq!(all.add_status(status), (104 << 10, 8 << 10));
        assert_eq!((all.private, all.mapped, all.kernel, all.threads), (104 << 10, 16 << 10, 40 << 10, 2));
    }
}
