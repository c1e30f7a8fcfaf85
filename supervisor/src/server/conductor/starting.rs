//! From a request to a command that runs.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use clearing_profiles::{LimitName, Profile};
use rustix::pipe::{PipeFlags, pipe_with};

use super::Conductor;
use super::exec::{Ended, Exec, State};
use super::execs::json;
use super::input::Input;
use super::sources::{Source, Sources};
use super::waiting::{Waiting, after};
use crate::error::Error;
use crate::live::{ExecAsked, Given, What, nothing};
use crate::outcome::Cause;
use crate::policy::Denied;
use crate::protocol::{
    Amount, CloseStdin, ExecResize, ExecSignal, ExecStart, ExecWrite, Fault, Finished, Json, LIMITS,
    LONGEST_EXEC_NAME, Network, Nothing, StdinMode, StreamName, content,
};
use crate::script::Script;
use crate::server::Caller;
use crate::server::descriptors::{Taker, promise};
use crate::server::handlers::check_profile;
use crate::server::reply::Reply;
use crate::server::store::{Store, Told};

/// Our ends of a command's streams.
struct Ends {
    sources: Vec<Source>,
    held: Vec<OwnedFd>,
    input: Input,
}

impl Conductor {
    /// `exec/start`.
    pub(crate) fn exec_start(&mut self, params: &ExecStart, caller: &Caller, mut reply: Reply<Finished>) {
        match self.start(params, caller) {
            Err(fault) => reply.send(Err(fault)),
            Ok(number) => {
                let handle = Arc::downgrade(&self.handle);
                reply.when_cancelled(move || {
                    let cancel = move |conductor: &mut Self| conductor.cancel(number);
                    handle.upgrade().into_iter().for_each(|handle| handle.order(cancel));
                });
                let until = params.yield_ms.and_then(after);
                let Some(exec) = self.execs.get(number) else { return };
                reply.lighten();
                exec.waiting.push(Waiting::Finished { reply, until, is_start: true });
                exec.answer();
            }
        }
    }

    /// Another profile than the session's.
    fn profile(&mut self, name: &str) -> Result<Box<Profile>, Fault> {
        check_profile(name)?;
        Ok(self.live()?.other_profile(name)?)
    }

    fn start(&mut self, params: &ExecStart, caller: &Caller) -> Result<u32, Fault> {
        let name = self.execs.name(params.exec.as_deref())?;
        self.server.room.check()?;
        let _promised = promise(Taker::Exec)?;
        let (streams, ends) = streams(params)?;
        let profile = params.profile.as_deref().map(|name| self.profile(name)).transpose()?;
        let most = self.live()?.output_kept(profile.as_deref());
        let asked = ExecAsked { profile, ..asked(params, streams)? };
        let store = Arc::new(Store::new(&self.handle.id, &name, &self.shelf, most));
        if params.stream {
            caller.outbox.iter().for_each(|outbox| outbox.follow(&store));
        }
        caller.follower.iter().for_each(|follower| follower.follow(&store));
        let Ends { sources, held, input } = ends;
        let owner = caller.connection;
        let sources = Sources::new(&store, sources);
        let exec = Exec { owner, sources, held, input, ..Exec::new(name, Arc::clone(&store)) };
        match self.begin(asked) {
            Ok(number) => {
                if let Some(live) = &mut self.live {
                    exec.sources.limit(live.output_limit(number));
                    live.read_by(number, Arc::clone(&exec.sources) as _);
                }
                self.execs.add(number, exec);
                Ok(number)
            }
            Err(Error::Denied(denied)) => {
                self.server.metrics.denied(denied.denials.len());
                self.server.metrics.ended(Cause::Policy);
                Ok(self.execs.add_denied(exec, &denied))
            }
            Err(error) => {
                // Or whoever follows it would wait for ever.
                store.end();
                Err(error.into())
            }
        }
    }

    fn begin(&mut self, asked: ExecAsked) -> Result<u32, Error> {
        self.renew()?;
        self.live.as_mut().ok_or(Error::SandboxEnded)?.start(asked)
    }

    /// Ends an exec as somebody wishes who does not want it any more.
    pub(crate) fn cancel(&mut self, number: u32) {
        // Where it has ended, what it left running may hold up its end.
        let has_ended = self.execs.get(number).is_none_or(|exec| matches!(exec.state, State::Ended(_)));
        if !has_ended && let Some(live) = &mut self.live {
            // A sandbox that is gone has ended it.
            let _ = live.end_exec(number);
        }
    }

