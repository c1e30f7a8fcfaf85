//! What a caller asks for, and what he hears before the outcome.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::PathBuf;

use clearing_profiles::{LayerPlace, LimitName, NetworkMode};
use serde_json::Value;

use crate::admission::Admission;
use crate::functions::Call;
use crate::script::Script;
use crate::stats::Stats;

/// A validated request to run one command in a sandbox of its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunRequest {
    /// The project, where the caller named one.
    pub(crate) directory: Option<PathBuf>,
    /// The session that it goes on with, by id or name; a run of its own where there is none.
    pub(crate) session: Option<String>,
    /// A profile's name or path; where none is given, the session's, or the default one.
    pub(crate) profile: Option<String>,
    /// Override the profile's limits, as a person wrote them.
    pub(crate) limits: Vec<(LimitName, String)>,
    /// Overrides where the profile keeps what the command writes.
    pub(crate) layer: Option<LayerPlace>,
    /// Overrides the least tier that the profile accepts.
    pub(crate) tier: Option<clearing_profiles::Tier>,
    /// Overrides the profile's network.
    pub(crate) network: Option<NetworkMode>,
    /// Variables to set.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Whether output is to be told as JSON events instead of passing through.
    pub(crate) json: bool,
    /// Where samples are told, and how often.
    pub(crate) stats: Option<Stats>,
    /// Whether to wait for a place, and for which; none when there is always one.
    pub(crate) admission: Option<Admission>,
    /// Whether a person was asked about this command already, and said yes.
    pub(crate) approved: bool,
    /// Program and arguments; not empty.
    pub(crate) command: Vec<OsString>,
    /// What is called in place of the program.
    pub(crate) call: Option<Call>,
    /// What the program, an interpreter, is to run.
    pub(crate) script: Option<Script>,
}

impl RunRequest {
    /// What the rules on commands are asked about.
    pub(crate) fn judged(&self) -> Cow<'_, [OsString]> {
        let command = Cow::Borrowed(self.command.as_slice());
        self.script.as_ref().map_or(command, |script| script.judged(&self.command))
    }

    /// What the record has of it beside words.
    pub(crate) fn mark(&self) -> Value {
        let of_call = self.call.as_ref().map(|call| call.mark.clone());
        self.script.as_ref().map(Script::mark).or(of_call).unwrap_or_default()
    }
}

/// What a caller hears of a run before its outcome.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Told<'a> {
    /// All places are taken; with position 1 the run is the next to have one.
    Queued(usize),
    /// What the caller should know, and need not act upon.
    Note(&'a str),
}
