//! A started call of `clearing`, and the deadline that no proof outlives.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::collected::Collected;
use crate::{Output, is_stopped, patience};

/// How long anything that a proof starts may take, as [`patience`] has it, before it is killed and the
/// proof fails.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A started call. Dropped, it is killed with its process group.
pub struct Running {
    child: Child,
    line: String,
    stdout: Collected,
    stderr: Collected,
    result: Option<PathBuf>,
    end: Instant,
}

impl Running {
    pub(crate) fn start(mut command: Command, input: Vec<u8>, result: Option<PathBuf>) -> Self {
        let line = format!("{command:?}");
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{line}: {error}"));
        if let Some(mut stdin) = child.stdin.take() {
            // A command that does not read its input is no failure of the proof.
            thread::spawn(move || stdin.write_all(&input));
        }
        let (stdout, stderr) = (Collected::of(child.stdout.take()), Collected::of(child.stderr.take()));
        Self { child, line, stdout, stderr, result, end: Instant::now() + patience(DEADLINE) }
    }

    /// The process id of `clearing` itself, or of the program that it was started through.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Gives it another deadline, counted from now and as [`patience`] has it.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.end = Instant::now() + patience(deadline);
        self
    }

    /// Sends a signal to that one process.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("signal to a child of ours");
    }

    /// What it has printed on standard output until now.
    pub fn printed_so_far(&self) -> String {
        String::from_utf8_lossy(&self.stdout.so_far()).into_owned()
    }

    /// What it has told on standard error until now.
    pub fn told_so_far(&self) -> String {
        String::from_utf8_lossy(&self.stderr.so_far()).into_owned()
    }

    /// Waits until it has printed `text` on standard output.
    ///
    /// # Panics
    ///
    /// If it has not at the deadline.
    #[track_caller]
    pub fn expect_printed(&self, text: &str) {
        self.expect(&format!("never printed {text:?}"), || self.printed_so_far().contains(text));
    }

    /// Waits until it has told `text` on standard error.
    ///
    /// # Panics
    ///
    /// If it has not at the deadline.
    #[track_caller]
    pub fn expect_told(&self, text: &str) {
        self.expect(&format!("never told {text:?}"), || self.told_so_far().contains(text));
    }

    /// Waits until that one process is stopped.
    ///
    /// # Panics
    ///
    /// If it is not at the deadline.
    #[track_caller]
    pub fn expect_stopped(&self) {
        self.expect("never stopped", || is_stopped(self.pid()));
    }

    /// The children of that one process.
    pub fn children(&self) -> Vec<Pid> {
        crate::children(self.pid())
    }

    /// Waits until something is so.
    ///
    /// # Panics
    ///
    /// If it is not at the deadline.
    #[track_caller]
    pub fn expect(&self, otherwise: &str, is_so: impl Fn() -> bool) {
        while !is_so() {
            assert!(Instant::now() < self.end, "{otherwise}: {}\n{}", self.line, self.printed());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for its end and for the end of all that it printed.
    ///
    /// # Panics
    ///
    /// If the process, or anything that holds its output, is still there at the deadline.
    pub fn wait(mut self) -> Output {
        let Some(status) = self.wait_for_exit() else {
            self.kill();
            panic!("still running at the deadline: {}\n{}", self.line, self.printed());
        };
        let stdout = self.expect_end(&self.stdout);
        let stderr = self.expect_end(&self.stderr);
        Output::new(status, &stdout, &stderr, self.result.as_deref())
    }

    fn wait_for_exit(&mut self) -> Option<ExitStatus> {
        loop {
            if let Some(status) = self.child.try_wait().expect("wait for a child of ours") {
                return Some(status);
            }
            if Instant::now() >= self.end {
                return None;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn expect_end(&self, stream: &Collected) -> Vec<u8> {
        let left = self.end.saturating_duration_since(Instant::now());
        stream
            .to_its_end(left)
            .unwrap_or_else(|| panic!("ended, but something still holds its output: {}", self.line))
    }

    fn printed(&self) -> String {
        let streams = [&self.stdout, &self.stderr].map(Collected::so_far);
        String::from_utf8_lossy(&streams.concat()).into_owned()
    }

    fn kill(&mut self) {
        // Already reaped means that there is nothing left to kill.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = killpg(self.pid(), Signal::SIGKILL);
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
