//! A profile: everything that is permitted, stated.

use serde::Serialize;
use toml::de::DeTable;

use crate::diagnostic::Fault;
use crate::section::Licence;
use crate::sections::{
    Commands, Environment, Filesystem, Guards, Landlock, Limits, Network, Output, Patch, Rollback, Syscalls,
};

/// A resolved profile: every value is stated, by its file or by those that it extends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// The file's name without `.toml`.
    pub name: String,
    /// Who permitted more than the parent does, and why, the farthest ancestor first.
    pub widened: Vec<Widening>,
    /// What of the host is seen.
    pub filesystem: Filesystem,
    /// Which network there is.
    pub network: Network,
    /// Which variables come in.
    pub environment: Environment,
    /// Which commands may be run.
    pub commands: Commands,
    /// How long and how much.
    pub limits: Limits,
    /// How much of what a command says is kept.
    pub output: Output,
    /// When a session goes back by itself.
    pub rollback: Rollback,
    /// How large a patch may be, and what it does not harm.
    pub patch: Patch,
    /// What is added to the built-in table of system calls.
    pub syscalls: Syscalls,
    /// How much of Landlock there must be.
    pub landlock: Landlock,
    /// What must hold.
    pub guards: Guards,
}

/// A profile that permits more than its parent does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Widening {
    /// Which.
    pub profile: String,
    /// Why, in its author's words.
    pub reason: String,
}

impl Profile {
    /// Reads the sections of a file over those of its parent.
    pub(crate) fn read(
        name: &str,
        file: &mut DeTable<'_>,
        parent: Option<&Self>,
        licence: Licence<'_>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            name: name.to_owned(),
            widened: parent.map(|p| p.widened.clone()).unwrap_or_default(),
            filesystem: Filesystem::read(file, parent.map(|p| &p.filesystem), licence)?,
            network: Network::read(file, parent.map(|p| &p.network), licence)?,
            environment: Environment::read(file, parent.map(|p| &p.environment), licence)?,
            commands: Commands::read(file, parent.map(|p| &p.commands), licence)?,
            limits: Limits::read(file, parent.map(|p| &p.limits), licence)?,
            output: Output::read(file, parent.map(|p| &p.output), licence)?,
            rollback: Rollback::read(file, parent.map(|p| &p.rollback), licence)?,
            patch: Patch::read(file, parent.map(|p| &p.patch), licence)?,
            syscalls: Syscalls::read(file, parent.map(|p| &p.syscalls), licence)?,
            landlock: Landlock::read(file, parent.map(|p| &p.landlock), licence)?,
            guards: Guards::read(file, parent.map(|p| &p.guards), licence)?,
        })
    }
}
