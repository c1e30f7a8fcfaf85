//! What a commit would do, as a list that can be read before anything is done.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::order::Order;
use crate::compare::Kind;
use crate::sighting::Sighting;

/// The judgement on everything that a session changes.
#[derive(Debug, Default)]
pub struct Plan {
    /// What lands, parents first.
    pub lands: Vec<Landing>,
    /// What stays behind, and why.
    pub withheld: Vec<Withheld>,
    /// What the project has changed since the session saw it.
    pub conflicts: Vec<Conflict>,
    /// What lands in another form than the session has it.
    pub told: Vec<Told>,
    /// Changes that were not asked for.
    pub not_chosen: u64,
    pub(crate) order: Order,
    /// What the session shows under each path that lands.
    pub(crate) shown: Vec<Shown>,
    /// Whether the rest lands where something is disputed.
    pub(crate) partial: bool,
}

/// What the session shows under a path that lands; none for a deletion.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) path: PathBuf,
    pub(crate) shown: Option<Sighting>,
    /// Whether it is more than another mode of a directory.
    pub(crate) is_new: bool,
    /// Whether the project has a merge of it now, which the session has not seen.
    pub(crate) merged: bool,
}

/// One change of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    /// Relative to the project.
    pub path: PathBuf,
    /// What is done.
    pub action: Action,
    /// What is there then; for a deletion, what was.
    pub kind: Kind,
    /// Whether its content is a merge of the session's and the project's.
    pub merged: bool,
}

/// What is done under a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Something new.
    Make,
    /// Something else.
    Replace,
    /// Nothing more.
    Delete,
    /// The same directory with another mode.
    Mode,
}

/// Something that does not land.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// Relative to the project.
    pub path: PathBuf,
    /// Stable, for programs.
    pub code: Code,
    /// For people.
    pub reason: String,
    /// What `--allow` takes to let it land.
    pub allow: Option<String>,
}

/// Why something does not land.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A device node, a FIFO or a socket.
    SpecialFile,
    /// A link that leads out of the project.
    OutwardLink,
    /// A repository, or what git would run.
    Repository,
    /// A name of settings that run by themselves.
    Protected,
    /// A name that others rely on, and that would be gone, or be something else.
    Kept,
    /// It could not be looked into.
    Unread,
    /// The session does not see it, or what lies in it.
    Hidden,
    /// What it would stand in, or in place of, stays as it is.
    Occupied,
}

impl Code {
    /// As programs know it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SpecialFile => "CLR-COMMIT-SPECIAL",
            Self::OutwardLink => "CLR-COMMIT-LINK",
            Self::Repository => "CLR-COMMIT-GIT",
            Self::Protected => "CLR-COMMIT-PROTECTED",
            Self::Kept => "CLR-COMMIT-KEPT",
            Self::Unread => "CLR-COMMIT-UNREAD",
            Self::Hidden => "CLR-COMMIT-HIDDEN",
            Self::Occupied => "CLR-COMMIT-OCCUPIED",
        }
    }
}

/// A path that both sides changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Relative to the project.
    pub path: PathBuf,
    /// What the session did.
    pub session: Did,
    /// What the project did since the session saw it.
    pub project: Did,
}

/// What was done to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Did {
    /// It was not there before.
    Added,
    /// It is another thing, or has other content, mode or target.
    Changed,
    /// It is gone.
    Deleted,
    /// It was changed while the session's command ran, so what that saw is not known.
    ChangedMeanwhile,
    /// What the session saw was never recorded.
    Unrecorded,
}

/// Something that lands, but not as the session has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Relative to the project.
    pub path: PathBuf,
    /// In what it differs.
    pub difference: Differs,
}

/// In what something that lands differs from what the session has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Differs {
    /// Without set-user-ID, set-group-ID and sticky bit.
    BitsStripped,
    /// As a file of its own.
    HardLinkParted,
    /// Its directory stays, since something in it does.
    DirectoryKept,
}

impl Plan {
    /// Whether nothing lands, since the project changed what the session changed.
    pub fn is_refused(&self) -> bool {
        !self.conflicts.is_empty() && !self.partial
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}
