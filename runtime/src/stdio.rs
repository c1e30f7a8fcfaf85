//! The command's three standard streams, and its terminal if it has one.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::termios::{ControlFlags, InputFlags, LocalFlags, OutputFlags, SetArg, tcgetattr, tcsetattr};
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::{Winsize, tcsetwinsize};

use crate::error::{AtStage as _, Failure, Stage};
use crate::spec::{Terminal, TerminalModes};

/// The streams that a command will have as 0, 1 and 2.
pub(crate) struct Streams {
    given: [OwnedFd; 3],
    terminal: Option<(OwnedFd, [bool; 3])>,
}

impl Streams {
    /// The streams that came with the request; with a `terminal`, a new one in the sandbox's own
    /// devpts takes the place of some. Its master, for the supervisor to relay, comes second.
    pub(crate) fn open(
        given: Vec<OwnedFd>,
        terminal: Option<Terminal>,
    ) -> Result<(Self, Option<OwnedFd>), Failure> {
        let given = <[OwnedFd; 3]>::try_from(given)
            .map_err(|_| Errno::EBADF)
            .at(Stage::Descriptors, || "three standard streams".into())?;
        let Some(terminal) = terminal else {
            return Ok((Self { given, terminal: None }, None));
        };
        let (master, slave) = open_terminal(terminal)?;
        Ok((Self { given, terminal: Some((slave, terminal.streams)) }, Some(master)))
    }

    /// What they consist of: the given ones, a terminal if there is one, and which it takes the place of.
    pub(crate) fn parts(&self) -> (impl Iterator<Item = BorrowedFd<'_>>, Option<[bool; 3]>) {
        let (slave, takes) = self.terminal.as_ref().map(|(slave, takes)| (slave, *takes)).unzip();
        (self.given.iter().chain(slave).map(OwnedFd::as_fd), takes)
    }

    /// The same put together again, in another process; nothing if parts are missing.
    pub(crate) fn of_parts(mut parts: Vec<OwnedFd>, takes: Option<[bool; 3]>) -> Option<Self> {
        let terminal = takes.map(|takes| Some((parts.pop()?, takes)));
        let terminal = terminal.map_or(Some(None), |terminal| terminal.map(Some))?;
        Some(Self { given: parts.try_into().ok()?, terminal })
    }

    /// Puts the streams in place. The terminal becomes the controlling one of the caller's session,
    /// which must be new and have none.
    pub(crate) fn install(&self) -> Result<(), Failure> {
        if let Some((slave, _)) = &self.terminal {
            rustix::process::ioctl_tiocsctty(slave).at(Stage::Terminal, || "ioctl(TIOCSCTTY)".into())?;
        }
        let streams = self.sources();
        nix::unistd::dup2_stdin(streams[0]).at(Stage::Descriptors, || "dup2(stdin)".into())?;
        nix::unistd::dup2_stdout(streams[1]).at(Stage::Descriptors, || "dup2(stdout)".into())?;
        nix::unistd::dup2_stderr(streams[2]).at(Stage::Descriptors, || "dup2(stderr)".into())
    }

    fn sources(&self) -> [BorrowedFd<'_>; 3] {
        std::array::from_fn(|stream| match &self.terminal {
            Some((slave, streams)) if streams[stream] => slave.as_fd(),
            _ => self.given[stream].as_fd(),
        })
    }
}

fn open_terminal(terminal: Terminal) -> Result<(OwnedFd, OwnedFd), Failure> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let master = rustix::fs::open("/dev/ptmx", flags, Mode::empty())
        .at(Stage::Terminal, || "open(/dev/ptmx)".into())?;
    rustix::pty::unlockpt(&master).at(Stage::Terminal, || "unlockpt()".into())?;
    let peer = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let slave =
        rustix::pty::ioctl_tiocgptpeer(&master, peer).at(Stage::Terminal, || "ioctl(TIOCGPTPEER)".into())?;
    let size = Winsize { ws_row: terminal.rows, ws_col: terminal.columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&master, size).at(Stage::Terminal, || "ioctl(TIOCSWINSZ)".into())?;
    set_modes(&slave, &terminal.modes).at(Stage::Terminal, || "tcsetattr()".into())?;
    Ok((master, slave))
}

fn set_modes(terminal: &OwnedFd, modes: &TerminalModes) -> nix::Result<()> {
    let mut set = tcgetattr(terminal)?;
    set.input_flags = InputFlags::from_bits_retain(modes.input);
    set.output_flags = OutputFlags::from_bits_retain(modes.output);
    set.control_flags = ControlFlags::from_bits_retain(modes.control);
    set.local_flags = LocalFlags::from_bits_retain(modes.local);
    set.control_chars = modes.keys;
    tcsetattr(terminal, SetArg::TCSANOW, &set)
}
