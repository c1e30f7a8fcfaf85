//! The streams between the caller and the command.
//!
//! Pipes and files pass through untouched. A stream that is a terminal is relayed through a pty of
//! the sandbox's own; with `--json` output is relayed through pipes and told as events.

mod encoder;
mod notes;
mod pump;
mod sink;
mod truncated;

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::Duration;

use clearing_runtime::spec::Terminal;
use nix::poll::PollFd;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::pty::OpenptFlags;
use serde::Serialize;

use crate::error::Error;
use crate::functions::Call;
use crate::request::RunRequest;
use crate::terminal::{self, CallersTerminal, Sharing};
use encoder::{Encoder, Stream};
use notes::Hearing;
use pump::Pump;
pub(crate) use truncated::Truncated;

/// The caller's standard streams, and what the command gets in their place.
pub(crate) struct Streams {
    /// What the command gets as 0, 1 and 2 where it gets no terminal.
    given: Option<[OwnedFd; 3]>,
    /// Which streams are to be a terminal, and the caller's.
    terminal: Option<Relayed>,
    pump: Pump,
    /// The sink of events, where they are told.
    events: Option<usize>,
    hearing: Hearing,
}

/// The caller's terminal and the sandbox's.
struct Relayed {
    callers: CallersTerminal,
    streams: [bool; 3],
    /// The caller's descriptor that is a terminal.
    tty: OwnedFd,
    /// The sandbox's, once the command has it.
    own: Option<OwnTerminal>,
}

/// The sandbox's terminal.
struct OwnTerminal {
    master: OwnedFd,
    /// Where it is shown.
    screen: usize,
    /// Held open, or it would count as hung up while the command has all its streams elsewhere.
    _slave: OwnedFd,
}

/// Events go to the first sink, if any are told.
const EVENTS: usize = 0;
/// How soon we notice that the shell has put us into the foreground, of which no signal tells.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

impl Streams {
    /// Those that a request is about; of a command's output no more than `limit` bytes are handed on.
    pub(crate) fn of_request(request: &RunRequest, limit: Option<u64>) -> Result<Self, Error> {
        match (&request.call, &request.script) {
            (Some(call), _) => Self::of_call(call),
            (None, Some(script)) if !script.has_input => {
                let failed = |error| Error::System("opening an empty input", error);
                let [_, output, errors] = standard_streams().map_err(failed)?;
                let empty = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
                let empty = empty.map_err(|errno| failed(errno.into()))?;
                Self::of([empty, output, errors], request.json, limit)
            }
            (None, _) => Self::of_caller(request.json, limit),
        }
    }

    /// Looks at the caller's streams. A directory in their place is refused: inside, it would be a
    /// way out of the root (CVE-2024-21626).
    ///
    /// Of the command's output no more than `limit` bytes are handed on.
    fn of_caller(json: bool, limit: Option<u64>) -> Result<Self, Error> {
        let own = standard_streams().map_err(|error| Error::System("dup of a standard stream", error))?;
        Self::of(own, json, limit)
    }

    /// The same of other streams.
    pub(crate) fn of(own: [OwnedFd; 3], json: bool, limit: Option<u64>) -> Result<Self, Error> {
        for (number, stream) in own.iter().enumerate() {
            refuse_directory(number, stream)?;
        }
        let terminal =
            relayed(&own, json).map_err(|error| Error::System("reading the terminal's settings", error))?;
        let mut pump = Pump::new(limit);
        let on_terminal = terminal.as_ref().is_some_and(|relayed| relayed.streams[2]);
        let given = match (json, limit) {
            (true, _) => capture(own, &mut pump).map(|given| (given, Hearing::Events)),
            (false, Some(_)) => count(own, &mut pump),
            (false, None) => Ok((own, Hearing::Beside)),
        };
        let (given, hearing) = given.map_err(|error| Error::System("pipe for the output", error))?;
        let hearing = if on_terminal { Hearing::Terminal } else { hearing };
        Ok(Self { given: Some(given), terminal, pump, events: json.then_some(EVENTS), hearing })
    }

    /// Those of a function, which reads and writes memory; what it says beside goes to the caller.
    fn of_call(call: &Call) -> Result<Self, Error> {
        let failed = |error| Error::System("dup of a function's stream", error);
        let [input, output] = call.streams.each_ref().map(|stream| stream.try_clone().map_err(failed));
        let [_, _, errors] = standard_streams().map_err(failed)?;
        refuse_directory(2, &errors)?;
        let given = Some([input?, output?, errors]);
        let (pump, hearing) = (Pump::new(None), Hearing::Beside);
        Ok(Self { given, terminal: None, pump, events: None, hearing })
    }

