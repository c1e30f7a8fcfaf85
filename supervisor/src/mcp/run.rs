//! Commands: started, waited for, heard, spoken to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::arguments::{Input, Poll, Run};
use super::memory::Memory;
use super::output::{Stream, USUAL};
use super::session::Desk;
use super::told::{Ran, Sent, Told};
use crate::client::Ending;
use crate::protocol::{ExecState, Fault};
use crate::relay::Truncated;
use crate::server::{Cursor, Follower, Next};

/// So long a call waits for its command.
const YIELD: u64 = 50_000;
/// So long one waits that asks what a command has said.
const WAIT: u64 = 5_000;
/// So many commands that still ran when they were last heard of are kept in mind.
const REMEMBERED: usize = 1024;

/// What tools do with commands.
pub(super) struct Commands {
    /// The profile's, which no call makes longer.
    longest: Option<Duration>,
    /// How far each was told.
    told: Mutex<HashMap<String, u64>>,
}

/// The answer of `exec/start` and `exec/wait`, as far as it is of use here.
#[derive(Deserialize)]
struct Answer {
    exec: String,
    outcome: Option<Ending>,
}

/// The answer of `exec/read`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pieces {
    output: Vec<Piece>,
    next_seq: u64,
    #[serde(default)]
    dropped: Bytes,
    end: bool,
}

#[derive(Deserialize)]
struct Piece {
    stream: Name,
    text: Option<String>,
    bytes: Option<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "camelCase")]
enum Name {
    Stdout,
    Stderr,
}

#[derive(Deserialize, Default)]
struct Bytes {
    stdout: u64,
    stderr: u64,
}

/// Both streams, as they are told.
struct Heard {
    streams: [Stream; 2],
    seq: u64,
}

impl Commands {
    pub(super) fn new(longest: Option<Duration>) -> Self {
        Self { longest, told: Mutex::default() }
    }

    /// Runs a command to its end, or for as long as the call may wait.
    pub(super) async fn run(
        &self,
        desk: &Desk,
        asked: Run,
        follower: &Arc<Follower>,
        memory: &Memory,
    ) -> Result<Told, Fault> {
        let most = asked.max_bytes.unwrap_or(USUAL);
        let said = desk.start(self.params(asked)?, follower).await?;
        let answer: Answer = read(&said)?;
        let heard = Heard::of(follower, most);
        if answer.outcome.is_none() {
            self.remember(&answer.exec, heard.seq);
        }
        Ok(heard.told(answer, memory))
    }

    /// What a command said since it was last asked, and its end if that has come.
    pub(super) async fn poll(&self, desk: &Desk, asked: Poll, memory: &Memory) -> Result<Told, Fault> {
        let Poll { exec, wait_ms, after_seq, max_bytes } = asked;
        let after = after_seq.or_else(|| self.told().get(&exec).copied()).unwrap_or(0);
        let mut heard = Heard::new(max_bytes.unwrap_or(USUAL), after);
        let mut wait = wait_ms.unwrap_or(WAIT);
        loop {
            let params = json!({ "exec": exec, "afterSeq": heard.seq, "waitMs": wait, "maxBytes": CHUNK });
            let pieces: Pieces = read(&desk.ask("exec/read", map(params)).await?)?;
            let is_all = pieces.end || pieces.output.is_empty();
            heard.take(pieces)?;
            if is_all {
                break;
            }
            wait = 0;
        }
        let params = map(json!({ "exec": exec, "waitMs": 0 }));
        let answer: Answer = read(&desk.ask("exec/wait", params).await?)?;
        self.remember(&exec, heard.seq);
        Ok(heard.told(answer, memory))
    }

    /// Writes to a command, ends its input, sends it a signal.
    pub(super) async fn input(&self, desk: &Desk, asked: Input) -> Result<Told, Fault> {
        let Input { exec, text, bytes, close, signal } = asked;
        if text.is_none() && bytes.is_none() && !close && signal.is_none() {
            return Err(Fault::params("one of `text`, `bytes`, `close` and `signal` is wanted"));
        }
        let mut written = 0;
        if text.is_some() || bytes.is_some() {
            written =
                text.as_ref().map(String::len).or(bytes.as_ref().map(|it| it.len() / 4 * 3)).unwrap_or(0);
            desk.ask("exec/write", map(json!({ "exec": exec, "text": text, "bytes": bytes }))).await?;
        }
        if close {
            desk.ask("exec/closeStdin", map(json!({ "exec": exec }))).await?;
        }
        if let Some(signal) = &signal {
            desk.ask("exec/signal", map(json!({ "exec": exec, "signal": signal }))).await?;
        }
        let sent = Sent { exec, written, closed: close, signal };
        Ok(Told::new(&sent, "done; `exec_poll` hears what follows from it".into()))
    }