    /// A connection is no more, and nobody wants what it asked for.
    pub(crate) fn cancel_all_of(&mut self, connection: Option<u64>) {
        for number in self.execs.running_of(connection) {
            self.cancel(number);
        }
    }

    /// `exec/write`.
    pub(crate) fn exec_write(&mut self, params: ExecWrite, reply: Reply<Nothing>) {
        let ExecWrite { exec, text, bytes, .. } = params;
        match content(text, bytes.as_deref()) {
            Ok(bytes) => self.hand_to(&exec, bytes, false, reply),
            Err(why) => reply.send(Err(Fault::params(why))),
        }
    }

    /// `exec/closeStdin`.
    pub(crate) fn exec_close_stdin(&mut self, params: CloseStdin, reply: Reply<Nothing>) {
        self.hand_to(&params.exec, Vec::new(), true, reply);
    }

    /// `exec/resize`.
    pub(crate) fn exec_resize(&mut self, params: &ExecResize) -> Result<Nothing, Fault> {
        let (_, found) = self.execs.by_name(&params.exec).ok_or_else(|| Fault::unknown_exec(&params.exec))?;
        let size = (params.rows, params.columns);
        let Some(terminal) = &found.terminal else {
            if found.input.is_expected() {
                found.size = Some(size);
                return Ok(Nothing {});
            }
            return Err(match found.state {
                State::Ended(_) => ended(),
                _ => Fault::refused("CLR-NO-TERMINAL", "this exec has no terminal"),
            });
        };
        crate::terminal::set_size(terminal, size.0, size.1)
            .map_err(|error| Error::System("ioctl(TIOCSWINSZ)", error))?;
        Ok(Nothing {})
    }

    /// `exec/signal`.
    pub(crate) fn exec_signal(&mut self, params: &ExecSignal) -> Result<Nothing, Fault> {
        let signal = crate::signals::number(&params.signal)
            .ok_or_else(|| Fault::params(format!("`signal`: there is no signal `{}`", params.signal)))?;
        let number = self.execs.number(&params.exec).ok_or_else(|| Fault::unknown_exec(&params.exec))?;
        let is_running = self.execs.get(number).is_some_and(|exec| matches!(exec.state, State::Running));
        if !is_running {
            return Err(ended());
        }
        self.live()?.signal(number, signal)?;
        Ok(Nothing {})
    }
}

impl super::execs::Execs {
    /// The name that somebody has chosen, or a free one.
    fn name(&mut self, chosen: Option<&str>) -> Result<String, Fault> {
        let Some(name) = chosen else { return Ok(self.free_name()) };
        check_name(name)?;
        if self.number(name).is_some() {
            let why = format!("there is an exec `{name}` in this session already");
            return Err(Fault::refused("CLR-EXEC-EXISTS", why));
        }
        Ok(name.to_owned())
    }

    /// An exec that the rules did not permit: it has an outcome, and never ran.
    fn add_denied(&mut self, mut exec: Exec, denied: &Denied) -> u32 {
        let number = self.next_denied();
        exec.sources.close();
        exec.held.clear();
        for denial in &denied.denials {
            exec.store.tell(Told::Denial(json(denial)));
        }
        let outcome = Json::of(denied);
        exec.ended(Ended { outcome, exit_code: Some(denied.exit_code) });
        self.add(number, exec);
        self.remember(number);
        number
    }
}

/// It is kept with all that is told of the exec, and shown on terminals.
fn check_name(name: &str) -> Result<(), Fault> {
    let wrong = match name {
        "" => "it is empty".to_owned(),
        long if long.len() > LONGEST_EXEC_NAME => format!("it has {} bytes", long.len()),
        odd if odd.contains(char::is_control) => {
            format!("`{}` has a control character", odd.escape_default())
        }
        _ => return Ok(()),
    };
    let rule = format!("at most {LONGEST_EXEC_NAME} bytes, and no control characters");
    Err(Fault::refused("CLR-NAME", format!("`exec`: this is no name, {wrong}: {rule}")))
}

