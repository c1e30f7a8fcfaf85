//! A client of HTTP/1.1, as small as one can be: what it sends is what the proof says, to the byte.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use clearing_tests::{DEADLINE, Running, Site, for_each_caller, patience};
use serde_json::Value;

/// A server of the site's caller.
pub(crate) struct House<'s> {
    pub(crate) site: &'s Site,
    pub(crate) server: Running,
    pub(crate) socket: PathBuf,
}

/// A connection that is kept.
pub(crate) struct Peer<S> {
    stream: BufReader<S>,
    /// What was read of a body in chunks and not taken.
    chunk: Vec<u8>,
}

/// A server-sent event.
#[derive(Debug, Default)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// Runs a proof once for each caller, with a server of theirs over a new project.
pub(crate) fn for_each_house(proof: impl Fn(&House<'_>)) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let house = House::open(&site);
        proof(&house);
        house.close();
    });
}

impl<'s> House<'s> {
    pub(crate) fn open(site: &'s Site) -> Self {
        Self::open_with(site, &[] as &[&str])
    }

    /// The same with more options.
    pub(crate) fn open_with(site: &'s Site, options: &[impl AsRef<std::ffi::OsStr>]) -> Self {
        let socket = site.home().join("serve.sock");
        let server = site.clearing(["serve", "--socket"]).arg(&socket).args(options).spawn();
        server.expect("nobody listens", || UnixStream::connect(&socket).is_ok());
        Self { site, server, socket }
    }

    /// Where it listens on the network, in place of the port 0 that was asked for.
    pub(crate) fn address(&self) -> SocketAddr {
        let told = || {
            let told = self.server.told_so_far();
            told.lines().find_map(|line| line.rsplit_once("listening on ")?.1.parse().ok())
        };
        self.server.expect("it never told where it listens", || told().is_some());
        told().unwrap()
    }

    pub(crate) fn peer(&self) -> Peer<UnixStream> {
        let stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(patience(DEADLINE))).unwrap();
        Peer::new(stream)
    }

    /// Ends the server, which has nothing to complain of.
    pub(crate) fn close(self) {
        // However long the proof has taken until here.
        let server = self.server.with_deadline(DEADLINE);
        server.signal(nix::sys::signal::Signal::SIGTERM);
        server.wait().expect_code(0);
        assert!(!self.socket.exists(), "the socket was left");
        clearing_tests::assert_nothing_left(self.site);
    }
}

impl<S: Read + Write> Peer<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream: BufReader::new(stream), chunk: Vec::new() }
    }

    /// Asks, and waits for the answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, verb: &str, target: &str, body: &Value) -> Answer {
        self.ask_with(verb, target, "", body)
    }

    /// The same with more lines in the head, each with its end.
    #[track_caller]
    pub(crate) fn ask_with(&mut self, verb: &str, target: &str, more: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let length = body.len();
        self.send(
            format!(
                "{verb} {target} HTTP/1.1\r\nHost: localhost\r\n{more}{kind}Content-Length: {length}\r\n\r\n{body}"
            )
            .as_bytes(),
        );
        self.answer()
    }

    /// Asks for what is there, and gives it.
    #[track_caller]
    pub(crate) fn get(&mut self, target: &str) -> Value {
        self.ask("GET", target, &Value::Null).expect(200)
    }

    #[track_caller]
    pub(crate) fn post(&mut self, target: &str, body: Value) -> Value {
        let answer = self.ask("POST", target, &body);
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        answer.json()
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    /// Makes a session over the site's project, and gives its resource.
    #[track_caller]
    pub(crate) fn session(&mut self, site: &Site) -> String {
        let made = self.post("/v1/sessions", serde_json::json!({ "workspace": site.project() }));
        format!("/v1/sessions/{}", made["session"].as_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn answer(&mut self) -> Answer {
        let head = self.head();
        let status = head[9..12].parse().unwrap();
        let length = head
            .to_lowercase()
            .split_once("content-length: ")
            .map_or(0, |(_, rest)| rest.split_once("\r\n").unwrap().0.parse::<usize>().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        Answer { status, head, body }
    }

    /// The next server-sent event of a body whose head was read.
    #[track_caller]
    pub(crate) fn event(&mut self) -> Option<Event> {
        let (mut event, mut data) = (Event::default(), String::new());
        loop {
            let line = self.chunked_line()?;
            match line.split_once(':') {
                Some(("id", id)) => event.id = id.trim().parse().unwrap(),
                Some(("event", name)) => name.trim().clone_into(&mut event.name),
                Some(("data", said)) => data.push_str(said),
                Some(("", _)) => {}
                None if line.is_empty() && !data.is_empty() => {
                    event.data = serde_json::from_str(&data).unwrap();
                    return Some(event);
                }
                None if line.is_empty() => {}
                _ => panic!("{line:?}"),
            }
        }
    }

    /// A line of a body in chunks; none at its end.
    fn chunked_line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.chunk.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.chunk.drain(..=end).collect();
                return Some(String::from_utf8(line[..end].to_vec()).unwrap());
            }
            let mut size = String::new();
            self.stream.read_line(&mut size).unwrap();
            let size = usize::from_str_radix(size.trim(), 16).unwrap_or_else(|_| panic!("{size:?}"));
            let mut chunk = vec![0; size + 2];
            self.stream.read_exact(&mut chunk).unwrap();
            if size == 0 {
                return None;
            }
            self.chunk.extend(&chunk[..size]);
        }
    }

    /// Whether the server has hung up.
    pub(crate) fn is_at_its_end(&mut self) -> bool {
        !matches!(self.stream.read(&mut [0]), Ok(1..))
    }

    /// The same where the server may have hung up.
    pub(crate) fn head_if_any(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") && matches!(self.stream.read_line(&mut head), Ok(1..)) {}
        head
    }

    /// A head alone.
    #[track_caller]
    pub(crate) fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.stream.read_line(&mut head).unwrap() > 0, "hung up after {head:?}");
        }
        head
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body of an answer of this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// The status, and the code of what is wrong.
    #[track_caller]
    pub(crate) fn refused(&self) -> (u16, String) {
        let body = self.json();
        assert!(body["message"].is_string(), "{body}");
        (self.status, body["code"].as_str().unwrap().to_owned())
    }
}

/// A server that is to begin at this path, and what it said when it did not.
pub(crate) fn refused(site: &Site, socket: &Path) -> String {
    let output = site.clearing(["serve", "--socket"]).arg(socket).output();
    output.expect_code(125);
    output.stderr.clone()
}
