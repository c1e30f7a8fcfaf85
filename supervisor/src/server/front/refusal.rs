//! What the front says to whom it does not hand on: a fixed answer, written before anything is read.

use std::io::Write as _;
use std::os::unix::net::UnixStream;

use super::parting::Parting;
use crate::http::Wrong;
use crate::protocol::Fault;

/// A connection that is not handed on.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    status: &'static str,
    fault: Fault,
}

impl Refusal {
    /// This door is for those who have nobody else's rights.
    pub(super) fn root() -> Self {
        let fault =
            Fault::refused("CLR-ROOT", "this door does not serve root: no process of it ever is root");
        Self { status: "403 Forbidden", fault: fault.with_hint("run `clearing` itself as root") }
    }

    /// Somebody of whom nothing is known.
    pub(super) fn nobody(uid: u32) -> Self {
        let fault = Fault::refused("CLR-NOBODY", format!("user {uid} is no user that can be served"));
        let hint = "each user that is served has a line in `/etc/passwd`, with a home";
        Self { status: "403 Forbidden", fault: fault.with_hint(hint) }
    }

    /// More wait than are kept.
    pub(super) fn busy(waiting: usize) -> Self {
        let why = format!("{waiting} connections wait for your server already");
        let fault = Fault::refused("CLR-BUSY", why);
        Self { status: "503 Service Unavailable", fault: fault.with_hint("try again, with fewer at a time") }
    }

    /// There is no server to hand it to.
    pub(super) fn failed(why: impl Into<String>) -> Self {
        let fault = Fault::refused("CLR-SETUP", why);
        let hint = "the log says more: `journalctl -u clearing`";
        Self { status: "503 Service Unavailable", fault: fault.with_hint(hint) }
    }

    /// The service ends.
    pub(super) fn ending() -> Self {
        Self { status: "503 Service Unavailable", fault: Fault::ending() }
    }

    /// Why.
    pub(super) fn text(&self) -> &str {
        &self.fault.message
    }

    /// Says it, as the last thing that is said. Who does not take it has not asked for it.
    pub(super) fn tell(&self, connection: UnixStream, parting: &Parting) {
        let _ = connection.set_nonblocking(true).and_then(|()| (&connection).write_all(&self.answer()));
        parting.keep(connection);
    }

    fn answer(&self) -> Vec<u8> {
        let body = Wrong::of(&self.fault).json();
        let head = format!(
            "HTTP/1.1 {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.status,
            body.len()
        );
        [head.into_bytes(), body].concat()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_refusal_is_a_whole_answer_and_the_end() {
        let (client, front) = UnixStream::pair().expect("socketpair");
        let parting = Parting::default();
        Refusal::root().tell(front, &parting);
        // Nobody has hung up before the client asked.
        (&client).write_all(b"GET / HTTP/1.1\r\n\r\n").expect("asked");
        let mut answer = String::new();
        (&client).read_to_string(&mut answer).expect("to its end");
        assert!(parting.due().is_some_and(|due| due > std::time::Instant::now()));
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{head}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["code"], "CLR-ROOT");
    }
}