    /// The terminal that the command is to have, if any.
    pub(crate) fn terminal(&self) -> Option<Terminal> {
        self.terminal.as_ref().map(|relayed| {
            let size = terminal::size(relayed.tty.as_fd());
            let modes = relayed.callers.modes();
            Terminal { streams: relayed.streams, rows: size.ws_row, columns: size.ws_col, modes }
        })
    }

    /// The command's standard streams.
    pub(crate) fn for_command(&self) -> Result<[BorrowedFd<'_>; 3], Error> {
        let given = self.given.as_ref().ok_or(io::Error::from(io::ErrorKind::NotConnected));
        let given = given.map_err(|error| Error::System("streams of the command", error))?;
        Ok(given.each_ref().map(|stream| stream.as_fd()))
    }

    /// Closes our copies, so that the end of the command is the end of its output.
    pub(crate) fn close_for_command(&mut self) {
        self.given = None;
    }

    /// Begins to relay the terminal that the command got.
    pub(crate) fn attach(&mut self, master: OwnedFd) -> Result<(), Error> {
        let Some(relayed) = &mut self.terminal else { return Ok(()) };
        relayed.begin(master, &mut self.pump).map_err(|error| Error::System("relaying the terminal", error))
    }

    /// Looks whether what is typed is for the command now; if it is not, says when to look again.
    pub(crate) fn listen(&mut self) -> Result<Option<Duration>, Error> {
        let Some(relayed) = self.terminal.as_mut().filter(|_| self.pump.has_input()) else {
            return Ok(None);
        };
        let ours = relayed.callers.listen().map_err(|error| Error::System("taking the terminal", error))?;
        self.pump.listen(ours);
        Ok((!ours).then_some(LOOK_AGAIN))
    }

    /// What to poll for, in the order that [`Streams::advance`] expects.
    pub(crate) fn polled(&self) -> Vec<PollFd<'_>> {
        self.pump.polled()
    }

    /// Moves what can be moved without waiting.
    pub(crate) fn advance(&mut self, ready: &[bool]) -> Result<(), Error> {
        self.pump.advance(ready).map_err(|error| Error::System("relaying output", error))
    }

    /// How many bytes were more than the limit of the output, on each stream.
    pub(crate) fn truncated(&self) -> Truncated {
        self.pump.truncated()
    }

    /// How many bytes were handed on, where they are limited.
    pub(crate) fn handed_on(&self) -> u64 {
        self.pump.handed_on()
    }

    /// How many bytes nobody took, on each stream.
    pub(crate) fn untaken(&self) -> Truncated {
        self.pump.untaken()
    }

    /// The rest of the event that a reader had begun to take when it was given up: what is told next comes
    /// after it.
    pub(crate) fn take_cut(&mut self) -> Vec<u8> {
        self.pump.take_cut()
    }

    /// Tells an event among those of the output, if events are told.
    pub(crate) fn tell(&mut self, event: &impl Serialize) {
        if let Some(events) = self.events {
            self.pump.tell(events, event);
        }
    }

    /// Hands on all output that is left, once nobody is there to write more, and restores the terminal.
    /// A reader who takes nothing for as long as `patience` gets no more.
    pub(crate) fn drain(&mut self, patience: Option<Duration>) -> Result<(), Error> {
        if let Some(relayed) = &mut self.terminal {
            relayed.own = None;
        }
        let drained = self.pump.drain(patience).map_err(|error| Error::System("relaying output", error));
        self.restore();
        drained
    }

    /// The caller's terminal has a new size.
    pub(crate) fn resize(&self) {
        if let Some(Relayed { tty, own: Some(own), .. }) = &self.terminal {
            terminal::copy_size(tty.as_fd(), own.master.as_fd());
        }
    }

    /// Puts the caller's terminal back.
    pub(crate) fn restore(&mut self) {
        if let Some(relayed) = &mut self.terminal {
            relayed.callers.restore();
        }
    }

    /// Takes the caller's terminal again after a stop.
    pub(crate) fn resume(&mut self) {
        self.resize();
        if let Some(relayed) = &mut self.terminal {
            relayed.callers.forget();
        }
    }
}

