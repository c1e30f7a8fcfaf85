//! A client of `clearing serve` or `clearing mcp`, as small as one can be, that measures what it waits for.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::place::Place;
use crate::Result;

/// The hidden chore that measures as whoever runs it.
pub(crate) const MEASURE: &str = "bench-measure-rpc";
/// The first ones find nothing in any cache.
const WARM_UP: usize = 20;
/// So many sessions are parked, and after so long there is one again.
const PARKED: u64 = 2;
const PAUSE: Duration = Duration::from_millis(60);

/// Which server, and how it is spoken to.
#[derive(Clone, Copy)]
pub(super) enum Door {
    Rpc,
    /// The first command in a session that is asked for, and was parked.
    Pool,
    Mcp,
}

impl Door {
    const ALL: [(&'static str, Self); 3] = [("rpc", Self::Rpc), ("pool", Self::Pool), ("mcp", Self::Mcp)];

    /// What the chore calls it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Rpc => "rpc",
            Self::Pool => "pool",
            Self::Mcp => "mcp",
        }
    }
}

/// A server and the way to it.
struct Client {
    server: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
    asked: u64,
}

impl Client {
    fn begin(place: &Place, verb: &[&str], hello: &Value) -> Result<Self> {
        let mut serve = Command::new(place.binary());
        serve.args(verb).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = serve.spawn()?;
        let to = server.stdin.take().ok_or("no input")?;
        let from = BufReader::new(server.stdout.take().ok_or("no output")?).lines();
        let mut client = Self { server, to, from, asked: 0 };
        client.ask("initialize", &hello.to_string())?;
        Ok(client)
    }

    /// Asks, and reads until the answer is there. What the client does in between is measured with it: texts are put
    /// together and searched, no more.
    fn ask(&mut self, method: &str, params: &str) -> Result<String> {
        self.asked += 1;
        let id = self.asked;
        let line =
            format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{params}}}\n");
        self.to.write_all(line.as_bytes())?;
        // An answer begins with its id; it is not read further where the time is measured.
        let (own, is_fault) = (format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},"), "\"error\":");
        loop {
            let line = self.from.next().ok_or("the server ended")??;
            if let Some(said) = line.strip_prefix(&own) {
                return if said.starts_with(is_fault) { Err(line.into()) } else { Ok(line) };
            }
        }
    }

    fn create(&mut self, place: &Place) -> Result<String> {
        // A path of ours, which needs no escapes.
        let said =
            self.ask("session/create", &format!("{{\"workspace\":\"{}\"}}", place.project().display()))?;
        let (_, rest) = said.split_once("\"session\":\"").ok_or("no session")?;
        Ok(rest.split_once('"').ok_or("no session")?.0.to_owned())
    }

    fn run(&mut self, session: &str) -> Result {
        let params = format!("{{\"session\":\"{session}\",\"argv\":[\"/bin/true\"]}}");
        let said = self.ask("exec/start", &params)?;
        if said.contains("\"exitCode\":0") { Ok(()) } else { Err(said.into()) }
    }

    fn destroy(&mut self, session: &str) -> Result {
        self.ask("session/destroy", &format!("{{\"session\":\"{session}\"}}")).map(drop)
    }

    /// Waits until as many are parked as there can be; they are made when nobody asks for anything.
    fn await_parked(&mut self) -> Result {
        loop {
            std::thread::sleep(PAUSE);
            let said: Value = serde_json::from_str(&self.ask("health", "{}")?)?;
            if said["result"]["parked"] == PARKED {
                // After what was asked right now.
                std::thread::sleep(PAUSE);
                return Ok(());
            }
        }
    }

    /// The same by a tool.
    fn call(&mut self) -> Result {
        let said = self.ask("tools/call", r#"{"name":"run","arguments":{"argv":["/bin/true"]}}"#)?;
        if said.contains("\"exitCode\":0") { Ok(()) } else { Err(said.into()) }
    }

    fn end(mut self) -> Result {
        drop(self.to);
        self.from.by_ref().try_for_each(|line| line.map(drop))?;
        let status = self.server.wait()?;
        if status.success() { Ok(()) } else { Err(format!("serve: {status}").into()) }
    }
}

/// Prints the microseconds of pairs of a bare spawn, and of the same command through the server.
pub(crate) fn measure(door: &str, directory: &str, rounds: &str) -> Result {
    let (place, rounds): (_, usize) = (Place::at(directory.as_ref()), rounds.parse()?);
    let door = Door::ALL.into_iter().find(|(word, _)| *word == door).ok_or("no such door")?.1;
    let (mut client, session) = match door {
        Door::Rpc => {
            let mut client = Client::begin(&place, &["serve", "--stdio"], &json!({}))?;
            let session = client.create(&place)?;
            (client, session)
        }
        Door::Pool => {
            let client =
                Client::begin(&place, &["serve", "--stdio", "--pool", &PARKED.to_string()], &json!({}))?;
            return measure_pool(client, &place, rounds);
        }
        Door::Mcp => {
            let own = json!({ "name": "bench", "version": "1" });
            let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": own });
            (Client::begin(&place, &["mcp", "--discard"], &hello)?, String::new())
        }
    };
    let mut run = || match door {
        Door::Rpc | Door::Pool => client.run(&session),
        Door::Mcp => client.call(),
    };
    print_pairs(rounds, &mut run)?;
    client.end()
}

/// Prints the microseconds of pairs of a bare spawn, and of something else.
pub(super) fn print_pairs(rounds: usize, mut act: impl FnMut() -> Result) -> Result {
    for round in 0..rounds + WARM_UP {
        let (bare, own) = (time(bare)?, time(&mut act)?);
        if round >= WARM_UP {
            println!("{bare:.1} {own:.1}");
        }
    }
    Ok(())
}

/// The same where each command is the first in its session, the making of which is waited for too.
fn measure_pool(mut client: Client, place: &Place, rounds: usize) -> Result {
    let session = client.create(place)?;
    client.destroy(&session)?;
    for round in 0..rounds + WARM_UP {
        client.await_parked()?;
        let bare = time(bare)?;
        let mut session = String::new();
        let own = time(|| {
            session = client.create(place)?;
            client.run(&session)
        })?;
        client.destroy(&session)?;
        if round >= WARM_UP {
            println!("{bare:.1} {own:.1}");
        }
    }
    client.end()
}

fn bare() -> Result {
    let status = Command::new("/bin/true").stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("/bin/true: {status}").into()) }
}

fn time(act: impl FnOnce() -> Result) -> Result<f64> {
    let since = Instant::now();
    act()?;
    Ok(since.elapsed().as_secs_f64() * 1e6)
}
