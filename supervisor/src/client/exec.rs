//! A command that a server runs for us, with our streams, our terminal and our signals.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clearing_profiles::{LimitName, NetworkMode};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use rustix::termios::isatty;
use serde_json::{Map, Value, json};

use super::ending::Ending;
use super::input::{Input, Read};
use super::sink::Sink;
use super::wire::Wire;
use super::{Client, Refusal, result};
use crate::error::Error;
use crate::relay::refuse_directory;
use crate::script::Script;
use crate::signals::{self, Signals, stop_self};
use crate::terminal::{self, CallersTerminal, Sharing};
use crate::text;

/// What is to be run.
pub(crate) struct Asked {
    pub(crate) session: String,
    /// Program and arguments; of a script its arguments alone.
    pub(crate) command: Vec<OsString>,
    pub(crate) script: Option<Script>,
    /// In place of the session's: a name, or an absolute path.
    pub(crate) profile: Option<String>,
    pub(crate) network: Option<NetworkMode>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) limits: Vec<(LimitName, String)>,
    /// Whether all is told as lines of JSON.
    pub(crate) json: bool,
}

/// Between our streams and the server.
struct Relay<'a> {
    wire: &'a mut Wire,
    session: &'a str,
    exec: String,
    json: bool,
    input: Input,
    /// Output and errors.
    sinks: [Sink; 2],
    terminal: Option<CallersTerminal>,
    signals: Signals,
    /// Of the events that were told.
    seq: u64,
    lost: u64,
    /// The request for the command, and what was answered.
    start: i64,
    ended: Option<Result<Value, Error>>,
}

/// What `poll` found.
#[derive(Default)]
struct Ready {
    wire: bool,
    writing: bool,
    signals: bool,
    input: bool,
    sinks: [bool; 2],
}

/// Nothing more is taken from the server while so much waits for our readers.
const WAITING: usize = 1 << 20;
/// How soon we notice that the shell has put us into the foreground, of which no signal tells.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Has a command run by the server, and relays its streams until it has ended.
pub(crate) fn exec(server: &mut Client, asked: &Asked) -> Result<Ending, Error> {
    let mut relay = Relay::begin(&mut server.wire, asked)?;
    while relay.ended.is_none() {
        relay.step()?;
    }
    relay.finish()
}

impl<'a> Relay<'a> {
    fn begin(wire: &'a mut Wire, asked: &'a Asked) -> Result<Self, Error> {
        let (stdin, stdout, stderr) =
            (rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr());
        let sinks = [Sink::new(stdout)?, Sink::new(stderr)?];
        for (number, stream) in [(1, stdout), (2, stderr)] {
            let own = stream.try_clone_to_owned();
            refuse_directory(
                number,
                &own.map_err(|error| Error::System("dup of a standard stream", error))?,
            )?;
        }
        // The command has a terminal for all three, or for none.
        let has_input = asked.script.as_ref().is_none_or(|script| script.has_input);
        let on_terminal = has_input && !asked.json && isatty(stdin) && isatty(stdout) && isatty(stderr);
        let failed = |error| Error::System("reading the terminal's settings", error);
        let terminal = match on_terminal {
            true => Some(CallersTerminal::of(stdin, Sharing::Alone).map_err(failed)?),
            false => None,
        };
        let input = if has_input { own_input(on_terminal)? } else { Input::none() };
        let exec = name();
        let params = params(asked, &exec, on_terminal)?;
        let signals = Signals::block()?;
        let start = wire.ask("exec/start", &params);
        let (session, json) = (asked.session.as_str(), asked.json);
        let (seq, lost, ended) = (0, 0, None);
        Ok(Self { wire, session, exec, json, input, sinks, terminal, signals, seq, lost, start, ended })
    }

