//! What a commit came to, as JSON.

use std::borrow::Cow;

use clearing_rootfs::{Action, Did, Differs, Kind, Landed, PathText, Plan};
use serde::{Deserialize, Serialize};

use crate::commit::Committed;

/// What landed, what stayed behind, what is disputed.
#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename = "commit", rename_all = "camelCase")]
pub(crate) struct CommitReport {
    /// Whether the project was written to.
    pub(crate) landed: bool,
    pub(crate) lands: Vec<LandingReport>,
    pub(crate) withheld: Vec<WithheldReport>,
    pub(crate) conflicts: Vec<ConflictReport>,
    /// What lands in another form than the session has it.
    pub(crate) told: Vec<ToldReport>,
    pub(crate) not_chosen: u64,
    /// Nothing lands, because of what is disputed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) refused: bool,
    /// What of it could not be removed from the project, and is tried again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<crate::protocol::outside::Path>")]
    pub(crate) left: Vec<PathText>,
    /// What the caller should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct LandingReport {
    #[schemars(with = "crate::protocol::outside::Path")]
    pub(crate) path: PathText,
    #[schemars(with = "String")]
    pub(crate) action: Action,
    #[schemars(with = "String")]
    pub(crate) kind: Kind,
    pub(crate) merged: bool,
}

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct WithheldReport {
    #[schemars(with = "crate::protocol::outside::Path")]
    pub(crate) path: PathText,
    pub(crate) code: Cow<'static, str>,
    pub(crate) reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allow: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct ConflictReport {
    #[schemars(with = "crate::protocol::outside::Path")]
    pub(crate) path: PathText,
    #[schemars(with = "String")]
    pub(crate) session: Did,
    #[schemars(with = "String")]
    pub(crate) project: Did,
}

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct ToldReport {
    #[schemars(with = "crate::protocol::outside::Path")]
    pub(crate) path: PathText,
    #[schemars(with = "String")]
    pub(crate) difference: Differs,
}

impl CommitReport {
    pub(crate) fn of(committed: &Committed) -> Self {
        Self::of_plan(&committed.plan, committed.landed.as_ref())
    }

    /// The same, also before anything is done.
    pub(crate) fn of_plan(plan: &Plan, landed: Option<&Landed>) -> Self {
        Self {
            landed: landed.is_some() && !plan.is_empty(),
            refused: plan.is_refused(),
            left: landed.iter().flat_map(|it| &it.left).map(|path| PathText(path.clone())).collect(),
            lands: plan
                .lands
                .iter()
                .map(|it| LandingReport {
                    path: PathText(it.path.clone()),
                    action: it.action,
                    kind: it.kind,
                    merged: it.merged,
                })
                .collect(),
            withheld: plan
                .withheld
                .iter()
                .map(|it| WithheldReport {
                    path: PathText(it.path.clone()),
                    code: it.code.as_str().into(),
                    reason: it.reason.clone(),
                    allow: it.allow.clone(),
                })
                .collect(),
            conflicts: plan
                .conflicts
                .iter()
                .map(|it| ConflictReport {
                    path: PathText(it.path.clone()),
                    session: it.session,
                    project: it.project,
                })
                .collect(),
            told: plan
                .told
                .iter()
                .map(|it| ToldReport { path: PathText(it.path.clone()), difference: it.difference })
                .collect(),
            not_chosen: plan.not_chosen,
            notes: Vec::new(),
        }
    }
}
