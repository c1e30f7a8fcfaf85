//! What a commit came to, as JSON.

use clearing_rootfs::{Action, Did, Differs, Kind, PathText};
use serde::Serialize;

use crate::commit::Committed;

/// What landed, what stayed behind, what is disputed.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(tag = "type", rename = "commit", rename_all = "camelCase")]
pub(crate) struct CommitReport {
    /// Whether the project was written to.
    landed: bool,
    lands: Vec<LandingReport>,
    withheld: Vec<WithheldReport>,
    conflicts: Vec<ConflictReport>,
    /// What lands in another form than the session has it.
    told: Vec<ToldReport>,
    not_chosen: u64,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct LandingReport {
    #[schemars(with = "crate::protocol::outside::Path")]
    path: PathText,
    action: &'static str,
    #[schemars(with = "String")]
    kind: Kind,
    merged: bool,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct WithheldReport {
    #[schemars(with = "crate::protocol::outside::Path")]
    path: PathText,
    code: &'static str,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow: Option<String>,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct ConflictReport {
    #[schemars(with = "crate::protocol::outside::Path")]
    path: PathText,
    session: &'static str,
    project: &'static str,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct ToldReport {
    #[schemars(with = "crate::protocol::outside::Path")]
    path: PathText,
    difference: &'static str,
}

impl CommitReport {
    pub(crate) fn of(committed: &Committed) -> Self {
        let plan = &committed.plan;
        Self {
            landed: committed.landed.is_some() && !plan.is_empty(),
            lands: plan
                .lands
                .iter()
                .map(|it| LandingReport {
                    path: PathText(it.path.clone()),
                    action: action(it.action),
                    kind: it.kind,
                    merged: it.merged,
                })
                .collect(),
            withheld: plan
                .withheld
                .iter()
                .map(|it| WithheldReport {
                    path: PathText(it.path.clone()),
                    code: it.code.as_str(),
                    reason: it.reason.clone(),
                    allow: it.allow.clone(),
                })
                .collect(),
            conflicts: plan
                .conflicts
                .iter()
                .map(|it| ConflictReport {
                    path: PathText(it.path.clone()),
                    session: did(it.session),
                    project: did(it.project),
                })
                .collect(),
            told: plan
                .told
                .iter()
                .map(|it| ToldReport { path: PathText(it.path.clone()), difference: differs(it.difference) })
                .collect(),
            not_chosen: plan.not_chosen,
        }
    }
}

fn action(action: Action) -> &'static str {
    match action {
        Action::Make => "make",
        Action::Replace => "replace",
        Action::Delete => "delete",
        Action::Mode => "mode",
    }
}

fn did(did: Did) -> &'static str {
    match did {
        Did::Added => "added",
        Did::Changed => "changed",
        Did::Deleted => "deleted",
        Did::ChangedMeanwhile => "changedMeanwhile",
        Did::Unrecorded => "unrecorded",
    }
}

fn differs(difference: Differs) -> &'static str {
    match difference {
        Differs::BitsStripped => "bitsStripped",
        Differs::HardLinkParted => "hardLinkParted",
        Differs::DirectoryKept => "directoryKept",
    }
}
