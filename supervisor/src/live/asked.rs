//! What is asked of a living sandbox, and what it tells.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use clearing_profiles::{LimitName, NetworkMode, Profile};
use serde_json::Value;

use crate::alerts::Alert;
use crate::outcome::Outcome;
use crate::policy::Denial;
use crate::script::Script;
use crate::watch::Output;

/// What is to be executed.
#[derive(Debug)]
pub(crate) struct ExecAsked {
    pub(crate) what: What,
    /// Where, inside; a relative one begins where the session does, which is taken if there is none.
    pub(crate) cwd: Option<PathBuf>,
    /// Another profile than the session's.
    pub(crate) profile: Option<Box<Profile>>,
    /// The network that it must have.
    pub(crate) network: Option<NetworkMode>,
    /// Variables to set, beside those that the profile passes.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Override the profile's limits as options like `--memory` do, the timeout among them.
    pub(crate) limits: Vec<(LimitName, String)>,
    /// Permission bits that new files do not get; the supervisor's own if there are none.
    pub(crate) umask: Option<u32>,
    pub(crate) streams: Given,
    /// Whether a person was asked about this very command, and said yes.
    pub(crate) approved: bool,
}

/// A program, or one of our own functions.
#[derive(Debug)]
pub(crate) enum What {
    /// Program and arguments; not empty.
    Command(Vec<OsString>),
    /// A program given as text, and its arguments.
    Script { script: Script, arguments: Vec<OsString> },
    /// A function that was made known ([`clearing_runtime::register_functions`]), which works at the top of the
    /// project and which no rule on commands is about. The record has its words and its mark.
    Call { function: u32, words: Vec<OsString>, mark: Value },
}

/// What it gets as 0, 1 and 2.
#[derive(Debug)]
pub(crate) enum Given {
    /// These.
    Streams([OwnedFd; 3]),
    /// A new terminal of the sandbox's own, whose other end comes with [`Happened::Terminal`].
    Terminal { rows: u16, columns: u16 },
}

/// Who reads what a command says.
pub(crate) trait Reader: Send + Sync {
    /// It says it on a terminal, of which this is the other end.
    fn attach(&self, terminal: &Arc<OwnedFd>);

    /// It has ended, and how is about to be told: reads what it has left in its streams. Gives how much it has said in
    /// all.
    fn read_out(&self) -> Output;
}

/// What is told of an exec, in the order in which it happens.
#[derive(Debug)]
pub(crate) enum Happened {
    /// The program runs.
    Started,
    /// The other end of its terminal.
    Terminal(Arc<OwnedFd>),
    /// Something was not permitted.
    Denial(Denial),
    /// A limit is near, or was met.
    Alert(Alert),
    /// It has ended; nothing more is told of it.
    Exited(Box<Outcome>),
}
