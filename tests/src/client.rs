//! A client of `clearing serve --stdio`: asks, and hears what it is told.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Map, Value, json};

use crate::collected::Collected;
use crate::{DEADLINE, Run, patience};

/// A server of the site's caller, and its only client on standard streams. Dropped, the server is killed.
pub struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    heard: Option<Receiver<Value>>,
    stderr: Collected,
    next: i64,
    /// Answers that nobody asked after yet.
    answers: Vec<Value>,
    /// Notifications that nobody took yet.
    notes: VecDeque<Value>,
}

impl Client {
    /// Starts a server, and says who asks.
    pub(crate) fn begin(run: Run<'_>) -> Self {
        let mut client = Self::begin_silent(run);
        client.listen();
        client.call("initialize", json!({ "client": { "name": "proof" } }));
        client
    }

    /// Starts a server and says nothing; nobody reads what it says until [`Client::listen`].
    pub(crate) fn begin_silent(run: Run<'_>) -> Self {
        let mut command = run.prepare();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stderr = Collected::of(child.stderr.take());
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (heard, answers, notes) = (None, Vec::new(), VecDeque::new());
        Self { child, stdin, stdout, heard, stderr, next: 1, answers, notes }
    }

    /// Reads what the server says from now on.
    pub fn listen(&mut self) {
        let Some(stdout) = self.stdout.take() else { return };
        let (to, heard) = channel();
        self.heard = Some(heard);
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { return };
                let said = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
                if to.send(said).is_err() {
                    return;
                }
            }
        });
    }

    /// Reads one line and nothing more, while nobody listens.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[track_caller]
    pub fn read_line(&mut self) -> Value {
        let stdout = self.stdout.as_mut().expect("nobody listens");
        let bytes = std::io::Read::bytes(stdout).map(|byte| byte.expect("the server writes"));
        let line: Vec<u8> = bytes.take_while(|byte| *byte != b'\n').collect();
        serde_json::from_slice(&line).expect("a line of JSON")
    }

    /// The server's process id.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Sends a line as it is.
    pub fn send(&mut self, line: &[u8]) {
        let stdin = self.stdin.as_mut().expect("not closed");
        stdin.write_all(line).and_then(|()| stdin.write_all(b"\n")).expect("the server reads");
        stdin.flush().expect("the server reads");
    }

    /// Asks for something, and gives the request's id.
    pub fn ask(&mut self, method: &str, params: Value) -> i64 {
        let id = self.next;
        self.next += 1;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(request.to_string().as_bytes());
        id
    }

    /// Cancels a request.
    pub fn cancel(&mut self, id: i64) {
        let notice = json!({ "jsonrpc": "2.0", "method": "$/cancelRequest", "params": { "id": id } });
        self.send(notice.to_string().as_bytes());
    }

    /// Asks for something and waits for the result.
    ///
    /// # Panics
    ///
    /// If it is an error.
    #[track_caller]
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        self.result(id)
    }

    /// Asks for something and waits for the error's number and code.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[track_caller]
    pub fn refused(&mut self, method: &str, params: Value) -> (i64, String) {
        let id = self.ask(method, params);
        self.error(id)
    }

    /// Waits for a result.
    ///
    /// # Panics
    ///
    /// If it is an error.
    #[track_caller]
    pub fn result(&mut self, id: i64) -> Value {
        let answer = self.answer(&json!(id));
        assert!(answer.get("error").is_none(), "{answer}\n{}", self.told());
        answer["result"].clone()
    }

    /// The result of a request, if it has come by now.
    ///
    /// # Panics
    ///
    /// If it is an error.
    #[track_caller]
    pub fn answered(&mut self, id: i64) -> Option<Value> {
        while let Some(said) = self.hear_for(Duration::ZERO) {
            self.sort(said);
        }
        self.answers.iter().any(|answer| answer["id"] == id).then(|| self.result(id))
    }

    /// Waits for an error.
    ///
    /// # Panics
    ///
    /// If it is a result.
    #[track_caller]
    pub fn error(&mut self, id: i64) -> (i64, String) {
        code_of(&self.answer(&json!(id)))
    }

    /// Waits for the answer to a request of this id.
    ///
    /// # Panics
    ///
    /// If none comes.
    #[track_caller]
    pub fn answer(&mut self, id: &Value) -> Value {
        loop {
            if let Some(at) = self.answers.iter().position(|answer| answer["id"] == *id) {
                return self.answers.remove(at);
            }
            let said = self.hear().unwrap_or_else(|| panic!("no answer to {id}\n{}", self.told()));
            self.sort(said);
        }
    }

    /// The next notification.
    ///
    /// # Panics
    ///
    /// If none comes.
    #[track_caller]
    pub fn note(&mut self) -> Value {
        loop {
            if let Some(note) = self.notes.pop_front() {
                return note;
            }
            let said = self.hear().unwrap_or_else(|| panic!("no notification\n{}", self.told()));
            self.sort(said);
        }
    }

    /// Waits for a notification of this method, and leaves those before it out.
    ///
    /// # Panics
    ///
    /// If none comes.
    #[track_caller]
    pub fn note_of(&mut self, method: &str) -> Value {
        loop {
            let note = self.note();
            if note["method"] == method {
                return note["params"].clone();
            }
        }
    }

    /// All notifications that have come and that nobody took.
    pub fn notes(&mut self) -> Vec<Value> {
        self.notes.drain(..).collect()
    }

    /// Makes a session over the site's project and gives its id.
    #[track_caller]
    pub fn session(&mut self, site: &crate::Site) -> String {
        self.made(json!({ "workspace": site.project() }))
    }

    /// The same by a profile.
    #[track_caller]
    pub fn session_by(&mut self, site: &crate::Site, profile: &std::path::Path) -> String {
        self.made(json!({ "workspace": site.project(), "profile": profile }))
    }

    #[track_caller]
    fn made(&mut self, params: Value) -> String {
        let made = self.call("session/create", params);
        made["session"].as_str().expect("an id").to_owned()
    }

    /// Runs a command to its end, and tells how that was.
    #[track_caller]
    pub fn exec(&mut self, session: &str, argv: &[&str]) -> Value {
        self.exec_with(session, argv, json!({}))
    }

    /// The same with more parameters.
    #[track_caller]
    pub fn exec_with(&mut self, session: &str, argv: &[&str], more: Value) -> Value {
        let id = self.start(session, argv, more);
        self.result(id)
    }

    /// Asks for a command.
    pub fn start(&mut self, session: &str, argv: &[&str], more: Value) -> i64 {
        let mut params =
            Map::from_iter([("session".to_owned(), session.into()), ("argv".into(), argv.into())]);
        params.extend(more.as_object().cloned().unwrap_or_default());
        self.ask("exec/start", params.into())
    }

    /// Asks for a command and waits until it runs.
    #[track_caller]
    pub fn running(&mut self, session: &str, argv: &[&str], more: Value) -> i64 {
        self.notes();
        let id = self.start(session, argv, more);
        self.note_of("exec/started");
        id
    }

    /// What the commands have said on a stream since somebody last took the notifications.
    pub fn said(&mut self, stream: &str) -> String {
        let notes = self.notes();
        let output = notes.iter().filter(|note| note["method"] == "exec/output");
        let of_stream = output.filter(|note| note["params"]["stream"] == stream);
        of_stream.filter_map(|note| note["params"]["text"].as_str()).collect()
    }

    /// Tells the server that nothing more will be asked.
    pub fn close_input(&mut self) {
        self.stdin = None;
    }

    /// Reads nothing more, ever.
    pub fn close_output(&mut self) {
        (self.stdout, self.heard) = (None, None);
    }

    /// Sends a signal to the server alone.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("signal to a child of ours");
    }

    /// Waits for the server's end, and gives its exit code.
    ///
    /// # Panics
    ///
    /// If it does not end, or a signal ended it.
    #[track_caller]
    pub fn wait(mut self) -> i32 {
        let end = Instant::now() + patience(DEADLINE);
        loop {
            if let Some(status) = self.child.try_wait().expect("wait for a child of ours") {
                return status.code().unwrap_or_else(|| panic!("{status}\n{}", self.told()));
            }
            assert!(Instant::now() < end, "the server does not end\n{}", self.told());
            // Until something else is heard, or the time is over.
            if self.heard.is_none() {
                thread::sleep(Duration::from_millis(2));
            } else if let Some(said) = self.hear_for(Duration::from_millis(2)) {
                self.sort(said);
            }
        }
    }

    /// The same at the end of all that was asked.
    #[track_caller]
    pub fn finish(mut self) -> i32 {
        self.close_input();
        self.wait()
    }

    /// What the server has said on standard error.
    pub fn told(&self) -> String {
        String::from_utf8_lossy(&self.stderr.so_far()).into_owned()
    }

    fn sort(&mut self, said: Value) {
        if said.get("method").is_some() {
            self.notes.push_back(said);
        } else {
            self.answers.push(said);
        }
    }

    fn hear(&mut self) -> Option<Value> {
        self.hear_for(patience(DEADLINE))
    }

    fn hear_for(&mut self, time: Duration) -> Option<Value> {
        match self.heard.as_ref().expect("somebody listens").recv_timeout(time) {
            Ok(said) => Some(said),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                self.heard = None;
                None
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // One that has ended is reaped, and nothing more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An error's number and code.
///
/// # Panics
///
/// If it is a result.
#[track_caller]
pub fn code_of(answer: &Value) -> (i64, String) {
    let error = answer.get("error").unwrap_or_else(|| panic!("no error: {answer}"));
    let code = error["data"]["code"].as_str().unwrap_or_else(|| panic!("no code: {answer}"));
    (error["code"].as_i64().expect("a number"), code.to_owned())
}