    fn params(&self, asked: Run) -> Result<Map<String, Value>, Fault> {
        let Run { argv, shell, code, lang, cwd, env, timeout_ms, yield_ms, input, terminal, max_bytes: _ } =
            asked;
        let mut params = Map::new();
        match (argv, shell, code, lang) {
            (Some(argv), None, None, None) => params.insert("argv".into(), json!(argv)),
            (None, Some(shell), None, None) => params.insert("argv".into(), json!(["sh", "-c", shell])),
            (argv, None, Some(code), Some(lang)) => {
                params.extend(map(json!({ "code": code, "lang": lang, "argv": argv.unwrap_or_default() })));
                None
            }
            _ => return Err(Fault::params("one of `argv`, `shell`, and `code` with its `lang` is wanted")),
        };
        let longest = self.longest.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX));
        let timeout = timeout_ms.map(|asked| longest.map_or(asked, |longest| asked.min(longest)));
        let stdin = if input && terminal.is_none() { "open" } else { "none" };
        params.extend(map(json!({
            "cwd": cwd, "env": env, "timeoutMs": timeout, "yieldMs": yield_ms.unwrap_or(YIELD), "stdin": stdin,
            "terminal": terminal.map(|size| json!({ "rows": size.rows, "columns": size.columns })),
        })));
        Ok(params)
    }

    fn remember(&self, exec: &str, seq: u64) {
        let mut told = self.told();
        if told.len() >= REMEMBERED && !told.contains_key(exec) {
            told.clear();
        }
        told.insert(exec.to_owned(), seq);
    }

    fn told(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As much is asked for at a time of what a command has said.
const CHUNK: u64 = 1 << 20;

impl Heard {
    fn new(most: u64, seq: u64) -> Self {
        Self { streams: [Stream::of(most), Stream::of(most)], seq }
    }

    /// All that the command has said by now.
    fn of(follower: &Follower, most: u64) -> Self {
        let mut heard = Self::new(most, 0);
        let Some(store) = follower.store() else { return heard };
        let mut cursor = Cursor::default();
        loop {
            match store.next(&mut cursor) {
                Next::Output { stream, bytes, .. } => heard.streams[stream as usize].push(&bytes),
                Next::Dropped { bytes, .. } => {
                    heard.streams.iter_mut().zip(bytes.each()).for_each(|(stream, bytes)| stream.skip(bytes));
                }
                Next::Told { .. } => {}
                Next::Wait | Next::End => break,
            }
        }
        heard.seq = cursor.seq;
        heard
    }

    fn take(&mut self, pieces: Pieces) -> Result<(), Fault> {
        let [stdout, stderr] = &mut self.streams;
        stdout.skip(pieces.dropped.stdout);
        stderr.skip(pieces.dropped.stderr);
        for Piece { stream, text, bytes } in pieces.output {
            let bytes = match (text, bytes) {
                (Some(text), _) => text.into_bytes(),
                (None, bytes) => BASE64_STANDARD
                    .decode(bytes.unwrap_or_default())
                    .map_err(|error| Fault::internal(error.to_string()))?,
            };
            self.streams[stream as usize].push(&bytes);
        }
        self.seq = pieces.next_seq;
        Ok(())
    }

    /// With how the command is, which is kept for whoever asks why.
    fn told(&self, answer: Answer, memory: &Memory) -> Told {
        let Answer { exec, outcome } = answer;
        let mut ran =
            outcome.map_or_else(|| Ran::running(exec.clone()), |ending| Ran::ended(exec.clone(), ending));
        if ran.state == ExecState::Exited {
            memory.remember(&ran);
        }
        let [stdout, stderr] = &self.streams;
        (ran.stdout, ran.stderr) = (stdout.text(), stderr.text());
        ran.omitted = Truncated::of(stdout.omitted(), stderr.omitted());
        ran.next_seq = self.seq;
        ran.told()
    }
}

/// What a method has answered.
pub(super) fn read<'a, T: Deserialize<'a>>(said: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice(said).map_err(|error| Fault::internal(error.to_string()))
}

/// The members of an object that say something.
pub(super) fn map(params: Value) -> Map<String, Value> {
    let Value::Object(mut members) = params else { return Map::new() };
    members.retain(|_, value| !value.is_null());
    members
}
