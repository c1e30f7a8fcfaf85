//! What is to be done to the project, step by step, as plain data.
//!
//! Each step changes one name in a directory that stands before and after, so no step depends on another:
//! what is new below a new directory is staged with it, what is below a deleted one goes with it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::compare::Kind;
use crate::path_text::PathText;
use crate::sighting::Sighting;

/// Everything that one commit does.
#[derive(Debug, Default)]
pub(crate) struct Order {
    pub(crate) steps: Vec<Step>,
    pub(crate) modes: Vec<ModeStep>,
}

/// What is done under one name.
#[derive(Debug)]
pub(crate) struct Step {
    /// The directory, relative to the project.
    pub(crate) directory: PathBuf,
    /// The name in it.
    pub(crate) name: PathBuf,
    /// What stood there, and all below it, each with its path in the project; empty where nothing did.
    pub(crate) old: Vec<(PathBuf, Sighting)>,
    /// What is to stand there, and all below it, parents first; empty for a deletion.
    pub(crate) new: Vec<Item>,
}

/// One file, directory or link that lands.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Relative to the project.
    pub(crate) path: PathBuf,
    /// The nine permission bits that it gets.
    pub(crate) mode: u32,
    /// What the session shows there.
    pub(crate) source: Sighting,
    /// Bytes of its blocks.
    pub(crate) allocated: u64,
    /// The group that it gets, where that is not the caller's.
    pub(crate) group: Option<u32>,
    /// Its content, where that is not what the session shows but a merge of it.
    pub(crate) merged: Option<Vec<u8>>,
}

/// Another mode for a directory that stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModeStep {
    /// Relative to the project.
    pub(crate) path: PathBuf,
    pub(crate) old: Sighting,
    pub(crate) new: u32,
}

/// What kind of step it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Act {
    /// A new name.
    Make,
    /// Another thing under a name.
    Replace,
    /// A name less.
    Delete,
}

impl Step {
    pub(crate) fn act(&self) -> Act {
        match (self.old.is_empty(), self.new.is_empty()) {
            (true, _) => Act::Make,
            (false, false) => Act::Replace,
            (false, true) => Act::Delete,
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join(&self.name)
    }
}

impl Order {
    /// Bytes that staging takes at most, and files.
    pub(crate) fn size(&self) -> (u64, u64) {
        let items = || self.steps.iter().flat_map(|step| &step.new);
        let files = items().filter(|item| item.source.kind == Kind::File);
        let bytes = files.map(|item| item.merged.as_ref().map_or(item.source.size, |it| it.len() as u64));
        (bytes.sum(), items().count() as u64)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.modes.is_empty()
    }
}

/// A step as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StepRecord {
    pub(crate) act: Act,
    pub(crate) directory: PathText,
    pub(crate) name: PathText,
    /// The inode that stood there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) old: Option<u64>,
}

/// A directory's mode as the journal has it: what it is before and after, and whether it has to be opened
/// to its owner in between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ModeRecord {
    pub(crate) path: PathText,
    pub(crate) inode: u64,
    pub(crate) old: u32,
    pub(crate) new: u32,
    pub(crate) forced: bool,
}
