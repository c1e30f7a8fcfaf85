//! Standard input on its way to a command: no more of it than the command is about to read.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustix::io::Errno;
use serde_json::{Value, json};

use crate::error::Error;
use crate::relay::refuse_directory;

pub(super) struct Input {
    /// None once it is at its end, or not wanted.
    from: Option<OwnedFd>,
    is_terminal: bool,
    /// Ids of what the command has not taken yet.
    untaken: Vec<i64>,
}

/// What comes of a look at it.
pub(super) enum Read {
    Nothing,
    /// For `exec/write`.
    Bytes(Value),
    End,
}

/// So much at a time, and so often before an answer.
const CHUNK: usize = 32 << 10;
const AHEAD: usize = 4;

impl Input {
    pub(super) fn new(from: OwnedFd, is_terminal: bool) -> Result<Self, Error> {
        refuse_directory(0, &from)?;
        Ok(Self { from: Some(from), is_terminal, untaken: Vec::new() })
    }

    /// Of a command that reads nothing of ours.
    pub(super) fn none() -> Self {
        Self { from: None, is_terminal: false, untaken: Vec::new() }
    }

    /// What to poll, where more is wanted now.
    pub(super) fn wanted(&self) -> Option<BorrowedFd<'_>> {
        self.from.as_ref().filter(|_| self.untaken.len() < AHEAD).map(OwnedFd::as_fd)
    }

    pub(super) fn read(&mut self) -> Read {
        let Some(from) = &self.from else { return Read::Nothing };
        let mut chunk = [0; CHUNK];
        match rustix::io::read(from, &mut chunk) {
            Ok(length) if length > 0 => Read::Bytes(match std::str::from_utf8(&chunk[..length]) {
                Ok(text) => json!({ "text": text }),
                Err(_) => json!({ "bytes": BASE64_STANDARD.encode(&chunk[..length]) }),
            }),
            Err(Errno::AGAIN | Errno::INTR) => Read::Nothing,
            // What cannot be read has nothing more.
            Ok(_) | Err(_) => {
                self.from = None;
                // Of a terminal in raw mode that is a hang-up, of which a signal tells.
                if self.is_terminal { Read::Nothing } else { Read::End }
            }
        }
    }

    pub(super) fn is_on_its_way(&mut self, id: i64) {
        self.untaken.push(id);
    }

    /// Takes an answer to one of its own; false for those of others.
    pub(super) fn take(&mut self, answer: &Value) -> bool {
        let Some(at) = self.untaken.iter().position(|id| answer["id"] == *id) else { return false };
        self.untaken.remove(at);
        if answer.get("error").is_some() {
            self.from = None;
        }
        true
    }
}
