//! What goes over standard streams: one message of JSON-RPC a line, as MCP has it.
//!
//! Read where the door's tasks run, without a thread to wake for it; written by whoever has something to say, as far as
//! that needs no waiting ([`Outbox`]).

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, ErrorData, RequestId, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::Value;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Mutex;

use crate::error::Error;
use crate::server::{LONGEST_LINE, Line, Lines, Outbox};

/// So long nothing is read from a client that does not read before it is looked at again.
const PAUSE: Duration = Duration::from_millis(20);

/// A client on two streams.
#[derive(Clone)]
pub(super) struct Wire {
    input: Arc<Mutex<Input>>,
    outbox: Arc<Outbox>,
}

struct Input {
    lines: Lines<Unhurried>,
    /// Tells when there is something to read; none of what never has to be waited for, as a file.
    ready: Option<AsyncFd<OwnedFd>>,
}

/// Reads what is there. The stream may be somebody else's as well, so that it is not made non-blocking.
struct Unhurried(OwnedFd);

/// A line that is no message, and to whom that is told.
struct Refused {
    id: Option<RequestId>,
    error: ErrorData,
}

impl Wire {
    /// Begins to read, where a runtime is at work.
    pub(super) fn new(from: OwnedFd, outbox: &Arc<Outbox>) -> Result<Self, Error> {
        let watched = from.try_clone().map_err(|error| Error::System("dup of standard input", error))?;
        #[expect(
            deprecated,
            reason = "the other way is unsafe for types that change their descriptor; this one does not"
        )]
        let ready = match AsyncFd::with_interest(watched, Interest::READABLE) {
            Ok(ready) => Some(ready),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
            Err(error) => return Err(Error::System("epoll of standard input", error)),
        };
        let lines = Lines::new(Unhurried(from), LONGEST_LINE);
        Ok(Self { input: Arc::new(Mutex::new(Input { lines, ready })), outbox: Arc::clone(outbox) })
    }

    fn refuse(&self, refused: Refused) {
        self.say(&ServerJsonRpcMessage::error(refused.error, refused.id));
    }

    fn say(&self, message: &ServerJsonRpcMessage) {
        // Plain data: there is nothing in it that cannot be written.
        let mut line = serde_json::to_vec(message).unwrap_or_default();
        line.push(b'\n');
        self.outbox.answer(line);
    }
}

impl Transport<RoleServer> for Wire {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        self.say(&message);
        let is_gone = self.outbox.is_gone();
        std::future::ready(if is_gone { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) })
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            while !self.outbox.has_room() && !self.outbox.is_gone() {
                tokio::time::sleep(PAUSE).await;
            }
            let line = self.input.lock().await.line().await;
            match line {
                Ok(Some(Line::Whole(line))) if line.trim_ascii().is_empty() => {}
                Ok(Some(Line::Whole(line))) => match read(&line) {
                    Ok(message) => return Some(message),
                    Err(refused) => self.refuse(refused),
                },
                Ok(Some(Line::TooLong)) => {
                    let why =
                        format!("the line is longer than {LONGEST_LINE} bytes: send what is long in pieces");
                    self.refuse(Refused { id: None, error: ErrorData::parse_error(why, None) });
                }
                Ok(None) | Err(_) => return None,
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Input {
    /// The next line. Whoever drops this before it is there has lost nothing.
    async fn line(&mut self) -> io::Result<Option<Line>> {
        let Self { lines, ready } = self;
        let Some(ready) = ready else { return lines.next() };
        loop {
            let mut readable = ready.readable().await?;
            if let Ok(line) = readable.try_io(|_| lines.next()) {
                return line;
            }
        }
    }
}

impl Read for Unhurried {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use std::os::fd::AsFd as _;
        let mut polled = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        match poll(&mut polled, PollTimeout::ZERO) {
            Ok(0) => Err(io::ErrorKind::WouldBlock.into()),
            Ok(_) => Ok(rustix::io::read(&self.0, buffer)?),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Reads a message; whatever is wrong is told to the request that it is wrong in, where that can be read.
fn read(line: &[u8]) -> Result<ClientJsonRpcMessage, Refused> {
    let why = match serde_json::from_slice(line) {
        Ok(message) => return Ok(message),
        Err(error) => error,
    };
    let value: Value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(error) => {
            let error = ErrorData::parse_error(format!("the line is no JSON: {error}"), None);
            return Err(Refused { id: None, error });
        }
    };
    let id = value.get("id").and_then(|id| serde_json::from_value(id.clone()).ok());
    let why = if value.is_array() {
        "batches are not taken: send one message a line".into()
    } else {
        why.to_string()
    };
    Err(Refused { id, error: ErrorData::invalid_request(format!("this is no message of MCP: {why}"), None) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> (Option<String>, i32) {
        let refused = read(line.as_bytes()).expect_err("no message");
        (refused.id.map(|id| id.to_string()), refused.error.code.0)
    }

    #[test]
    fn what_is_no_message_is_told_with_the_id_that_it_has() {
        assert_eq!(refused("{"), (None, -32700));
        assert_eq!(refused("[]"), (None, -32600));
        assert_eq!(refused("7"), (None, -32600));
        assert_eq!(refused(r#"{"id":3,"method":"ping"}"#), (Some("3".into()), -32600));
        assert_eq!(refused("\u{feff}{}").1, -32700);
    }

    #[test]
    fn a_request_of_a_kind_that_is_not_known_is_a_message() {
        assert!(read(br#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#).is_ok());
        assert!(read(br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}"#).is_ok());
    }
}
