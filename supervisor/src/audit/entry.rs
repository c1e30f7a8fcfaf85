//! What a line of the record says.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use clearing_profiles::Profile;
use clearing_rootfs::{PathText, Record};
use serde::Serialize;
use serde_json::Value;

use crate::digest::sha256;
use crate::exit_code::REFUSED;
use crate::outcome::{Cause, ChangeCounts, ErrorText, Outcome, is_zero};
use crate::policy::Denial;
use crate::rollback::WentBack;

/// One line, but for what chains it to the others.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub(super) enum Entry<'a> {
    Decision(&'a Decision),
    Outcome {
        /// The `seq` of its decision.
        of: u64,
        #[serde(flatten)]
        ended: &'a Ended,
    },
    /// What an act had left running wanted to execute, and did not, once the act had its outcome.
    Denial {
        /// The `seq` of its decision.
        of: u64,
        #[serde(flatten)]
        refusal: &'a Refusal,
    },
    /// What a killed act had begun was finished, or undone.
    Recovery {
        verb: &'static str,
        project: PathText,
        landed: bool,
    },
}

/// What is going to be done, on whose word.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Decision {
    /// The verb of the command line.
    pub(crate) verb: &'static str,
    /// `allow`, or what else was decided.
    pub(crate) decision: &'static str,
    /// What it was decided by, where it was more than being asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<PathText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<ProfileMark>,
    /// Whole, and exactly.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) argv: Vec<PathText>,
    /// The names of the command's variables; values may be secrets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) environment: Vec<PathText>,
    /// What else the verb was told.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(crate) detail: Value,
    pub(crate) uid: u32,
    pub(crate) pid: u32,
}

/// Which permission it was.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ProfileMark {
    name: String,
    /// Of all that it says, merged, as this version of clearing understands it.
    sha256: String,
}

/// A program that was not executed. What would allow it is for whoever asked, and not for the record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refusal {
    want: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    reason: String,
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ended {
    /// Whether it was done; of a command, whether it was run.
    pub(crate) done: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signal: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) changes: Option<ChangeCounts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rolled_back: Option<WentBack>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_rolled_back: Option<ErrorText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<ErrorText>,
    /// Programs that were not executed, where only named ones can be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) denials: Vec<Refusal>,
    /// How often others were not.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) more_denials: u64,
    /// Executions that the host let nobody look at.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) unseen_executions: u64,
}

impl Decision {
    /// What the caller asks for, and may do.
    pub(crate) fn asked(verb: &'static str) -> Self {
        Self {
            verb,
            decision: "allow",
            rule: None,
            session: None,
            project: None,
            profile: None,
            argv: Vec::new(),
            environment: Vec::new(),
            detail: Value::Null,
            uid: rustix::process::getuid().as_raw(),
            pid: std::process::id(),
        }
    }

    /// The same, with a session.
    pub(crate) fn on(verb: &'static str, record: &Record) -> Self {
        Self {
            session: Some(record.id.to_string()),
            project: Some(record.project.clone()),
            ..Self::asked(verb)
        }
    }

    /// The same, with what else it was told.
    pub(crate) fn with(self, detail: Value) -> Self {
        Self { detail, ..self }
    }
}

impl ProfileMark {
    pub(crate) fn of(profile: &Profile) -> Self {
        Self { name: profile.name.clone(), sha256: sha256(format!("{profile:?}").as_bytes()) }
    }
}

impl Refusal {
    pub(crate) fn of(denial: &Denial) -> Self {
        let Denial { want, by, times, rule, reason, .. } = denial.clone();
        Self { want, by, times, rule, reason }
    }
}

impl Ended {
    pub(crate) fn done() -> Self {
        Self { done: true, ..Self::default() }
    }

    /// Of a command.
    pub(crate) fn of(outcome: &Outcome) -> Self {
        Self {
            done: outcome.error.is_none(),
            cause: Some(outcome.cause),
            exit_code: outcome.exit_code,
            signal: outcome.signal,
            changes: Some(outcome.changes),
            rolled_back: outcome.rolled_back.clone(),
            not_rolled_back: outcome.not_rolled_back.clone(),
            error: outcome.error.clone(),
            denials: outcome.denials.iter().map(Refusal::of).collect(),
            more_denials: outcome.more_denials,
            unseen_executions: outcome.unseen_executions,
        }
    }

    /// Of a command that the rules do not permit.
    pub(crate) fn denied() -> Self {
        Self { cause: Some(Cause::Policy), exit_code: Some(i32::from(REFUSED)), ..Self::default() }
    }

    pub(crate) fn failed(error: ErrorText) -> Self {
        Self { error: Some(error), ..Self::default() }
    }
}

/// Words of a command line in JSON, whatever their bytes.
pub(crate) fn words<'a>(words: impl IntoIterator<Item = &'a [u8]>) -> Vec<PathText> {
    words.into_iter().map(|word| PathText(PathBuf::from(OsStr::from_bytes(word)))).collect()
}
