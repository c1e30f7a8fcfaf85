//! Lines of our own on standard error while the command runs, for which nobody ever waits.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};

use nix::sys::socket::{MsgFlags, send};
use nix::sys::termios::{LocalFlags, tcgetattr};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{Relayed, Streams};
use crate::at_once::write_at_once;

/// Where a person hears of what happens meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hearing {
    /// Nobody: events tell it all.
    Events,
    /// The command has our standard error itself.
    Beside,
    /// What it says there goes through this sink.
    Among(usize),
    /// The same, once there is a terminal of its own.
    Terminal,
}

impl Streams {
    /// Tells a person, if that can be done at once: without waiting for a reader, without breaking a line
    /// that the command has begun, and without disturbing a program that draws on the whole screen.
    pub(crate) fn note(&mut self, lines: &str) -> bool {
        match self.hearing {
            Hearing::Events => false,
            Hearing::Beside => write_whole(rustix::stdio::stderr(), lines).is_ok(),
            Hearing::Among(sink) => self.pump.put_between(sink, lines).unwrap_or(false),
            Hearing::Terminal => {
                let Some(screen) = self.terminal.as_ref().and_then(Relayed::screen_of_lines) else {
                    return false;
                };
                // A terminal in raw mode moves down and not back.
                self.pump.put_between(screen, &lines.replace('\n', "\r\n")).unwrap_or(false)
            }
        }
    }
}

impl Relayed {
    /// The sink that shows what the command says, unless it takes key by key: then it draws the screen too.
    fn screen_of_lines(&self) -> Option<usize> {
        let own = self.own.as_ref()?;
        let modes = tcgetattr(&own.master).ok()?;
        modes.local_flags.contains(LocalFlags::ICANON).then_some(own.screen)
    }
}

/// Writes all of it or nothing, now. The descriptor's own flags stay: others have it too, and rely on them.
fn write_whole(to: BorrowedFd<'_>, lines: &str) -> io::Result<()> {
    let kind = FileType::from_raw_mode(rustix::fs::fstat(to)?.st_mode);
    match kind {
        // For a disk nobody waits long, and opened again it would be written from its start.
        FileType::RegularFile => drop(rustix::io::write(to, lines.as_bytes())?),
        FileType::Socket => {
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            send(to.as_raw_fd(), lines.as_bytes(), flags).map(drop)?;
        }
        _ => write_to_pipe(to, lines)?,
    }
    Ok(())
}

/// So few bytes a pipe takes as a whole. Of somebody else's only newer kernels can be asked not to wait.
fn write_to_pipe(to: BorrowedFd<'_>, lines: &str) -> io::Result<()> {
    match write_at_once(to, lines.as_bytes()) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => drop(rustix::io::write(again(to)?, lines.as_bytes())?),
        written => drop(written?),
    }
    Ok(())
}

fn again(to: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", to.as_fd().as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;

    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;

    #[test]
    fn a_full_pipe_or_socket_is_not_waited_for_and_keeps_its_flags() {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
        write_whole(write.as_fd(), "a\n").expect("there is room");
        while write_whole(write.as_fd(), &"x".repeat(4096)).is_ok() {}
        let flags = rustix::fs::fcntl_getfl(&write).expect("flags");
        assert!(!flags.contains(OFlags::NONBLOCK));
        let mut text = [0; 2];
        std::fs::File::from(read).read_exact(&mut text).expect("what was written first");
        assert_eq!(&text, b"a\n");
        let (_other, socket) = UnixStream::pair().expect("a pair");
        while write_whole(socket.as_fd(), &"x".repeat(4096)).is_ok() {}
    }

    #[test]
    fn a_file_is_written_where_the_others_are() {
        let file = rustix::fs::memfd_create("log", rustix::fs::MemfdFlags::CLOEXEC).expect("a file");
        rustix::io::write(&file, b"before\n").expect("written");
        write_whole(file.as_fd(), "note\n").expect("written");
        let mut text = [0; 12];
        assert_eq!(rustix::io::pread(&file, &mut text, 0), Ok(12));
        assert_eq!(&text, b"before\nnote\n");
    }
}
