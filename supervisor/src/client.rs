//! The other side of a server's socket: a verb of the command line on a session that a server holds.

mod ending;
mod exec;
mod input;
mod sink;
mod wire;

use std::os::unix::net::UnixStream;

use clearing_rootfs::Record;
use serde_json::{Value, json};

use crate::error::Error;
use crate::peer::is_of_same_user;
use crate::session::sessions;
pub(crate) use ending::{End, Ending};
pub(crate) use exec::{Asked, exec};
use wire::Wire;

/// A connection to a server of the same user.
pub(crate) struct Client {
    wire: Wire,
}

/// What a server said in place of a result.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    message: String,
    pub(crate) hint: Option<String>,
}

/// Codes that a server may tell on a verb of the command line; all others are of the server itself.
const CODES: [&str; 27] = [
    "CLR-BUSY",
    "CLR-UNKNOWN",
    "CLR-NAME",
    "CLR-REQUEST",
    "CLR-PROFILE",
    "CLR-PROJECT",
    "CLR-HIDDEN",
    "CLR-STATE",
    "CLR-AUDIT",
    "CLR-DAMAGED",
    "CLR-READ",
    "CLR-COMMIT",
    "CLR-POLICY-CMD",
    "CLR-PATCH",
    "CLR-FILE",
    "CLR-NOT-FOUND",
    "CLR-NOT-EXECUTABLE",
    "CLR-SETUP",
    "CLR-COPY",
    "CLR-ENDED",
    "CLR-SYSTEM",
    "CLR-SESSION-ENDED",
    "CLR-PARAMS",
    "CLR-SPOOL-FULL",
    "CLR-DESCRIPTORS",
    "CLR-ENDING",
    "CLR-TOO-MANY",
];

impl Client {
    /// Of the server that holds a session, if one does.
    pub(crate) fn of_session(name: &str) -> Result<Option<(Self, Record)>, Error> {
        let sessions = sessions()?;
        let record = sessions.read(name)?;
        let Some(socket) = sessions.holder(&record.id).and_then(|holder| holder.socket) else {
            return Ok(None);
        };
        // Of a server that was killed nothing but its sandbox may be left, which ends as well.
        let Ok(stream) = UnixStream::connect(socket) else { return Ok(None) };
        if !is_of_same_user(&stream) {
            return Err(Error::Request("the server that holds the session is another user's".into()));
        }
        let mut client = Self { wire: Wire::new(stream)? };
        let version = env!("CARGO_PKG_VERSION");
        // Whoever ends this command wants what it asked for no more.
        let who = json!({ "client": { "name": "clearing", "version": version }, "onEof": "kill" });
        client.call("initialize", &who)?;
        // One that it is about to give up is waited for as one that any other command holds.
        let told = client.call("session/get", &json!({ "session": record.id }));
        let is_held = told.is_ok_and(|told| told["live"] == true);
        Ok(is_held.then_some((client, record)))
    }

    /// Asks for something and waits for the answer.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Result<Value, Error> {
        let id = self.wire.ask(method, params);
        loop {
            let said = self.wire.wait()?;
            if said["id"] == id {
                return result(said);
            }
        }
    }
}

/// What an answer has.
fn result(mut answer: Value) -> Result<Value, Error> {
    match answer.get("error") {
        Some(error) => Err(Refusal::of(error).into()),
        None => Ok(answer["result"].take()),
    }
}

impl Refusal {
    fn of(error: &Value) -> Self {
        let code = error["data"]["code"].as_str().unwrap_or_default();
        Self {
            code: CODES.into_iter().find(|known| *known == code).unwrap_or("CLR-SYSTEM"),
            message: error["message"].as_str().unwrap_or("the server says no").to_owned(),
            hint: error["data"]["hint"].as_str().map(str::to_owned),
        }
    }

    /// The server is no more.
    fn gone() -> Self {
        Self {
            code: "CLR-ENDED",
            message: "the server that held the session is gone, and what ran in it".into(),
            hint: Some(
                "the session is kept: `clearing diff` shows what was written, a new command goes on".into(),
            ),
        }
    }
}
