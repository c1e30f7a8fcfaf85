//! Commands: started, waited for, heard, spoken to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::arguments::{Input, Poll, Run};
use super::memory::Memory;
use super::output::{Stream, USUAL};
use super::session::Desk;
use super::told::{Ran, Sent, Told};
use crate::client::{End, Ending};
use crate::protocol::{ExecState, Fault, content};
use crate::relay::Truncated;
use crate::server::{Cursor, Follower, Following, Next};

/// So long a call waits for its command.
const YIELD: u64 = 50_000;
/// So long one waits that asks what a command has said.
const WAIT: u64 = 5_000;
/// So many commands are kept in mind: of the others it is not known how far they were told.
const REMEMBERED: usize = 1024;

/// What tools do with commands.
pub(super) struct Commands {
    /// The profile's, which no call makes longer.
    longest: Option<Duration>,
    /// How far each was told.
    told: Mutex<HashMap<String, Place>>,
    /// How often that was taken down.
    times: AtomicU64,
}

/// How far a command was told, and when that was taken down.
struct Place {
    cursor: Cursor,
    time: u64,
}

/// The answer of `exec/start` and `exec/wait`, as far as it is of use here.
#[derive(Deserialize)]
pub(super) struct Answer {
    pub(super) exec: String,
    pub(super) outcome: Option<Ending>,
}

/// Both streams, as they are told.
struct Heard {
    streams: [Stream; 2],
}

impl Commands {
    pub(super) fn new(longest: Option<Duration>) -> Self {
        Self { longest, told: Mutex::default(), times: AtomicU64::new(0) }
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
        let (mut heard, mut left) = (Heard::new(most), Cursor::default());
        if let Some(store) = follower.store() {
            let mut following = Following::new(Arc::clone(store), left);
            heard.take(&mut following);
            left = following.leave();
        }
        match answer.outcome {
            None => self.remember(&answer.exec, left),
            // What an earlier one was told that had this name is nothing to it.
            Some(_) => drop(self.told().remove(&answer.exec)),
        }
        Ok(heard.told(answer, left, memory))
    }

    /// What a command said since it was last asked, and its end if that has come.
    pub(super) async fn poll(&self, desk: &Desk, asked: Poll, memory: &Memory) -> Result<Told, Fault> {
        let Poll { exec, wait_ms, after_seq, max_bytes } = asked;
        let store = desk.store(&exec).await?;
        let told = self.told().get(&exec).map(|place| place.cursor).unwrap_or_default();
        let mut following =
            Following::new(Arc::clone(&store), after_seq.map_or(told, |seq| store.after(seq)));
        let mut heard = Heard::new(max_bytes.unwrap_or(USUAL));
        heard.listen(&mut following, Duration::from_millis(wait_ms.unwrap_or(WAIT))).await;
        let params = map(json!({ "exec": exec, "waitMs": 0 }));
        let answer: Answer = read(&desk.ask("exec/wait", params).await?)?;
        if answer.outcome.is_some() {
            // What it said last, which may have come after what was heard.
            heard.take(&mut following);
        }
        let left = following.leave();
        self.remember(&exec, left);
        Ok(heard.told(answer, left, memory))
    }

    /// Writes to a command, ends its input, sends it a signal.
    pub(super) async fn input(&self, desk: &Desk, asked: Input) -> Result<Told, Fault> {
        let Input { exec, text, bytes, close, signal } = asked;
        if text.is_none() && bytes.is_none() && !close && signal.is_none() {
            return Err(Fault::params("one of `text`, `bytes`, `close` and `signal` is wanted"));
        }
        let mut written = 0;
        if text.is_some() || bytes.is_some() {
            desk.ask("exec/write", map(json!({ "exec": exec, "text": text, "bytes": bytes }))).await?;
            written = content(text, bytes.as_deref()).map_or(0, |bytes| bytes.len());
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

    fn remember(&self, exec: &str, left: Cursor) {
        let mut told = self.told();
        if told.len() >= REMEMBERED && !told.contains_key(exec) {
            let oldest = told.iter().min_by_key(|(_, place)| place.time).map(|(exec, _)| exec.clone());
            oldest.and_then(|oldest| told.remove(&oldest));
        }
        let time = self.times.fetch_add(1, Ordering::Relaxed);
        told.insert(exec.to_owned(), Place { cursor: left, time });
    }

    fn told(&self) -> MutexGuard<'_, HashMap<String, Place>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    fn new(most: u64) -> Self {
        Self { streams: [Stream::of(most), Stream::of(most)] }
    }

    /// Takes what the command has said by now, and waits for so long for the first of it.
    async fn listen(&mut self, following: &mut Following, wait: Duration) {
        let silence = tokio::time::sleep(wait);
        tokio::pin!(silence);
        while !self.take(following) {
            tokio::select! {
                () = following.news() => {}
                () = &mut silence => return,
            }
        }
    }

    /// Takes what the command has said by now; whether that was anything, or all.
    fn take(&mut self, following: &mut Following) -> bool {
        let mut is_any = false;
        let is_end = following.take_all(|next| match next {
            Next::Output { stream, bytes, .. } => {
                self.streams[stream as usize].push(&bytes);
                is_any = true;
            }
            Next::Dropped { bytes, .. } => {
                self.streams.iter_mut().zip(bytes.each()).for_each(|(stream, bytes)| stream.skip(bytes));
            }
            Next::Told { .. } | Next::Wait | Next::End => {}
        });
        is_any || is_end
    }

    /// With how the command is, which is kept for whoever asks why.
    fn told(&self, answer: Answer, left: Cursor, memory: &Memory) -> Told {
        let Answer { exec, outcome } = answer;
        let end = outcome.map(|Ending { end, .. }| End { changes: end.changed(), ..end });
        end.iter().for_each(|end| memory.remember(&exec, end));
        let [stdout, stderr] = &self.streams;
        let ran = Ran {
            exec,
            state: if end.is_some() { ExecState::Exited } else { ExecState::Running },
            end,
            stdout: stdout.text(),
            stderr: stderr.text(),
            omitted: Truncated::of(stdout.omitted(), stderr.omitted()),
            next_seq: left.seq,
        };
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
