//! The other side of a server's socket: a verb of the command line on a session that a server holds.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;

use clearing_rootfs::{Record, Store};
use serde_json::{Value, json};

use crate::error::Error;
use crate::session::sessions;

/// A connection to a server of the same user.
pub(crate) struct Client {
    from: BufReader<UnixStream>,
    asked: i64,
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
const CODES: [&str; 8] = [
    "CLR-BUSY",
    "CLR-UNKNOWN",
    "CLR-NAME",
    "CLR-REQUEST",
    "CLR-PROJECT",
    "CLR-STATE",
    "CLR-AUDIT",
    "CLR-SESSION-ENDED",
];

impl Client {
    /// Of the server that holds a session, if one does.
    pub(crate) fn of_session(name: &str) -> Result<Option<(Self, Record)>, Error> {
        let sessions = sessions()?;
        let record = sessions.read(name)?;
        let Some(pid) = sessions.holder(&record.id).and_then(|holder| holder.pid) else { return Ok(None) };
        let state = Store::default_path(&|name| std::env::var_os(name))?;
        // Whoever holds it and listens on nothing is no server.
        let Ok(stream) = UnixStream::connect(crate::server::socket_of(&state, pid)) else { return Ok(None) };
        let mut client = Self { from: BufReader::new(stream), asked: 0 };
        client.call("initialize", &json!({}))?;
        Ok(Some((client, record)))
    }

    /// Asks for something and waits for the answer.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Result<Value, Error> {
        let failed = |error| Error::System("talking to the server that holds the session", error);
        self.asked += 1;
        let asked = json!({ "jsonrpc": "2.0", "id": self.asked, "method": method, "params": params });
        self.from.get_mut().write_all(format!("{asked}\n").as_bytes()).map_err(failed)?;
        loop {
            let mut line = String::new();
            if self.from.read_line(&mut line).map_err(failed)? == 0 {
                return Err(failed(std::io::ErrorKind::UnexpectedEof.into()));
            }
            let mut said: Value = serde_json::from_str(&line).map_err(|error| failed(error.into()))?;
            if said["id"] == self.asked {
                return match said.get("error") {
                    Some(error) => Err(Refusal::of(error).into()),
                    None => Ok(said["result"].take()),
                };
            }
        }
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
}
