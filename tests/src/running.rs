//! A started call of `clearing`, and the deadline that no proof outlives.

use std::io::{Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::Output;

/// How long anything that a proof starts may take before it is killed and the proof fails.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A started call. Dropped, it is killed with its process group.
pub struct Running {
    child: Child,
    line: String,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
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
        let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
        Self { child, line, stdout, stderr, result, end: Instant::now() + DEADLINE }
    }

    /// The process id of `clearing` itself, or of the program that it was started through.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Gives it another deadline, counted from now.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.end = Instant::now() + deadline;
        self
    }

    /// Sends a signal to that one process.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("signal to a child of ours");
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

    fn expect_end(&self, stream: &Receiver<Vec<u8>>) -> Vec<u8> {
        let left = self.end.saturating_duration_since(Instant::now());
        stream
            .recv_timeout(left)
            .unwrap_or_else(|_| panic!("ended, but something still holds its output: {}", self.line))
    }

    fn printed(&self) -> String {
        let grace = Duration::from_secs(1);
        let streams =
            [&self.stdout, &self.stderr].map(|stream| stream.recv_timeout(grace).unwrap_or_default());
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

/// Reads a stream to its end on a thread of its own, so that waiting for it can be bounded.
fn collect(stream: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}
