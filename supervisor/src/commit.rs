//! From what a session or a run changed to what lands in the project.

use std::path::PathBuf;

use clearing_profiles::Verb;
use clearing_rootfs::{
    Commit, CommitRequest, Harm, Hiding, Identity, KeptName, KeptNames, Landed, Plan, Protected,
    ProtectedName, RecoverError, RecoveredCommit, Rules, Seen, Session, Store,
};

use serde_json::json;

use crate::audit::{Audit, Decision};
use crate::error::Error;
use crate::hiding::{Withheld, withheld};
use crate::text::printable;

/// How something is to be committed.
#[derive(Debug, Clone, Default)]
pub(crate) struct CommitOptions {
    /// Patterns of what is asked for; all where there is none.
    pub(crate) only: Vec<String>,
    /// Whether text is merged.
    pub(crate) merge: bool,
    /// Protected names that may land.
    pub(crate) allow: Vec<String>,
}

/// What a commit came to.
#[derive(Debug)]
pub(crate) struct Committed {
    pub(crate) plan: Plan,
    /// None if nothing was done: the project changed, or nobody wanted it.
    pub(crate) landed: Option<Landed>,
}

/// Where the changes are, and what they were made upon.
pub(crate) struct Changed<'a> {
    pub(crate) project: &'a PathBuf,
    pub(crate) identity: Identity,
    /// Newest first.
    pub(crate) layers: &'a [PathBuf],
    /// What of the project the commands did not see, and would not see now.
    pub(crate) hiding: &'a Hiding,
    /// What of it no command may change.
    pub(crate) read_only: Vec<PathBuf>,
    /// Names that the profile keeps.
    pub(crate) keep: Vec<String>,
    /// What the record says before they land.
    pub(crate) decision: Decision,
}

/// Judges what of a session would land, and lands it if `confirm` agrees.
pub(crate) fn of_session(
    store: &Store,
    session: &Session,
    options: &CommitOptions,
    confirm: &dyn Fn(&Plan) -> Result<bool, Error>,
) -> Result<Committed, Error> {
    let mut seen = session.seen()?;
    let record = session.record();
    let layers = session.project_layers()?;
    let Withheld { hiding, read_only, keep } = withheld(record, store)?;
    let changed = Changed {
        project: record.project(),
        identity: session.project_identity(),
        layers: &layers,
        hiding: &hiding,
        read_only,
        keep,
        decision: Decision::on("commit", record),
    };
    let committed = of_changes(store, changed, &mut seen, options, confirm);
    // Also where the record has no room for its end: the next commit would take what landed for somebody else's.
    let landed = committed.as_ref().map_or_else(Error::is_unrecorded_end, |it| it.landed.is_some());
    if landed {
        seen.save_synced()?;
    }
    committed
}

/// Judges what of some changes would land, and lands it if `confirm` agrees.
pub(crate) fn of_changes(
    store: &Store,
    changed: Changed<'_>,
    seen: &mut Seen,
    options: &CommitOptions,
    confirm: &dyn Fn(&Plan) -> Result<bool, Error>,
) -> Result<Committed, Error> {
    let Rules { protected, kept, .. } = rules(&options.allow, &changed.keep);
    let request = CommitRequest {
        project: changed.project,
        identity: changed.identity,
        layers: changed.layers,
        protected: &protected,
        kept: &kept,
        hiding: changed.hiding,
        read_only: &changed.read_only,
        only: &options.only,
        merge: options.merge,
    };
    let commit = store.plan_commit(&request, seen)?;
    if commit.plan().is_refused() || !confirm(commit.plan())? {
        return Ok(Committed { plan: commit.into_plan(), landed: None });
    }
    let decision = changed.decision.with(of_plan(commit.plan(), options));
    Audit::at(store.path()).record(&decision, || land(commit, seen))
}

/// What the record says of a commit before it lands.
fn of_plan(plan: &Plan, options: &CommitOptions) -> serde_json::Value {
    let CommitOptions { only, merge, allow } = options;
    let (lands, withheld) = (plan.lands.len(), plan.withheld.len());
    json!({ "lands": lands, "withheld": withheld, "only": only, "merge": merge, "allow": allow })
}

fn land(commit: Commit, seen: &mut Seen) -> Result<Committed, Error> {
    let (plan, landed) = commit.land(seen)?;
    Ok(Committed { plan, landed: Some(landed) })
}

/// The names that the lists protect, and those that they and the profile keep, as rootfs has them.
pub(crate) fn rules(allow: &[String], keep: &[String]) -> Rules {
    let names = clearing_profiles::protected_names().iter();
    let names = names.map(|it| ProtectedName { name: it.name, reason: it.reason });
    let kept = clearing_profiles::kept_names();
    let kept_names = kept.names.iter().map(|it| KeptName {
        name: it.name.into(),
        reason: it.reason,
        harms: it.verbs.iter().copied().map(harm).collect(),
    });
    let own = keep.iter().map(|name| KeptName {
        name: name.clone().into(),
        reason: "`keep` in [patch] of the profile names it",
        harms: HARMS.into(),
    });
    Rules {
        protected: Protected::new(names.collect(), allow),
        kept: KeptNames::new(kept_names.chain(own).collect(), kept.elsewhere, allow),
        ..Rules::default()
    }
}

/// What is not done to a name that is kept in no other words.
const HARMS: [Harm; 5] = [Harm::Delete, Harm::Truncate, Harm::Rename, Harm::Program, Harm::Link];

/// Profiles and rootfs name what is done to a file alike, and neither knows the other.
fn harm(verb: Verb) -> Harm {
    match verb {
        Verb::Delete => Harm::Delete,
        Verb::Truncate => Harm::Truncate,
        Verb::Rename => Harm::Rename,
        Verb::Program => Harm::Program,
        Verb::Link => Harm::Link,
    }
}

/// Undoes or finishes the commits that something interrupted, and tells of each.
pub(crate) fn recover() -> Vec<String> {
    let Ok(state) = Store::default_path(&|name| std::env::var_os(name)) else { return Vec::new() };
    let outcomes = Store::recover_commits(&state);
    let audit = Audit::at(&state);
    let unrecorded = outcomes.iter().flatten().filter_map(|it| audit.recovered(&it.project, it.landed).err());
    let unrecorded = unrecorded.map(|error| crate::error::chain(&error));
    outcomes.iter().map(recovered).chain(unrecorded).collect()
}

fn recovered(outcome: &Result<RecoveredCommit, RecoverError>) -> String {
    let recovered = match outcome {
        Ok(recovered) => recovered,
        Err(error) => {
            let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            return format!("{}{hint}", crate::error::chain(error));
        }
    };
    let project = printable(&recovered.project);
    let mut text = if recovered.landed {
        format!("a commit to `{project}` was interrupted after it had landed; it is finished now")
    } else {
        format!("a commit to `{project}` was interrupted; the project is as it was before")
    };
    for kept in &recovered.kept {
        text += &format!("; what stood there before is kept as `{}`", printable(kept));
    }
    text
}
