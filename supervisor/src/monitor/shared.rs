//! Memory that no process has for itself: unnamed files, unlinked files, System V objects, pipes.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use clearing_runtime::Kept;
use rustix::fs::{AtFlags, Mode, OFlags, Stat, openat, readlinkat, statat};

use super::procfs::{numbers, read_open};

/// What the open descriptors of all processes hold, each thing once.
#[derive(Debug, Default)]
pub(super) struct Descriptors {
    /// Bytes of files in memory that have no name, by inode.
    pub(super) memory_files: HashMap<u64, u64>,
    /// Bytes of files that have no name any more, by device and inode.
    unlinked: HashMap<(u64, u64), u64>,
    /// Bytes of pipes with something in them, by inode.
    pipes: HashMap<u64, u64>,
}

/// What `st_blocks` counts in.
const BLOCK: u64 = 512;

impl Descriptors {
    /// Looks at every descriptor of these processes.
    pub(super) fn of(procfs: &OwnedFd, processes: &[u32]) -> Self {
        let mut all = Self::default();
        for process in processes {
            let directory = format!("{process}/fd");
            for number in numbers(procfs, &directory).unwrap_or_default() {
                all.add(procfs, &format!("{directory}/{number}"));
            }
        }
        all
    }

    /// Bytes of what is kept in memory.
    pub(super) fn memory(&self) -> u64 {
        self.memory_files.values().chain(self.pipes.values()).sum()
    }

    /// Bytes of unlinked files on other devices than `device`, whose file system counts them itself.
    pub(super) fn unlinked_beside(&self, device: u64) -> u64 {
        self.unlinked.iter().filter(|((on, _), _)| *on != device).map(|(_, bytes)| bytes).sum()
    }

    fn add(&mut self, procfs: &OwnedFd, descriptor: &str) {
        let Ok(target) = readlinkat(procfs, descriptor, Vec::new()) else { return };
        let target = target.as_bytes();
        let stat = || statat(procfs, descriptor, AtFlags::empty()).ok();
        if target.starts_with(b"/memfd:") {
            self.memory_files.extend(stat().map(|stat| (stat.st_ino, bytes(&stat))));
        } else if target.ends_with(b" (deleted)") {
            let unlinked = stat().filter(|stat| stat.st_nlink == 0);
            self.unlinked.extend(unlinked.map(|stat| ((stat.st_dev, stat.st_ino), bytes(&stat))));
        } else if let Some(inode) = pipe(target)
            && !self.pipes.contains_key(&inode)
        {
            self.pipes.insert(inode, capacity(procfs, descriptor));
        }
    }
}

fn bytes(stat: &Stat) -> u64 {
    stat.st_blocks.unsigned_abs() * BLOCK
}

fn pipe(target: &[u8]) -> Option<u64> {
    let number = target.strip_prefix(b"pipe:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// What a pipe with something in it can hold; one byte may take a page, and so the content says little.
fn capacity(procfs: &OwnedFd, descriptor: &str) -> u64 {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(pipe) = openat(procfs, descriptor, flags, Mode::empty()) else { return 0 };
    match rustix::io::ioctl_fionread(&pipe) {
        Ok(1..) => rustix::pipe::fcntl_getpipe_size(&pipe).map_or(0, |size| size as u64),
        _ => 0,
    }
}

/// Bytes of all System V objects of a sandbox, used by anybody or not.
pub(super) fn system_v(kept: &Kept) -> u64 {
    let sum =
        |table: &Option<OwnedFd>, of: fn(&str) -> u64| table.as_ref().map_or(0, |table| rows(table, of));
    sum(&kept.segments, segment) + sum(&kept.semaphores, semaphores) + sum(&kept.messages, messages)
}

/// The sum over the rows of a table such as `/proc/sysvipc/shm`.
fn rows(table: &OwnedFd, of: fn(&str) -> u64) -> u64 {
    let mut text = Vec::new();
    // A table that cannot be read was never handed out.
    let _ = read_open(table, &mut text);
    String::from_utf8_lossy(&text).lines().skip(1).map(of).sum()
}

/// The last two columns of a row: resident, and swapped out.
fn segment(row: &str) -> u64 {
    row.split_ascii_whitespace().rev().take(2).filter_map(|bytes| bytes.parse::<u64>().ok()).sum()
}

/// What the kernel takes for a semaphore, a line of the cache; and, about, for a message, a queue or a set.
const SEMAPHORE: u64 = 64;
const OBJECT: u64 = 256;

/// The fourth column: how many there are in a set.
fn semaphores(row: &str) -> u64 {
    OBJECT + column(row, 3).saturating_mul(SEMAPHORE)
}

/// The fourth and fifth column: bytes and messages in a queue.
fn messages(row: &str) -> u64 {
    OBJECT + column(row, 3) + column(row, 4).saturating_mul(SEMAPHORE)
}

fn column(row: &str, index: usize) -> u64 {
    row.split_ascii_whitespace().nth(index).and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_what_it_has_in_memory_and_in_swap() {
        let row = "  0  0  1600  67108864  2  0  0  1000  1000  1000  1000  0  0 1700000000   4096   8192";
        assert_eq!(segment(row), 12288);
    }

    #[test]
    fn semaphores_and_messages_take_the_kernel_s_memory() {
        assert_eq!(
            semaphores("  0  0  600  32000  1000  1000  1000  1000  0  1700000000"),
            256 + (2000 << 10)
        );
        assert_eq!(messages("  0  0  600  4096  2  7  7  1000  1000  1000  1000  0  0  0"), 256 + 4096 + 128);
    }

    #[test]
    fn a_pipe_is_known_by_its_inode() {
        assert_eq!(pipe(b"pipe:[4711]"), Some(4711));
        assert_eq!(pipe(b"socket:[4711]"), None);
    }
}
