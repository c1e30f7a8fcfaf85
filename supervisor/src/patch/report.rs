//! What came of a patch: file by file, why it is refused, how closely it should be looked at.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;

use clearing_profiles::{DEEDS, OFFSET, Risk, risk};
use clearing_rootfs::{Deed, Harm, How, Node, PathText, Placed, Refusal, Simulation};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What came of a patch.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct PatchReport {
    /// File by file, in the order of the patch.
    pub(crate) files: Vec<PatchedFile>,
    /// Why nothing of it was done; empty if it was accepted.
    pub(crate) refused: Vec<Refused>,
}

/// What is done to one file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PatchedFile {
    pub(crate) path: PathText,
    /// Another name that it had, or was copied from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<PathText>,
    /// What is done, in a word, and whatever else follows from it.
    pub(crate) verbs: Vec<String>,
    pub(crate) added: u64,
    pub(crate) removed: u64,
    /// Hunks that were found elsewhere than the patch says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) offsets: Vec<Offset>,
}

/// Where a hunk was found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Offset {
    /// The hunk, from 1.
    pub(crate) hunk: usize,
    /// The line of the file.
    pub(crate) line: usize,
    /// How many lines further down than it says.
    pub(crate) offset: i64,
}

/// One reason to refuse it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refused {
    pub(crate) code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<PathText>,
    pub(crate) reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allow: Option<String>,
}

/// A report is written by us, and may be as long as a patch of many files makes it.
const LONGEST: u64 = 256 << 20;

/// Reads what the function wrote.
pub(super) fn read(output: &OwnedFd) -> Result<PatchReport, Error> {
    let failed = |error| Error::System("reading the report on the patch", error);
    let file = std::fs::File::from(output.try_clone().map_err(failed)?);
    let length = file.metadata().map_err(failed)?.len().min(LONGEST);
    let mut text = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(&mut text, 0).map_err(failed)?;
    serde_json::from_slice(&text).map_err(|error| failed(error.into()))
}

impl PatchReport {
    pub(super) fn refused(refused: Vec<Refused>) -> Self {
        Self { refused, ..Self::default() }
    }

    pub(super) fn accepted(simulation: &Simulation) -> Self {
        let deeds = &simulation.deeds;
        let made = simulation.made();
        let files = deeds.iter().map(|deed| PatchedFile::of(deed, deed.harm(&made).map(|(_, harm)| harm)));
        Self { files: files.collect(), refused: Vec::new() }
    }

    pub(crate) fn is_accepted(&self) -> bool {
        self.refused.is_empty()
    }

    /// How closely it should be looked at.
    pub(crate) fn risk(&self) -> Result<Risk, Error> {
        let deeds: Vec<_> = self.files.iter().map(PatchedFile::deed).collect();
        risk(&deeds).map_err(|error| Error::Request(format!("the list of risks: {error}")))
    }

    /// How many files each verb was done to, and all lines.
    pub(crate) fn statistics(&self) -> BTreeMap<String, u64> {
        let mut numbers = BTreeMap::from([("files".to_owned(), self.files.len() as u64)]);
        for file in &self.files {
            *numbers.entry("added".to_owned()).or_default() += file.added;
            *numbers.entry("removed".to_owned()).or_default() += file.removed;
            file.verbs.iter().for_each(|verb| *numbers.entry(verb.clone()).or_default() += 1);
        }
        numbers
    }
}

impl PatchedFile {
    fn of(deed: &Deed, harm: Option<Harm>) -> Self {
        let from = deed.how.source().filter(|source| *source != deed.how.path());
        let harmed = harm.map(|harm| match harm {
            Harm::Delete => "delete",
            Harm::Truncate => "truncate",
            Harm::Rename => "rename",
            Harm::Program => "program",
            Harm::Link => "link",
        });
        let is_link = matches!(deed.new, Some(Node::Link(_)));
        let is_program = matches!(
            (&deed.how, &deed.new),
            (How::Create(_), Some(Node::File { mode, .. })) if mode & 0o111 != 0
        );
        let offset = deed.hunks.iter().any(|placed| placed.offset != 0);
        let more = [
            harmed,
            is_link.then_some("link"),
            is_program.then_some("program"),
            deed.is_binary.then_some("binary"),
            offset.then_some(OFFSET),
        ];
        let mut verbs = vec![deed.how.word()];
        for verb in more.into_iter().flatten() {
            if !verbs.contains(&verb) {
                verbs.push(verb);
            }
        }
        Self {
            path: PathText(deed.how.path().to_owned()),
            from: from.map(|path| PathText(path.to_owned())),
            verbs: verbs.into_iter().map(str::to_owned).collect(),
            added: deed.added as u64,
            removed: deed.removed as u64,
            offsets: offsets(&deed.hunks),
        }
    }

    fn deed(&self) -> clearing_profiles::Deed {
        let paths = self.from.iter().chain([&self.path]).map(|path| path.0.to_string_lossy().into_owned());
        let known = DEEDS.into_iter().chain([OFFSET]);
        clearing_profiles::Deed {
            paths: paths.collect(),
            verbs: known.filter(|known| self.verbs.iter().any(|verb| verb == known)).collect(),
            lines: self.added + self.removed,
        }
    }
}

fn offsets(hunks: &[Placed]) -> Vec<Offset> {
    let moved = hunks.iter().enumerate().filter(|(_, placed)| placed.offset != 0);
    moved.map(|(at, placed)| Offset { hunk: at + 1, line: placed.line, offset: placed.offset }).collect()
}

impl Refused {
    pub(super) fn of(refusal: &Refusal) -> Self {
        Self {
            code: refusal.class.as_str().to_owned(),
            line: refusal.line,
            path: refusal.path.clone().map(PathText),
            reason: refusal.reason.clone(),
            allow: refusal.allow.clone(),
        }
    }
}
