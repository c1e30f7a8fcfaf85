//! What a call left: its exit, what it printed, and the outcome that it wrote.

use std::fmt;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;

use serde_json::Value;

/// What an ended call left.
pub struct Output {
    /// The exit code, unless a signal ended `clearing` itself.
    pub code: Option<i32>,
    /// The signal that ended `clearing` itself.
    pub signal: Option<i32>,
    /// What came on standard output; bytes that are no UTF-8 are replaced.
    pub stdout: String,
    /// What came on standard error, the command's and the report after it.
    pub stderr: String,
    /// Whether all of both was UTF-8.
    pub is_text: bool,
    outcome: Option<Value>,
}

impl Output {
    pub(crate) fn new(status: ExitStatus, stdout: &[u8], stderr: &[u8], result: Option<&Path>) -> Self {
        Self {
            code: status.code(),
            signal: status.signal(),
            stdout: String::from_utf8_lossy(stdout).into_owned(),
            stderr: String::from_utf8_lossy(stderr).into_owned(),
            is_text: [stdout, stderr].iter().all(|bytes| std::str::from_utf8(bytes).is_ok()),
            outcome: result
                .and_then(|path| fs::read(path).ok())
                .and_then(|json| serde_json::from_slice(&json).ok()),
        }
    }

    /// The outcome as written to `--result`, to be indexed: `outcome()["cause"]`.
    ///
    /// # Panics
    ///
    /// If there is none, with all that was printed.
    pub fn outcome(&self) -> &Value {
        self.outcome.as_ref().unwrap_or_else(|| panic!("no outcome was written\n{self}"))
    }

    /// Demands an exit code.
    ///
    /// # Panics
    ///
    /// If it ended otherwise, with all that was printed.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Self {
        assert!(self.code == Some(code), "expected exit code {code}\n{self}");
        self
    }

    /// Demands that standard output holds `text`.
    ///
    /// # Panics
    ///
    /// If it does not, with all that was printed.
    #[track_caller]
    pub fn expect_stdout(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text), "expected on standard output: {text:?}\n{self}");
        self
    }

    /// Demands that standard error holds `text`.
    ///
    /// # Panics
    ///
    /// If it does not, with all that was printed.
    #[track_caller]
    pub fn expect_stderr(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "expected on standard error: {text:?}\n{self}");
        self
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit code {:?}, signal {:?}", self.code, self.signal)?;
        writeln!(f, "--- standard output\n{}\n--- standard error\n{}", self.stdout, self.stderr)?;
        match &self.outcome {
            Some(outcome) => write!(f, "--- outcome\n{outcome:#}"),
            None => write!(f, "--- no outcome"),
        }
    }
}
