//! The caller's terminal: its size, its raw mode while a pty is relayed, and its way back.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use clearing_runtime::Helper;
use rustix::termios::{OptionalActions, Termios, Winsize, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

/// The terminal that the caller types at.
pub(crate) struct CallersTerminal {
    tty: OwnedFd,
    saved: Termios,
    raw: Option<Keeper>,
}

/// A forked process that restores the terminal should the supervisor be killed.
struct Keeper {
    /// Its end-of-file is the supervisor's death; a byte before it says that all is well.
    alive: OwnedFd,
    _process: Helper,
}

impl CallersTerminal {
    /// Remembers how the terminal `tty` is set.
    pub(crate) fn of(tty: BorrowedFd<'_>) -> io::Result<Self> {
        Ok(Self { tty: tty.try_clone_to_owned()?, saved: tcgetattr(tty)?, raw: None })
    }

    /// Passes every key on as it is typed. In the background the terminal is somebody else's, and
    /// is left alone.
    pub(crate) fn make_raw(&mut self) -> io::Result<()> {
        if self.raw.is_some() || !self.in_foreground() {
            return Ok(());
        }
        self.raw = Some(self.keeper()?);
        let mut raw = self.saved.clone();
        raw.make_raw();
        Ok(tcsetattr(&self.tty, OptionalActions::Drain, &raw)?)
    }

    /// Puts the terminal back as it was.
    pub(crate) fn restore(&mut self) {
        let Some(keeper) = self.raw.take() else { return };
        // A terminal that has hung up needs no restoring.
        let _ = tcsetattr(&self.tty, OptionalActions::Drain, &self.saved);
        let _ = rustix::io::write(&keeper.alive, b"!");
    }

    /// Whether keys typed there are for us.
    pub(crate) fn in_foreground(&self) -> bool {
        rustix::termios::tcgetpgrp(&self.tty).is_ok_and(|group| group == rustix::process::getpgrp())
    }

    /// Gives `terminal` the caller's modes, as they were.
    pub(crate) fn copy_modes(&self, terminal: BorrowedFd<'_>) {
        let _ = tcsetattr(terminal, OptionalActions::Now, &self.saved);
    }

    fn keeper(&self) -> io::Result<Keeper> {
        let (ended, alive) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let (tty, saved) = (&self.tty, &self.saved);
        let process = Helper::fork(&[ended.as_fd(), tty.as_fd()], || {
            let told = rustix::io::read(&ended, &mut [0u8; 1]);
            if told == Ok(0) {
                let _ = tcsetattr(tty, OptionalActions::Now, saved);
            }
        })?;
        Ok(Keeper { alive, _process: process })
    }
}

impl Drop for CallersTerminal {
    fn drop(&mut self) {
        self.restore();
    }
}

/// The size of the terminal `tty`; 24 by 80 where it does not say.
pub(crate) fn size(tty: BorrowedFd<'_>) -> Winsize {
    let size = tcgetwinsize(tty).ok().filter(|size| size.ws_row > 0 && size.ws_col > 0);
    size.unwrap_or(Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 })
}

/// Gives `terminal` the size of `tty`; the kernel tells its foreground processes.
pub(crate) fn copy_size(tty: BorrowedFd<'_>, terminal: BorrowedFd<'_>) {
    let _ = tcsetwinsize(terminal, size(tty));
}
