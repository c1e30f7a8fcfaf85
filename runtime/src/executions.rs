//! The executions that a command asks for, seen from outside: a note for people, never a boundary.
//!
//! The kernel lets a thread wait at `execve(2)` until it has been looked at; see seccomp_unotify(2). Whoever shares
//! the thread's memory can change meanwhile what it asks for, so nothing is decided here: each call goes on as if
//! nobody had looked, and what refuses programs is Landlock, with what is really opened.

use std::ffi::OsStr;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, open, openat2, readlinkat};

use crate::sys::{Notification, continue_notified, receive_notification, still_waits};

/// Whom the programs of a command ask. Once it is dropped, none is executed any more (`ENOSYS`).
#[derive(Debug)]
pub struct Executions(OwnedFd);

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// Nobody waits.
    Nobody,
    /// Somebody did, and has been let go on.
    Somebody,
    /// Nobody is left who could ever ask.
    Over,
}

/// A program that is about to be executed, or refused.
#[derive(Debug)]
pub struct Execution {
    /// The path as it is asked for, or where a descriptor leads.
    pub asked: PathBuf,
    /// The same as an absolute path in the sandbox's view.
    pub path: PathBuf,
    /// The name of the thread that asks, which it chooses.
    pub by: String,
    /// The file, where one is there that somebody may execute.
    pub program: Option<FileId>,
    root: OwnedFd,
}

/// Which file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl Executions {
    /// Of the listener that comes with [`crate::Report::Observed`].
    pub fn of(listener: OwnedFd) -> Self {
        Self(listener)
    }

    /// Looks at the next that waits, without waiting, and lets it go on. It is shown to `see` before; nothing where
    /// it may not be looked at, as before the command's own program is executed.
    pub fn look(&self, see: impl FnOnce(Option<Execution>)) -> io::Result<Looked> {
        let mut polled = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        poll(&mut polled, PollTimeout::ZERO)?;
        let found = polled[0].revents().unwrap_or(PollFlags::empty());
        if !found.contains(PollFlags::POLLIN) {
            return Ok(if found.is_empty() { Looked::Nobody } else { Looked::Over });
        }
        let asked = match receive_notification(self.as_fd()) {
            // It has been killed since.
            Err(error) if is_gone(&error) => return Ok(Looked::Somebody),
            asked => asked?,
        };
        let seen = Execution::read(&asked);
        // What was read of a number that is another's by now is nothing.
        if still_waits(self.as_fd(), asked.id) {
            match seen {
                Ok(execution) => see(execution.into()),
                Err(error) if is_forbidden(&error) => see(None),
                // No path, or no longer there: the kernel tells the program.
                Err(_) => {}
            }
        }
        match continue_notified(self.as_fd(), asked.id) {
            Err(error) if !is_gone(&error) => Err(error),
            _ => Ok(Looked::Somebody),
        }
    }
}

impl AsFd for Executions {
    /// Readable when somebody waits.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Execution {
    /// The file of a path in the view of whoever asks, where it is one that can be executed.
    pub fn find(&self, path: &Path) -> Option<FileId> {
        find(self.root.as_fd(), path).ok().flatten()
    }

    fn read(asked: &Notification) -> io::Result<Self> {
        let by_descriptor = i64::from(asked.number) == libc::SYS_execveat;
        let [first, second, _, _, fifth, _] = asked.arguments;
        let (directory, address, flags) = match by_descriptor {
            true => (first as i32, second, fifth as i32),
            false => (libc::AT_FDCWD, first, 0),
        };
        let task = Task {
            thread: Pid::from_raw(asked.thread.cast_signed()),
            directory: PathBuf::from(format!("/proc/{}", asked.thread)),
        };
        let root = open(task.directory.join("root"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let text = task.text_at(address)?;
        let by = task.name();
        if text.is_empty() && flags & libc::AT_EMPTY_PATH != 0 {
            let place = task.place(directory);
            let file = open(&place, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
            let path = link(&place)?;
            return Ok(Self { asked: path.clone(), path, by, program: executable(&fstat(file)?), root });
        }
        let asked = PathBuf::from(OsStr::from_bytes(&text));
        let path =
            if asked.is_absolute() { asked.clone() } else { link(&task.place(directory))?.join(&asked) };
        let program = find(root.as_fd(), &path).unwrap_or(None);
        Ok(Self { asked, path, by, program, root })
    }
}

struct Task {
    thread: Pid,
    /// In `/proc`.
    directory: PathBuf,
}

impl Task {
    /// Where the paths begin that are given with a descriptor.
    fn place(&self, directory: i32) -> PathBuf {
        match directory {
            libc::AT_FDCWD => self.directory.join("cwd"),
            number => self.directory.join(format!("fd/{number}")),
        }
    }

    /// The text that ends with a NUL, no longer than a path may be.
    fn text_at(&self, mut address: u64) -> io::Result<Vec<u8>> {
        const PART: usize = 256;
        let mut text = Vec::new();
        while text.len() < libc::PATH_MAX as usize {
            let mut part = [0; PART];
            // Never past the end of a page, behind which there may be nothing.
            let room = PART - (address % PART as u64) as usize;
            let base = usize::try_from(address).map_err(|_| io::ErrorKind::InvalidInput)?;
            let there = [RemoteIoVec { base, len: room }];
            // Not `/proc/PID/mem`, which is root's where a process wants to be looked at by nobody.
            let read = process_vm_readv(self.thread, &mut [IoSliceMut::new(&mut part[..room])], &there)?;
            let part = &part[..read];
            if let Some(end) = part.iter().position(|byte| *byte == 0) {
                text.extend_from_slice(&part[..end]);
                return Ok(text);
            }
            if read == 0 {
                break;
            }
            text.extend_from_slice(part);
            address = address.saturating_add(read as u64);
        }
        Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG))
    }

    fn name(&self) -> String {
        let mut name = [0; 64];
        let file = open(self.directory.join("comm"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        let length = file.and_then(|file| rustix::io::read(file, &mut name)).unwrap_or(0);
        String::from_utf8_lossy(name[..length].trim_ascii_end()).into_owned()
    }
}

fn link(path: &Path) -> io::Result<PathBuf> {
    let to = readlinkat(CWD, path, Vec::new())?;
    Ok(PathBuf::from(OsStr::from_bytes(to.as_bytes())))
}

/// Links lead where they would inside; those of a procfs would be about ourselves.
fn find(root: BorrowedFd<'_>, path: &Path) -> io::Result<Option<FileId>> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let file = openat2(root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)?;
    Ok(executable(&fstat(file)?))
}

fn executable(stat: &Stat) -> Option<FileId> {
    let is_program = FileType::from_raw_mode(stat.st_mode).is_file() && stat.st_mode & 0o111 != 0;
    is_program.then_some(FileId { device: stat.st_dev, inode: stat.st_ino })
}

fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOENT)
}

fn is_forbidden(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}
