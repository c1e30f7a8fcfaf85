//! What the profile makes of a session's history when a command has ended.

use clearing_profiles::{Rollback, Trigger};
use clearing_rootfs::{Apart, Retained, Retention, RolledBack, Session, Why};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::audit::{Audit, Decision};
use crate::error::Error;
use crate::outcome::Cause;

/// The state to go back to, where the profile says when.
#[derive(Debug)]
pub(crate) struct Before {
    /// None where the history stays as it is.
    rules: Option<Rollback>,
    snapshot: Option<String>,
    /// Whether what is written counts only if it ends well.
    is_patch: bool,
}

/// A session that went back by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WentBack {
    /// Which of the profile's triggers it was.
    #[schemars(with = "String")]
    on: Trigger,
    /// The snapshot that it stands at now.
    to: String,
    /// The snapshot that keeps what the command left.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_as: Option<String>,
}

impl Before {
    /// Gives the state before the command a name, if the command may be undone.
    pub(crate) fn of(session: Option<&mut Session>, rules: Rollback) -> Result<Self, Error> {
        let snapshot = match session.filter(|_| !rules.on.is_empty()) {
            Some(session) => Some(session.name_of_present(Why::BeforeExec)?),
            None => None,
        };
        Ok(Self { rules: Some(rules), snapshot, is_patch: false })
    }

    /// Of what changes nothing: no snapshot is taken, gone back to or forgotten.
    pub(crate) fn look() -> Self {
        Self { rules: None, snapshot: None, is_patch: false }
    }

    /// Begins a patch: that it may be undone is written down before anything else.
    pub(crate) fn patch(session: &mut Session, rules: Rollback) -> Result<Self, Error> {
        session.begin_patch()?;
        Ok(Self { rules: Some(rules), snapshot: None, is_patch: true })
    }

    /// Undoes a patch that did not come to an end.
    pub(crate) fn give_up(&self, session: Option<&mut Session>) -> Result<(), Error> {
        match session {
            Some(session) if self.is_patch => Ok(session.undo_patch()?),
            _ => Ok(()),
        }
    }

    /// Goes back if the command's end is one of those to go back after, and the record has that first.
    pub(crate) fn go_back(
        &self,
        session: &mut Session,
        cause: Cause,
        exit_code: Option<i32>,
        audit: &Audit,
    ) -> Result<Option<WentBack>, Error> {
        if self.is_patch {
            let applied = cause == Cause::Exit && exit_code == Some(0);
            if applied { session.keep_patch().map(drop) } else { session.undo_patch() }?;
            return Ok(None);
        }
        let triggers = self.rules.as_ref().map(|rules| &rules.on);
        let on = trigger(cause, exit_code).filter(|it| triggers.is_some_and(|on| on.contains(it)));
        let (Some(on), Some(snapshot)) = (on, &self.snapshot) else { return Ok(None) };
        let decision = decision(on, snapshot, session);
        let rolled = audit.record(&decision, || Ok(session.rollback(snapshot, Why::RolledBack)?))?;
        Ok(Some(WentBack::of(on, rolled)))
    }

    /// Forgets the snapshots that the profile does not keep, but for what `back` says is kept, merges layers, and says
    /// what the caller should know of it.
    pub(crate) fn retain(
        &self,
        session: &mut Session,
        back: Option<&WentBack>,
    ) -> Result<Vec<String>, Error> {
        let Some(Rollback { max_snapshots, max_age, .. }) = self.rules else { return Ok(Vec::new()) };
        let told = back.and_then(|back| back.kept_as.as_deref());
        let Retained { forgotten, apart } =
            session.retain(Retention { number: max_snapshots, age: max_age }, told)?;
        let forgotten = forgotten
            .iter()
            .map(|name| format!("the snapshot {name} is forgotten, as [rollback] of the profile says"));
        Ok(forgotten.chain(apart.map(stay_apart)).collect())
    }
}

impl WentBack {
    pub(crate) fn of(on: Trigger, rolled: RolledBack) -> Self {
        Self { on, to: rolled.to, kept_as: rolled.backup }
    }

    /// For a person.
    pub(crate) fn text(&self) -> String {
        let kept = self.kept_as.as_ref().map(|name| format!("; what it left is kept as {name}"));
        format!("the session is back at {}{}", self.to, kept.unwrap_or_default())
    }
}

/// The same for a person, where it could not go back.
pub(crate) fn not_gone_back(why: &str) -> String {
    format!("the session is as the command left it, and not back where its profile says: {why}")
}

fn stay_apart(apart: Apart) -> String {
    let Apart { depth, why } = apart;
    let hint = why.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
    let why = Error::from(why).message();
    format!(
        "the session's {depth} layers could not be merged, which costs time and loses nothing: {why}{hint}"
    )
}

/// What the record says before a session goes back by itself.
pub(crate) fn decision(on: Trigger, snapshot: &str, session: &Session) -> Decision {
    Decision {
        rule: Some("rollback.on".into()),
        detail: json!({ "on": on, "snapshot": snapshot }),
        ..Decision::on("rollback", session.record())
    }
}

/// The trigger that an end is, if any.
pub(crate) fn trigger(cause: Cause, exit_code: Option<i32>) -> Option<Trigger> {
    match cause {
        Cause::Exit if exit_code == Some(0) => None,
        // Nothing was done.
        Cause::Policy => None,
        Cause::Exit | Cause::Signal | Cause::Setup | Cause::Init | Cause::Cancelled => Some(Trigger::Error),
        Cause::Timeout => Some(Trigger::Timeout),
        Cause::Oom => Some(Trigger::Oom),
        Cause::CpuTime | Cause::Pids | Cause::Disk | Cause::Output => Some(Trigger::Violation),
    }
}
