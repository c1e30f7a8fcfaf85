//! One client of a server: what it asked for, what was answered, what the commands said.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use clearing_tests::patience;
use serde_json::{Value, json};

/// A connection, on which answers are expected once each.
pub(crate) struct Peer {
    writer: UnixStream,
    reader: BufReader<UnixStream>,
    last: u64,
    /// Asked for, and not answered.
    open: HashMap<u64, &'static str>,
    answers: HashMap<u64, Result<Value, Value>>,
    pub(crate) said: HashMap<String, Said>,
    pub(crate) answered: u64,
}

/// What a command has said, as it was told.
#[derive(Default)]
pub(crate) struct Said {
    seq: u64,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// `exec/exited` was told.
    pub(crate) exited: bool,
}

/// How long an answer may take that waits for no command.
const PATIENCE: Duration = Duration::from_secs(60);

impl Peer {
    pub(crate) fn connect(socket: &Path) -> Self {
        let writer = UnixStream::connect(socket).unwrap();
        writer.set_read_timeout(Some(patience(PATIENCE))).unwrap();
        let reader = BufReader::new(writer.try_clone().unwrap());
        let (open, answers, said) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut peer = Self { writer, reader, last: 0, open, answers, said, answered: 0 };
        peer.call("initialize", json!({"client": {"name": "soak"}})).unwrap();
        peer
    }

    /// Asks, and waits for no answer.
    pub(crate) fn send(&mut self, method: &'static str, params: Value) -> u64 {
        self.last += 1;
        self.open.insert(self.last, method);
        self.write(&json!({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}));
        self.last
    }

    pub(crate) fn cancel(&mut self, id: u64) {
        self.write(&json!({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": id}}));
    }

    /// The answer to a request, whatever is told meanwhile.
    pub(crate) fn answer(&mut self, id: u64) -> Result<Value, Value> {
        loop {
            if let Some(answer) = self.answers.remove(&id) {
                return answer;
            }
            self.listen();
        }
    }

    pub(crate) fn call(&mut self, method: &'static str, params: Value) -> Result<Value, Value> {
        let id = self.send(method, params);
        self.answer(id)
    }

    /// Takes one line.
    fn listen(&mut self) {
        let mut line = String::new();
        let read =
            self.reader.read_line(&mut line).unwrap_or_else(|error| panic!("{error}: {:?}", self.open));
        assert!(read > 0, "the server hung up: {:?}", self.open);
        let message: Value = serde_json::from_str(&line).unwrap();
        match message["id"].as_u64() {
            Some(id) => self.take_answer(id, message),
            None => self.take_notification(&message),
        }
    }

    fn take_answer(&mut self, id: u64, mut message: Value) {
        assert!(self.open.remove(&id).is_some(), "answered twice, or not asked: {message}");
        self.answered += 1;
        let error = message.get("error").cloned();
        self.answers.insert(id, error.map_or_else(|| Ok(message["result"].take()), Err));
    }

    fn take_notification(&mut self, message: &Value) {
        let params = &message["params"];
        let (Some(session), Some(exec)) = (params["session"].as_str(), params["exec"].as_str()) else {
            return;
        };
        let said = self.said.entry(format!("{session}/{exec}")).or_default();
        if let Some(seq) = params["seq"].as_u64() {
            assert!(seq > said.seq, "out of order after {}: {message}", said.seq);
            said.seq = seq;
        }
        match message["method"].as_str() {
            Some("exec/output") => said.take(params),
            Some("exec/exited") => {
                assert!(!said.exited, "exited twice: {message}");
                said.exited = true;
            }
            _ => {}
        }
    }

    fn write(&mut self, message: &Value) {
        self.writer.write_all(format!("{message}\n").as_bytes()).unwrap();
    }
}

impl Said {
    fn take(&mut self, params: &Value) {
        assert!(params.get("dropped").is_none(), "{params}");
        let text = params["text"].as_str().unwrap_or_else(|| panic!("no text: {params}"));
        let stream = if params["stream"] == "stderr" { &mut self.stderr } else { &mut self.stdout };
        stream.extend(text.as_bytes());
    }
}
