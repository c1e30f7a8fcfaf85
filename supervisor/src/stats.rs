//! A stream of samples for whoever wants to watch a run, as lines of JSON on a descriptor of the caller's.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::fs::OFlags;
use serde::Serialize;

use crate::error::Error;
use crate::text;
use crate::usage::Sample;

/// Where samples are told, and how often.
#[derive(Debug, Clone)]
pub(crate) struct Stats {
    pub(crate) every: Duration,
    to: Arc<OwnedFd>,
}

/// One line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "type", rename = "sample")]
struct Line {
    at_ms: u64,
    memory: u64,
    cpu_us: u64,
    processes: u64,
    disk: u64,
    inodes: u64,
}

impl Stats {
    /// Tells samples on the descriptor `number`, which stays the caller's and must be writable.
    pub(crate) fn on(number: i32, every: Duration) -> Result<Self, Error> {
        let opened = clearing_runtime::duplicate(number).and_then(|to| {
            Ok((rustix::fs::fcntl_getfl(&to)?.intersection(OFlags::RWMODE | OFlags::PATH), to))
        });
        match opened.map_err(|error| Error::System("the descriptor for samples", error))? {
            (OFlags::WRONLY | OFlags::RDWR, to) => Ok(Self { every, to: Arc::new(to) }),
            _ => Err(Error::Request(format!("descriptor {number} cannot be written to: no samples"))),
        }
    }

    /// Tells one sample, unless the reader is behind: it never holds the command up.
    pub(crate) fn tell(&self, sample: &Sample) {
        let line = Line {
            at_ms: u64::try_from(sample.at.as_millis()).unwrap_or(u64::MAX),
            memory: sample.memory,
            cpu_us: u64::try_from(sample.cpu.as_micros()).unwrap_or(u64::MAX),
            processes: sample.processes,
            disk: sample.disk,
            inodes: sample.inodes,
        };
        let mut ready = [PollFd::new(self.to.as_fd(), PollFlags::POLLOUT)];
        if let Ok(mut line) = text::json(&line)
            && poll(&mut ready, PollTimeout::ZERO).is_ok_and(|count| count > 0)
        {
            line.push('\n');
            // A pipe that polls as writable takes a line as a whole; a reader that is gone wants none.
            let _ = rustix::io::write(&self.to, line.as_bytes());
        }
    }
}
