//! How many bytes of output were not handed on.

use serde::{Deserialize, Serialize};

use super::encoder::Stream;

/// Bytes that were not handed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Truncated {
    stdout: u64,
    stderr: u64,
}

impl Truncated {
    /// So many on each stream.
    pub(crate) fn of(stdout: u64, stderr: u64) -> Self {
        Self { stdout, stderr }
    }

    /// Of standard output and of errors.
    pub(crate) fn each(self) -> [u64; 2] {
        [self.stdout, self.stderr]
    }

    /// Whether there were any.
    pub(crate) fn any(self) -> bool {
        self != Self::default()
    }

    /// On both streams.
    pub(crate) fn bytes(self) -> u64 {
        self.stdout + self.stderr
    }

    /// The sum.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { stdout: self.stdout + other.stdout, stderr: self.stderr + other.stderr }
    }

    pub(super) fn add(&mut self, stream: Stream, bytes: u64) {
        match stream {
            Stream::Stdout => self.stdout += bytes,
            Stream::Stderr => self.stderr += bytes,
        }
    }
}
