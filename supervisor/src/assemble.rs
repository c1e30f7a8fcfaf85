//! The outcome of a command, from all that was seen of it.

use std::time::Duration;

use clearing_profiles::Decision;
use clearing_rootfs::PathText;
use clearing_runtime::{Guard, GuardReport};

use crate::error::Error;
use crate::host::Host;
use crate::limits::LimitReports;
use crate::outcome::{Cause, ChangeCounts, Outcome};
use crate::place::Place;
use crate::promises::not_held;
use crate::rollback::WentBack;
use crate::verdict::Verdict;
use crate::watch::End;
use crate::workspace::Workspace;

/// What an outcome is made of, beside what was seen.
pub(crate) struct Around<'a> {
    pub(crate) host: &'a Host,
    pub(crate) workspace: &'a Workspace,
    pub(crate) place: &'a Place,
    /// What became of each limit.
    pub(crate) reports: LimitReports,
    /// Whether a control group held limits.
    pub(crate) by_group: bool,
    pub(crate) manager_ms: Option<u64>,
    pub(crate) changes: ChangeCounts,
    /// How many variables the command had.
    pub(crate) variables: usize,
    /// Since it was asked for.
    pub(crate) wall: Duration,
}

/// The outcome, and the error that it tells of, where there was no command or nobody knows how it ended.
pub(crate) fn outcome(
    verdict: Verdict,
    mut end: End,
    rolled_back: Result<Option<WentBack>, Error>,
    around: Around<'_>,
) -> (Outcome, Option<Error>) {
    let variables = format!("{} variables, by allow-list", around.variables);
    end.guards.push(GuardReport::enforced(Guard::Environment, variables));
    let Verdict { cause, exit_code, signal, exceeded } = verdict;
    let error = end.failure.map(Error::Setup).or_else(|| (cause == Cause::Init).then_some(Error::InitEnded));
    let (rolled_back, not_rolled_back) = match rolled_back {
        Ok(rolled_back) => (rolled_back, None),
        Err(error) => (None, Some(error.text())),
    };
    let outcome = Outcome {
        session: around.place.session().map(|session| session.record().id.clone()),
        decision: Decision::Allow,
        cause,
        exit_code,
        signal,
        wall_ms: u64::try_from(around.wall.as_millis()).unwrap_or(u64::MAX),
        tier: around.host.tier,
        promises_not_held: not_held(around.host, around.by_group),
        workspace: around.workspace.report(),
        project: PathText(around.workspace.project.root.clone()),
        project_changed: end.project_changed,
        guards: end.guards,
        changes: around.changes,
        rolled_back,
        not_rolled_back,
        limits: around.reports,
        exceeded,
        oom_kills: end.measured.events.oom_kills,
        forks_refused: end.measured.events.forks_refused,
        truncated: end.truncated.and(end.untaken),
        alerts: end.measured.alerts,
        denials: end.refused.denials,
        more_denials: end.refused.more,
        unseen_executions: end.refused.unseen,
        manager_ms: around.manager_ms,
        usage: end.measured.usage,
        error: error.as_ref().map(Error::text),
    };
    (outcome, error)
}
