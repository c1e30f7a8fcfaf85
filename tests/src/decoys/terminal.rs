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
use crate::site::expect_success;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// A pseudo-terminal of the caller's: the proof sits at it, `clearing` runs on it.
pub struct Terminal {
    controller: File,
    user: OwnedFd,
    path: PathBuf,
    /// Shown, and not yet asked for.
    unread: String,
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
        Self { controller: File::from(pair.master), user: pair.slave, path, unread: String::new() }
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

    /// Types much at once, as fast as it is taken, until nothing is for so long; tells how much was.
    pub fn paste(&mut self, text: &str, enough: Duration) -> usize {
        let enough = crate::patience(enough);
        let (mut taken, mut last) = (0, Instant::now());
        while taken < text.len() && last.elapsed() < enough {
            match self.controller.write(&text.as_bytes()[taken..]) {
                Ok(count) => (taken, last) = (taken + count, Instant::now()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
                Err(error) => panic!("write to a terminal: {error}"),
            }
        }
        taken
    }

    /// Gives it another size, as when a window is drawn larger.
    pub fn resize(&self, rows: u16, columns: u16) {
        let mut stty = Command::new("stty");
        stty.args(["rows", &rows.to_string(), "cols", &columns.to_string()]);
        expect_success(stty.stdin(self.controller.try_clone().expect("a descriptor can be cloned")));
    }

    /// Everything that was shown until `text` was, and not asked for before.
    ///
    /// # Panics
    ///
    /// If it is not shown within that time, as [`patience`](crate::patience) has it.
    #[track_caller]
    pub fn read_until(&mut self, text: &str, within: Duration) -> String {
        let end = Instant::now() + crate::patience(within);
        let (mut shown, mut searched) = (self.read_shown(), 0);
        loop {
            if let Some(found) = shown[searched..].find(text) {
                self.unread = shown.split_off(searched + found + text.len());
                return shown;
            }
            searched = shown.floor_char_boundary(shown.len().saturating_sub(text.len()));
            assert!(Instant::now() < end, "{text:?} was not shown, but:\n{shown}");
            shown.push_str(&self.read_or_pause());
        }
    }

    /// Everything that was shown, by somebody who has ended, and not asked for before. The kernel may show it a
    /// moment later: this waits until nothing more comes.
    pub fn read_all(&mut self) -> String {
        let enough = crate::patience(Duration::from_millis(100));
        let (mut shown, mut last) = (self.read_shown(), Instant::now());
        while last.elapsed() < enough {
            let more = self.read_or_pause();
            if !more.is_empty() {
                shown.push_str(&more);
                last = Instant::now();
            }
        }
        shown
    }

    /// What was shown since the last look; does not wait.
    pub fn read_shown(&mut self) -> String {
        let mut shown = std::mem::take(&mut self.unread);
        let mut bytes = [0; 64 << 10];
        match self.controller.read(&mut bytes) {
            Ok(count) => shown.push_str(&String::from_utf8_lossy(&bytes[..count])),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("read a terminal: {error}"),
        }
        shown
    }

    fn read_or_pause(&mut self) -> String {
        let shown = self.read_shown();
        if shown.is_empty() {
            thread::sleep(PAUSE);
        }
        shown
    }

    /// Makes it the three standard streams of a command.
    pub(crate) fn attach(&self, command: &mut Command) {
        let stream = || self.user.try_clone().expect("a descriptor can be cloned");
        command.stdin(stream()).stdout(stream()).stderr(stream());
    }
}
