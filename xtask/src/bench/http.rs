//! A client of `clearing serve --socket`, as small as one can be, on one connection that is kept.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::place::Place;
use super::rpc::print_pairs;
use crate::Result;

/// The hidden chore that measures as whoever runs it.
pub(crate) const MEASURE: &str = "bench-measure-http";

/// A server and the way to it. Dropped, the server is ended.
struct Client {
    server: Child,
    stream: BufReader<UnixStream>,
}

impl Client {
    fn begin(place: &Place) -> Result<Self> {
        let socket = Path::new(&place.project()).join("serve.sock");
        let mut serve = Command::new(place.binary());
        // It ends with its standard input.
        serve.args(["serve", "--stdio", "--socket"]).arg(&socket).stdin(Stdio::piped()).stdout(Stdio::null());
        let server = serve.spawn()?;
        for _ in 0..1000 {
            if let Ok(stream) = UnixStream::connect(&socket) {
                return Ok(Self { server, stream: BufReader::new(stream) });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err("the server does not listen".into())
    }

    /// Asks, and reads the answer to its end.
    fn post(&mut self, target: &str, body: &Value) -> Result<String> {
        let body = body.to_string();
        let head = format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n");
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut line, mut length, mut status) = (String::new(), 0, String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                Some(("content-length", said)) => length = said.parse()?,
                None if line.trim_end().is_empty() => break,
                None => status = line.clone(),
                Some(_) => {}
            }
        }
        let mut said = vec![0; length];
        self.stream.read_exact(&mut said)?;
        let said = String::from_utf8(said)?;
        if status.starts_with("HTTP/1.1 20") { Ok(said) } else { Err(format!("{status}{said}").into()) }
    }

    fn run(&mut self, execs: &str) -> Result {
        let said = self.post(execs, &json!({ "argv": ["/bin/true"] }))?;
        if said.contains("\"exitCode\":0") { Ok(()) } else { Err(said.into()) }
    }

    fn end(mut self) -> Result {
        drop(self.server.stdin.take());
        let status = self.server.wait()?;
        if status.success() { Ok(()) } else { Err(format!("serve: {status}").into()) }
    }
}

/// Prints the microseconds of pairs of a bare spawn, and of the same command by HTTP.
pub(crate) fn measure(directory: &str, rounds: &str) -> Result {
    let place = Place::at(directory.as_ref());
    let mut client = Client::begin(&place)?;
    let made = client.post("/v1/sessions", &json!({ "workspace": place.project() }))?;
    let made: Value = serde_json::from_str(&made)?;
    let execs = format!("/v1/sessions/{}/execs", made["session"].as_str().ok_or("no session")?);
    print_pairs(rounds.parse()?, || client.run(&execs))?;
    client.end()
}
