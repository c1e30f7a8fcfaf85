//! The caller's terminal: its size, its raw mode while a pty is relayed, and its way back.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};

use clearing_runtime::Helper;
use clearing_runtime::spec::TerminalModes;
use nix::sys::termios::{
    LocalFlags, OutputFlags, SetArg, SpecialCharacterIndices, Termios, cfmakeraw, tcgetattr, tcsetattr,
};
use rustix::fs::{Mode, OFlags};
use rustix::termios::{Winsize, tcgetwinsize, tcsetwinsize};

/// The terminal that the caller types at.
pub(crate) struct CallersTerminal {
    tty: OwnedFd,
    saved: Termios,
    sharing: Sharing,
    raw: Option<Keeper>,
}

/// Whether other programs use the terminal meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// It is the command's alone: input and output are both relayed, key by key.
    Alone,
    /// The rest of a pipeline may read, show and set it, so it stays as it is and gives whole lines.
    Shared,
}

/// A forked process that restores the terminal should the supervisor be killed.
struct Keeper {
    /// Its end-of-file is the supervisor's death; a byte before it says that all is well.
    alive: OwnedFd,
    _process: Helper,
}

impl CallersTerminal {
    /// Remembers how the terminal `tty` is set.
    pub(crate) fn of(tty: BorrowedFd<'_>, sharing: Sharing) -> io::Result<Self> {
        Ok(Self { tty: tty.try_clone_to_owned()?, saved: tcgetattr(tty)?, sharing, raw: None })
    }

    /// Takes a terminal that is ours alone, once we are in the foreground, and tells whether what is
    /// typed is for the command: not in the background, nor while a pager has the terminal.
    pub(crate) fn listen(&mut self) -> io::Result<bool> {
        if !self.in_foreground() {
            return Ok(false);
        }
        match self.sharing {
            Sharing::Alone if self.raw.is_some() => Ok(true),
            Sharing::Alone => self.make_raw().map(|()| true),
            Sharing::Shared => Ok(tcgetattr(&self.tty).is_ok_and(|now| is_canonical(&now))),
        }
    }

    /// Puts the terminal back as it was. From the background that is left to who has it now.
    pub(crate) fn restore(&mut self) {
        let Some(keeper) = self.raw.take() else { return };
        if self.in_foreground() {
            // A terminal that has hung up needs no restoring.
            let _ = tcsetattr(&self.tty, SetArg::TCSANOW, &self.saved);
        }
        let _ = rustix::io::write(&keeper.alive, b"!");
    }

    /// Whoever continues us may have set the terminal meanwhile, so it is taken anew.
    pub(crate) fn forget(&mut self) {
        if let Some(keeper) = self.raw.take() {
            let _ = rustix::io::write(&keeper.alive, b"!");
        }
    }

    /// The modes that the command's terminal begins with: the caller's. Where those stay in force they
    /// are not to be applied twice: keys would be echoed, and ends of lines lengthened, by both.
    pub(crate) fn modes(&self) -> TerminalModes {
        let Termios { input_flags, mut output_flags, control_flags, mut local_flags, control_chars, .. } =
            self.saved.clone();
        if self.sharing == Sharing::Shared {
            local_flags.remove(LocalFlags::ECHO);
            output_flags.remove(OutputFlags::OPOST);
        }
        TerminalModes {
            input: input_flags.bits(),
            output: output_flags.bits(),
            control: control_flags.bits(),
            local: local_flags.bits(),
            keys: control_chars,
        }
    }

    /// The key that ends the input.
    pub(crate) fn end_of_file(&self) -> u8 {
        self.saved.control_chars[SpecialCharacterIndices::VEOF as usize]
    }

    /// A terminal that is not our controlling one knows no background.
    fn in_foreground(&self) -> bool {
        match rustix::termios::tcgetpgrp(&self.tty) {
            Ok(group) => group == rustix::process::getpgrp(),
            Err(errno) => errno == rustix::io::Errno::NOTTY,
        }
    }

    /// Passes every key on as it is typed.
    fn make_raw(&mut self) -> io::Result<()> {
        let mut raw = self.saved.clone();
        cfmakeraw(&mut raw);
        self.raw = Some(self.keeper(raw.local_flags)?);
        Ok(tcsetattr(&self.tty, SetArg::TCSANOW, &raw)?)
    }

    /// It restores only what is still as we left it: the shell may have been faster.
    fn keeper(&self, raw: LocalFlags) -> io::Result<Keeper> {
        let (ended, alive) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let (tty, saved) = (&self.tty, &self.saved);
        let process = Helper::fork(&[ended.as_fd(), tty.as_fd()], || {
            let killed = rustix::io::read(&ended, &mut [0u8; 1]) == Ok(0);
            if killed && tcgetattr(tty).is_ok_and(|now| now.local_flags == raw) {
                let _ = tcsetattr(tty, SetArg::TCSANOW, saved);
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

/// Opens the terminal `tty` once more, so that reading and writing never wait and the caller's own
/// descriptor is not changed; where that is refused, the caller's has to do.
pub(crate) fn open_again(tty: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", tty.as_raw_fd());
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())
        .map_err(io::Error::from)
        .or_else(|_| tty.try_clone_to_owned())
}

fn is_canonical(modes: &Termios) -> bool {
    modes.local_flags.contains(LocalFlags::ICANON)
}

/// The size of the terminal `tty`; 24 by 80 where it does not say.
pub(crate) fn size(tty: BorrowedFd<'_>) -> Winsize {
    let size = tcgetwinsize(tty).ok().filter(|size| size.ws_row > 0 && size.ws_col > 0);
    size.unwrap_or(Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 })
}

/// Gives a terminal this size; the kernel tells its foreground processes.
pub(crate) fn set_size(terminal: &OwnedFd, rows: u16, columns: u16) -> io::Result<()> {
    Ok(tcsetwinsize(terminal, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })?)
}

/// Gives `terminal` the size of `tty`; the kernel tells its foreground processes.
pub(crate) fn copy_size(tty: BorrowedFd<'_>, terminal: BorrowedFd<'_>) {
    let _ = tcsetwinsize(terminal, size(tty));
}
