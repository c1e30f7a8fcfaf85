//! A terminal of the host's, as the caller has one.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::ttyname;

use crate::Site;

/// A pseudo-terminal of the caller's: the proof sits at it, `clearing` runs on it.
pub struct Terminal {
    controller: File,
    user: OwnedFd,
    path: PathBuf,
}

impl Terminal {
    /// Opens one of 24 lines of 80 characters.
    pub fn open(site: &Site) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(Some(&size), None).expect("a pseudo-terminal");
        let path = ttyname(&pair.slave).expect("a pseudo-terminal has a name");
        site.own(&path);
        // Reading is polled, so that a terminal on which nothing comes holds no proof up.
        fcntl(&pair.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("a terminal can be non-blocking");
        Self { controller: File::from(pair.master), user: pair.slave, path }
    }

    /// Its name on the host, below `/dev/pts`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The controlling side, for requests such as a new size.
    pub fn controller(&self) -> BorrowedFd<'_> {
        self.controller.as_fd()
    }

    /// How it is set: to be compared with how it was.
    pub fn settings(&self) -> Termios {
        tcgetattr(&self.user).expect("a terminal has settings")
    }

    /// Types, as a person would.
    pub fn type_in(&mut self, text: &str) {
        self.controller.write_all(text.as_bytes()).expect("a terminal takes what is typed");
    }

    /// Everything that was shown until `text` was.
    ///
    /// # Panics
    ///
    /// If it is not shown within `patience`.
    #[track_caller]
    pub fn read_until(&mut self, text: &str, patience: Duration) -> String {
        let end = Instant::now() + patience;
        let mut shown = String::new();
        while !shown.contains(text) {
            shown.push_str(&self.read_shown());
            assert!(Instant::now() < end, "{text:?} was not shown, but:\n{shown}");
            thread::sleep(Duration::from_millis(2));
        }
        shown
    }

    /// What was shown since the last look; does not wait.
    pub fn read_shown(&mut self) -> String {
        let mut bytes = [0; 4096];
        match self.controller.read(&mut bytes) {
            Ok(count) => String::from_utf8_lossy(&bytes[..count]).into_owned(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => String::new(),
            Err(error) => panic!("read a terminal: {error}"),
        }
    }

    /// Makes it the three standard streams of a command.
    pub(crate) fn attach(&self, command: &mut Command) {
        let stream = || self.user.try_clone().expect("a descriptor can be cloned");
        command.stdin(stream()).stdout(stream()).stderr(stream());
    }
}
