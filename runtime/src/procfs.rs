//! What we look through at other processes.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use nix::unistd::Pid;
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat};

/// A procfs.
#[derive(Debug)]
pub(crate) struct Procfs(OwnedFd);

impl Procfs {
    /// The one that the calling process finds in its place.
    pub(crate) fn in_place() -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(openat(CWD, "/proc", flags, Mode::empty())?))
    }

    /// By its top, wherever that is.
    pub(crate) fn at(top: OwnedFd) -> Self {
        Self(top)
    }

    /// All that have a number, the dead whom nobody has reaped among them.
    pub(crate) fn processes(&self) -> io::Result<Vec<Pid>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(&self.0, ".", flags, Mode::empty())?;
        let (mut processes, mut buffer) = (Vec::new(), [MaybeUninit::uninit(); 16 << 10]);
        let mut reader = RawDir::new(directory, &mut buffer);
        while let Some(entry) = reader.next() {
            let number = entry?.file_name().to_str().ok().and_then(|name| name.parse().ok());
            processes.extend(number.map(Pid::from_raw));
        }
        Ok(processes)
    }

    /// A whole file.
    pub(crate) fn read(&self, path: &str) -> io::Result<String> {
        let file = openat(&self.0, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut std::fs::File::from(file), &mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The number that was given last in the calling process' PID namespace.
    pub(crate) fn last_number(&self) -> Option<i32> {
        self.read("loadavg").ok()?.split_ascii_whitespace().next_back()?.parse().ok()
    }
}