fn asked(params: &ExecStart, streams: Given) -> Result<ExecAsked, Fault> {
    let word = |field: &str, word: &crate::protocol::Word| {
        word.decode().map_err(|why| Fault::params(format!("`{field}`: {why}")))
    };
    let argv = params.argv.iter().map(|argument| word("argv", argument)).collect::<Result<Vec<_>, _>>()?;
    let environment = params
        .env
        .iter()
        .map(|(name, value)| match name.is_empty() || name.contains('=') {
            true => Err(Fault::params(format!("`env`: `{name}` is no name of a variable"))),
            false => Ok((OsString::from(name), word("env", value)?)),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let timeout = params.timeout_ms.map(|time| Ok((LimitName::Timeout, format!("{time}ms"))));
    let limits = params.limits.iter().map(|(name, amount)| limit(name, amount)).chain(timeout);
    Ok(ExecAsked {
        what: what(params, argv)?,
        cwd: params.cwd.as_ref().map(PathBuf::from),
        profile: None,
        network: params.network.map(Network::mode),
        environment,
        limits: limits.collect::<Result<Vec<_>, _>>()?,
        umask: None,
        streams,
        approved: false,
    })
}

fn what(params: &ExecStart, argv: Vec<OsString>) -> Result<What, Fault> {
    match (params.lang, &params.code) {
        (None, None) if argv.is_empty() => Err(Fault::params("`argv` is empty")),
        (None, None) => Ok(What::Command(argv)),
        (Some(lang), Some(code)) => {
            let has_input = params.terminal.is_some() || params.stdin == StdinMode::Open;
            let code = code.decode().map_err(|why| Fault::params(format!("`code`: {why}")))?;
            let script = Script::new(lang, code, has_input)?;
            Ok(What::Script { script, arguments: argv })
        }
        _ => Err(Fault::params("`lang` and `code` go together")),
    }
}

fn limit(name: &str, amount: &Amount) -> Result<(LimitName, String), Fault> {
    let Some((_, limit)) = LIMITS.into_iter().find(|(known, _)| *known == name) else {
        let known = LIMITS.map(|(known, _)| format!("`{known}`")).join(", ");
        return Err(Fault::params(format!("`limits`: `{name}` is no limit; there are {known}")));
    };
    let text = match (amount, limit) {
        (Amount::Whole(time), LimitName::Timeout | LimitName::CpuTime) => format!("{time}ms"),
        (Amount::Whole(number), _) => number.to_string(),
        (Amount::Fraction(number), _) => number.to_string(),
        (Amount::Text(text), _) => text.clone(),
    };
    clearing_profiles::check_limit(limit, &text)
        .map_err(|error| Fault::params(format!("`limits.{name}`: {error}")))?;
    Ok((limit, text))
}

fn streams(params: &ExecStart) -> Result<(Given, Ends), Fault> {
    if let Some(size) = params.terminal {
        let given = Given::Terminal { rows: size.rows, columns: size.columns };
        return Ok((given, Ends { sources: Vec::new(), held: Vec::new(), input: Input::of_terminal() }));
    }
    let (input, to) = match params.stdin {
        StdinMode::None => (nothing()?, Input::default()),
        StdinMode::Open => {
            let (read, write) = pipe()?;
            rustix::io::ioctl_fionbio(&write, true)
                .map_err(|errno| Error::System("ioctl(FIONBIO)", errno.into()))?;
            (read, Input::pipe(write))
        }
    };
    let (output, stdout) = source(StreamName::Stdout)?;
    let (errors, stderr) = source(StreamName::Stderr)?;
    let duplicate = |end: &OwnedFd| end.try_clone().map_err(|error| Error::System("dup of a pipe", error));
    let held = vec![duplicate(&output)?, duplicate(&errors)?];
    Ok((Given::Streams([input, output, errors]), Ends { sources: vec![stdout, stderr], held, input: to }))
}

fn source(stream: StreamName) -> Result<(OwnedFd, Source), Error> {
    let (read, write) = pipe()?;
    rustix::io::ioctl_fionbio(&read, true).map_err(|errno| Error::System("ioctl(FIONBIO)", errno.into()))?;
    Ok((write, Source { from: Arc::new(read), stream }))
}

fn ended() -> Fault {
    Fault::refused("CLR-EXEC-ENDED", "this exec has ended")
}

fn pipe() -> Result<(OwnedFd, OwnedFd), Error> {
    pipe_with(PipeFlags::CLOEXEC).map_err(|errno| Error::System("pipe2", errno.into()))
}
