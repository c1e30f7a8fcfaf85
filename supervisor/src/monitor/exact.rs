//! What the processes of a sandbox really take, with every page counted once: slow, so only when the
//! quick sum is above the limit.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, fstat, memfd_create};

use super::procfs::{read, value};

/// Less than this of mapped shared memory is not looked at more closely.
const LITTLE: u64 = 1 << 20;

/// Bytes of private memory of these processes, each page by its share, and of shared memory that nothing
/// but a mapping holds. `files` are unnamed files which are counted already.
pub(super) fn private_and_hidden(procfs: &OwnedFd, ids: &[u32], files: &HashMap<u64, u64>) -> u64 {
    let (mut private, mut mapped, mut text) = (0, 0, Vec::new());
    for id in ids {
        if read(procfs, &format!("{id}/smaps_rollup"), &mut text).is_ok() {
            let text = String::from_utf8_lossy(&text);
            let bytes = |key| value(&text, key).unwrap_or(0) << 10;
            private += bytes("Pss_Anon") + bytes("SwapPss");
            mapped += bytes("Pss_Shmem");
        } else if read(procfs, &format!("{id}/status"), &mut text).is_ok() {
            // Nobody may look at it so closely: all that it has counts as its own.
            let text = String::from_utf8_lossy(&text);
            let held = ["RssAnon", "RssShmem", "VmSwap", "HugetlbPages"];
            private += held.iter().map(|key| value(&text, key).unwrap_or(0) << 10).sum::<u64>();
        }
    }
    let hidden = if mapped > LITTLE { hidden(procfs, ids, files).unwrap_or(0) } else { 0 };
    private + hidden
}

/// Bytes of mappings that are shared and have neither name nor descriptor nor segment.
fn hidden(procfs: &OwnedFd, ids: &[u32], files: &HashMap<u64, u64>) -> io::Result<u64> {
    let device = device_of_unnamed_files()?;
    let (mut bytes, mut text) = (0, Vec::new());
    for id in ids {
        if read(procfs, &format!("{id}/smaps"), &mut text).is_ok() {
            bytes += hidden_in(&String::from_utf8_lossy(&text), &device, files);
        }
    }
    Ok(bytes)
}

/// Shared mappings without a file, segments and unnamed files all live on one device of the kernel's own.
fn device_of_unnamed_files() -> io::Result<String> {
    let device = fstat(memfd_create("device", MemfdFlags::CLOEXEC)?)?.st_dev;
    Ok(format!("{:02x}:{:02x}", rustix::fs::major(device), rustix::fs::minor(device)))
}

fn hidden_in(smaps: &str, device: &str, files: &HashMap<u64, u64>) -> u64 {
    let (mut bytes, mut counts) = (0, false);
    for line in smaps.lines() {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("Pss:") if counts => {
                bytes += words.next().and_then(|size| size.parse::<u64>().ok()).unwrap_or(0) << 10;
            }
            Some(word) if !word.ends_with(':') => {
                let (on, inode, name) = (words.nth(2), words.next(), words.next().unwrap_or(""));
                let file = inode.and_then(|inode| inode.parse().ok()).unwrap_or(0);
                counts = on == Some(device) && !name.starts_with("/SYSV") && !files.contains_key(&file);
            }
            _ => {}
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nothing_else_counts_is_hidden() {
        let smaps = "\
7f0000000000-7f0000001000 rw-s 00000000 00:01 5 /dev/zero (deleted)
Size: 64 kB
Pss: 32 kB
7f0000002000-7f0000003000 rw-s 00000000 00:01 6 /memfd:held (deleted)
Pss: 64 kB
7f0000004000-7f0000005000 rw-s 00000000 00:01 7 /memfd:let go (deleted)
Pss: 128 kB
7f0000006000-7f0000007000 rw-s 00000000 00:01 8 /SYSV00000000 (deleted)
Pss: 256 kB
7f0000008000-7f0000009000 rw-p 00000000 00:00 0
Pss: 512 kB
7f000000a000-7f000000b000 rw-s 00000000 00:2a 9 /dev/shm/named
Pss: 1024 kB
";
        assert_eq!(hidden_in(smaps, "00:01", &HashMap::from([(6, 65536)])), 160 << 10);
    }
}
