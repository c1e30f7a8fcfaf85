//! Lines of JSON to a server and from it, without waiting for either.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::{Value, json};

use super::Refusal;
use crate::error::Error;

pub(super) struct Wire {
    stream: UnixStream,
    asked: i64,
    /// What is not written yet.
    out: Vec<u8>,
    /// What was read and is no whole line yet.
    begun: Vec<u8>,
    /// So much of it has no end of a line.
    searched: usize,
}

/// So much is read at a time.
const CHUNK: usize = 64 << 10;

fn failed(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Refusal::gone().into(),
        _ => Error::System("talking to the server that holds the session", error),
    }
}

impl Wire {
    pub(super) fn new(stream: UnixStream) -> Result<Self, Error> {
        stream.set_nonblocking(true).map_err(failed)?;
        Ok(Self { stream, asked: 0, out: Vec::new(), begun: Vec::new(), searched: 0 })
    }

    /// Asks for something; the answer has this id.
    pub(super) fn ask(&mut self, method: &str, params: &Value) -> i64 {
        self.asked += 1;
        let asked = json!({ "jsonrpc": "2.0", "id": self.asked, "method": method, "params": params });
        self.out.extend_from_slice(asked.to_string().as_bytes());
        self.out.push(b'\n');
        self.asked
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Whether there is something to write.
    pub(super) fn is_writing(&self) -> bool {
        !self.out.is_empty()
    }

    /// Writes what is taken now.
    pub(super) fn write(&mut self) -> Result<(), Error> {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(written) => drop(self.out.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(())
    }

    /// Reads once what is there.
    pub(super) fn read(&mut self) -> Result<(), Error> {
        let mut chunk = [0; CHUNK];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(Refusal::gone().into()),
            Ok(length) => {
                self.begun.extend_from_slice(&chunk[..length]);
                Ok(())
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                Ok(())
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// The next whole line of what was read.
    pub(super) fn next(&mut self) -> Result<Option<Value>, Error> {
        let Some(end) = self.begun[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.begun.len();
            return Ok(None);
        };
        let end = self.searched + end;
        let said = serde_json::from_slice(&self.begun[..end]).map_err(|error| failed(error.into()));
        self.begun.drain(..=end);
        self.searched = 0;
        said.map(Some)
    }

    /// The next line, waited for.
    pub(super) fn wait(&mut self) -> Result<Value, Error> {
        loop {
            if let Some(said) = self.next()? {
                return Ok(said);
            }
            self.write()?;
            let writing = if self.is_writing() { PollFlags::POLLOUT } else { PollFlags::empty() };
            let mut polled = [PollFd::new(self.stream.as_fd(), PollFlags::POLLIN | writing)];
            match poll(&mut polled, PollTimeout::NONE) {
                Err(nix::errno::Errno::EINTR) => continue,
                other => other.map_err(|errno| Error::System("poll", errno.into()))?,
            };
            self.read()?;
        }
    }
}