impl Relayed {
    fn begin(&mut self, master: OwnedFd, pump: &mut Pump) -> io::Result<()> {
        rustix::fs::fcntl_setfl(&master, OFlags::NONBLOCK)?;
        let [input, output, error] = self.streams;
        terminal::copy_size(self.tty.as_fd(), master.as_fd());
        if input {
            let keys = pump.sink(master.try_clone()?);
            pump.input(terminal::open_again(self.tty.as_fd())?, keys, self.callers.end_of_file());
        }
        // With neither output nor error on the terminal there is still `/dev/tty`, and the echo.
        let screen = match (output, error) {
            (true, _) => terminal::open_again(rustix::stdio::stdout())?,
            (_, true) => terminal::open_again(rustix::stdio::stderr())?,
            _ => terminal::open_again(self.tty.as_fd())?,
        };
        let screen = pump.sink(screen);
        pump.output(master.try_clone()?, screen, Stream::Stdout, Encoder::Plain);
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags)?;
        self.own = Some(OwnTerminal { master, screen, _slave: slave });
        Ok(())
    }
}

/// The three standard streams, duplicated above the standard numbers.
fn standard_streams() -> io::Result<[OwnedFd; 3]> {
    Ok([duplicate(0)?, duplicate(1)?, duplicate(2)?])
}

fn duplicate(number: i32) -> io::Result<OwnedFd> {
    let stream = match number {
        0 => rustix::stdio::stdin(),
        1 => rustix::stdio::stdout(),
        _ => rustix::stdio::stderr(),
    };
    Ok(rustix::io::fcntl_dupfd_cloexec(stream, 3)?)
}

pub(crate) fn refuse_directory(number: usize, stream: &OwnedFd) -> Result<(), Error> {
    let stat = rustix::fs::fstat(stream)
        .map_err(|errno| Error::System("fstat of a standard stream", errno.into()))?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return Err(Error::Request(format!("descriptor {number} is a directory")));
    }
    Ok(())
}

fn relayed(own: &[OwnedFd; 3], json: bool) -> io::Result<Option<Relayed>> {
    let is_terminal = |stream: usize| rustix::termios::isatty(&own[stream]) && (stream == 0 || !json);
    let streams = [is_terminal(0), is_terminal(1), is_terminal(2)];
    let Some(first) = streams.iter().position(|terminal| *terminal) else { return Ok(None) };
    let tty = own[first].try_clone()?;
    let sharing = if streams[0] && streams[1] { Sharing::Alone } else { Sharing::Shared };
    let callers = CallersTerminal::of(tty.as_fd(), sharing)?;
    Ok(Some(Relayed { callers, streams, tty, own: None }))
}

/// Pipes in place of output and error, told as events on the caller's output.
fn capture(own: [OwnedFd; 3], pump: &mut Pump) -> io::Result<[OwnedFd; 3]> {
    let [input, output, _] = own;
    let events = pump.sink_of_events(output);
    let mut pipe = |stream| -> io::Result<OwnedFd> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        pump.output(read, events, stream, Encoder::events(stream));
        Ok(write)
    };
    Ok([input, pipe(Stream::Stdout)?, pipe(Stream::Stderr)?])
}

/// Pipes in place of what is no terminal, to be counted on the way. What are two names of one thing stay
/// one, or its lines would change places.
fn count(own: [OwnedFd; 3], pump: &mut Pump) -> io::Result<([OwnedFd; 3], Hearing)> {
    let [input, output, error] = own;
    let is_one = same_file(&output, &error)?;
    let mut pipe = |to: OwnedFd, stream| -> io::Result<(OwnedFd, Hearing)> {
        if rustix::termios::isatty(&to) {
            return Ok((to, Hearing::Terminal));
        }
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        let sink = pump.sink(to);
        pump.output(read, sink, stream, Encoder::Plain);
        Ok((write, Hearing::Among(sink)))
    };
    let (output, both) = pipe(output, Stream::Stdout)?;
    let (error, hearing) = if is_one { (output.try_clone()?, both) } else { pipe(error, Stream::Stderr)? };
    Ok(([input, output, error], hearing))
}

fn same_file(one: &OwnedFd, other: &OwnedFd) -> io::Result<bool> {
    let (one, other) = (rustix::fs::fstat(one)?, rustix::fs::fstat(other)?);
    Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}