    /// Waits for something to happen, and hands it on.
    fn step(&mut self) -> Result<(), Error> {
        let ready = self.wait()?;
        if ready.signals {
            self.answer_signals()?;
        }
        if ready.input {
            self.read_input();
        }
        for at in [0, 1] {
            // A reader that went away is told to the command as it would be without us.
            if ready.sinks[at] && !self.sinks[at].write()? {
                self.signal("PIPE");
            }
        }
        if ready.wire {
            self.wire.read()?;
        }
        while let Some(said) = self.wire.next()? {
            self.take(said)?;
        }
        if ready.writing || self.wire.is_writing() {
            self.wire.write()?;
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<Ready, Error> {
        let listens = match &mut self.terminal {
            Some(terminal) => {
                terminal.listen().map_err(|error| Error::System("taking the terminal", error))?
            }
            None => true,
        };
        let takes = self.sinks.iter().all(|sink| sink.waiting() < WAITING);
        let input = self.input.wanted().filter(|_| listens);
        let mut wire = PollFlags::empty();
        wire.set(PollFlags::POLLIN, takes);
        wire.set(PollFlags::POLLOUT, self.wire.is_writing());
        let mut polled =
            vec![PollFd::new(self.wire.fd(), wire), PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        let sinks = self.sinks.each_ref().map(Sink::has_something);
        let writing = self.sinks.iter().filter(|sink| sink.has_something());
        polled.extend(writing.map(|sink| PollFd::new(sink.fd(), PollFlags::POLLOUT)));
        polled.extend(input.map(|input| PollFd::new(input, PollFlags::POLLIN)));
        let patience =
            if listens { PollTimeout::NONE } else { LOOK_AGAIN.try_into().unwrap_or(PollTimeout::MAX) };
        match poll(&mut polled, patience) {
            Err(nix::errno::Errno::EINTR) => return Ok(Ready::default()),
            other => other.map_err(|errno| Error::System("poll", errno.into()))?,
        };
        let came = polled[0].revents().unwrap_or(PollFlags::all());
        let mut others = polled[2..].iter().map(|fd| fd.any().unwrap_or(true));
        let sinks = sinks.map(|is_polled| is_polled && others.next().unwrap_or(false));
        Ok(Ready {
            wire: takes && came.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR),
            writing: came.contains(PollFlags::POLLOUT),
            signals: polled[1].any().unwrap_or(true),
            input: input.is_some() && others.next().unwrap_or(false),
            sinks,
        })
    }

    fn ask(&mut self, method: &str, more: Value) -> i64 {
        let mut params = json!({ "session": self.session, "exec": self.exec });
        if let (Value::Object(params), Value::Object(more)) = (&mut params, more) {
            params.extend(more);
        }
        self.wire.ask(method, &params)
    }

    /// One that has ended meanwhile takes none, which is no concern of ours.
    fn signal(&mut self, name: &str) {
        self.ask("exec/signal", json!({ "signal": name }));
    }

    fn read_input(&mut self) {
        match self.input.read() {
            Read::Nothing => {}
            Read::Bytes(bytes) => {
                let id = self.ask("exec/write", bytes);
                self.input.is_on_its_way(id);
            }
            Read::End => drop(self.ask("exec/closeStdin", json!({}))),
        }
    }

    fn answer_signals(&mut self) -> Result<(), Error> {
        while let Some(asked) = self.signals.next() {
            match asked {
                signals::Asked::Forward(signal) => self.signal(signal.as_str()),
                signals::Asked::Resize => self.resize(),
                signals::Asked::Stop => {
                    self.signal(Signal::SIGSTOP.as_str());
                    self.wire.write()?;
                    self.terminal.iter_mut().for_each(CallersTerminal::restore);
                    stop_self().map_err(|error| Error::System("sigprocmask(SIGTSTP)", error))?;
                    self.resume();
                }
                signals::Asked::Continue => self.resume(),
            }
        }
        Ok(())
    }

    /// After a stop.
    fn resume(&mut self) {
        self.terminal.iter_mut().for_each(CallersTerminal::forget);
        self.resize();
        self.signal(Signal::SIGCONT.as_str());
    }

    fn resize(&mut self) {
        if self.terminal.is_some() {
            let size = terminal::size(rustix::stdio::stdin());
            self.ask("exec/resize", json!({ "rows": size.ws_row, "columns": size.ws_col }));
        }
    }

    /// Takes what the server says.
    fn take(&mut self, said: Value) -> Result<(), Error> {
        if said["id"] == self.start {
            self.ended = Some(result(said));
            return Ok(());
        }
        if said.get("id").is_some() {
            self.input.take(&said);
            return Ok(());
        }
        let params = &said["params"];
        if params["exec"] != self.exec.as_str() {
            return Ok(());
        }
        match said["method"].as_str() {
            Some("exec/output") => self.output(params),
            Some(kind @ ("denial" | "alert")) if self.json => {
                self.event(kind, params);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn output(&mut self, params: &Value) -> Result<(), Error> {
        if let Some(dropped) = params.get("dropped") {
            let of = |stream: &str| dropped[stream].as_u64().unwrap_or(0);
            self.lost += of("stdout") + of("stderr");
        }
        if self.json {
            self.event("output", params);
            return Ok(());
        }
        let to = &mut self.sinks[usize::from(params["stream"] == "stderr")];
        if let Some(text) = params["text"].as_str() {
            to.push(text.as_bytes());
        } else if let Some(bytes) = params["bytes"].as_str() {
            let bytes = BASE64_STANDARD.decode(bytes);
            to.push(&bytes.map_err(|error| Error::System("reading output", std::io::Error::other(error)))?);
        }
        Ok(())
    }

    /// Tells what a notification says, as a line of `--json` that has a number of its own.
    fn event(&mut self, kind: &str, params: &Value) {
        self.seq += 1;
        let mut event = params.as_object().cloned().unwrap_or_default();
        event.remove("session");
        event.remove("exec");
        event.insert("type".into(), kind.into());
        event.insert("seq".into(), self.seq.into());
        if let Ok(mut line) = text::json(&event) {
            line.push('\n');
            self.sinks[0].push(line.as_bytes());
        }
    }

    /// A reader of our output may have stopped reading; from here on a signal ends us.
    fn finish(self) -> Result<Ending, Error> {
        let Self { mut sinks, terminal, signals, ended, lost, .. } = self;
        signals.release();
        for sink in &mut sinks {
            while sink.has_something() && sink.write()? {}
        }
        drop(terminal);
        let mut finished = ended.unwrap_or_else(|| Err(Refusal::gone().into()))?;
        Ending::of(finished["outcome"].take(), lost)
    }
}

/// Our standard input.
fn own_input(is_terminal: bool) -> Result<Input, Error> {
    let stdin = rustix::stdio::stdin();
    let from = if is_terminal { terminal::open_again(stdin) } else { stdin.try_clone_to_owned() };
    Input::new(from.map_err(|error| Error::System("dup of standard input", error))?, is_terminal)
}

/// A name that no other exec of the session has.
fn name() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!("cli-{}-{:x}", std::process::id(), since.unwrap_or_default().as_nanos())
}

fn params(asked: &Asked, exec: &str, on_terminal: bool) -> Result<Value, Error> {
    let mut environment = variables(&asked.environment)?;
    let limits: BTreeMap<String, &str> = asked
        .limits
        .iter()
        .filter_map(|(name, text)| Some((json!(name).as_str()?.to_owned(), text.as_str())))
        .collect();
    let mut params = json!({
        "session": asked.session,
        "exec": exec,
        "argv": asked.command.iter().map(|word| self::word(word)).collect::<Vec<_>>(),
        "limits": limits,
        "stdin": "open",
    });
    // A server of before has no name for what nobody asks for.
    for (name, asked) in [("profile", json!(asked.profile)), ("network", json!(asked.network))] {
        if !asked.is_null() {
            params[name] = asked;
        }
    }
    if let Some(Script { lang, code, has_input, .. }) = &asked.script {
        // Never longer than a line may be, whatever is in it.
        params["code"] = json!({ "bytes": BASE64_STANDARD.encode(code) });
        params["lang"] = json!(lang);
        if !has_input {
            params["stdin"] = "none".into();
        }
    }
    if on_terminal {
        let size = terminal::size(rustix::stdio::stdin());
        params["terminal"] = json!({ "rows": size.ws_row, "columns": size.ws_col });
        // What the server has in its place says nothing of this terminal.
        if let Some(term) = std::env::var_os("TERM") {
            environment.entry("TERM").or_insert_with(|| word(&term));
        }
    }
    params["env"] = Value::Object(environment);
    Ok(params)
}

fn variables(all: &[(OsString, OsString)]) -> Result<Map<String, Value>, Error> {
    let variable = |(name, value): &(OsString, OsString)| match name.to_str() {
        Some(name) => Ok((name.to_owned(), word(value))),
        None => Err(Error::Request("a server holds the session: names of variables are UTF-8 there".into())),
    };
    all.iter().map(variable).collect()
}

fn word(word: &OsStr) -> Value {
    match word.to_str() {
        Some(text) => json!(text),
        None => json!({ "bytes": BASE64_STANDARD.encode(word.as_bytes()) }),
    }
}
