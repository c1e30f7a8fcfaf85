//! What happens to a request, from the first look at the caller to the outcome.
//!
//! Of a command in a sandbox that lives on `live/start.rs` tells the same. A server (`server.rs`) holds such sandboxes
//! for whoever comes by JSON-RPC, by HTTP (`http.rs`) or by MCP (`mcp.rs`).

mod asked;

use std::time::{Duration, Instant};

use clearing_profiles::LayerPlace;
use clearing_rootfs::{Changes, PathText, Store};
use clearing_runtime::{Sandbox, Stage};
use serde_json::Value;

use crate::alerts::Alert;
use crate::assemble::{Around, outcome};
use crate::attend::Attendance;
use crate::audit::{Act, Audit, Decision, Ended, ProfileMark, words};
use crate::error::Error;
use crate::host::Host;
use crate::leftover::Leftover;
use crate::limits::{Hold, LimitReports};
use crate::monitor::Monitor;
use crate::outcome::{Cause, ChangeCounts, Outcome};
use crate::place::Place;
use crate::plan::{EXEC, Plan, birth};
use crate::policy::Confirm;
use crate::quota::Quota;
use crate::refused::Onlooker;
use crate::relay::Streams;
use crate::request::{RunRequest, Told};
use crate::rollback::{Before, WentBack};
use crate::session::recovered;
use crate::stats::Stats;
use crate::text::printable;
use crate::verdict::judge;
use crate::watch::{End, Watch};
use crate::workspace::{Workspace, closed_tools, mounts_below};
pub(crate) use asked::{Asked, passes};

/// How long the comparison with the project may take after a command that has a time limit.
pub(crate) const COMPARISON: Duration = Duration::from_secs(30);

/// A run that is ready to start, and what it holds on the host meanwhile.
pub(crate) struct Prepared {
    pub(crate) plan: Plan,
    pub(crate) workspace: Workspace,
    pub(crate) host: Host,
    pub(crate) store: Store,
    pub(crate) place: Place,
    quota: Quota,
    before: Before,
    streams: Streams,
    stats: Option<Stats>,
    started: Instant,
    pub(crate) profile: ProfileMark,
    /// Where not every program can be executed.
    onlooker: Option<Onlooker>,
    /// The rule that permits the command, where it takes one.
    permit: Option<String>,
    /// What the record calls it, where it is a function.
    call: Option<&'static str>,
    /// What the record has of it beside words.
    mark: Value,
    /// What the record has of it, once it is decided.
    act: Option<Act>,
}

/// How a run went, until its command had ended.
struct Conducted {
    end: End,
    changes: Changes,
    limits: LimitReports,
    /// Whether a control group held limits.
    by_group: bool,
    manager_ms: Option<u64>,
}

/// What a finished run has to tell.
pub(crate) struct Finished {
    pub(crate) outcome: Outcome,
    pub(crate) changes: Changes,
    /// What a person heard of the limits while the command ran.
    pub(crate) noted: Vec<Alert>,
    /// The rest of an event that a reader has begun to take; the outcome comes after it.
    pub(crate) cut: Vec<u8>,
    /// Why there was no command.
    pub(crate) error: Option<Error>,
}

/// Waits for a place, judges the command, runs it to its end and collects what it changed. The project stays as
/// it is. What the rules do not permit is [`Error::Denied`], which is an outcome.
pub(crate) fn run(
    request: &RunRequest,
    tell: &dyn Fn(Told<'_>),
    confirm: Confirm<'_>,
) -> Result<Finished, Error> {
    let queued = |position| tell(Told::Queued(position));
    // Before any clock is looked at: the time in the queue is no time of the command.
    let _place = request.admission.map(|admission| admission.draw(queued)).transpose()?;
    match attempt(request, tell, confirm) {
        // What an overlay cannot show can be copied.
        Err(Error::MountsBelow(below)) => {
            let paths: Vec<String> = below.iter().map(|path| format!("`{}`", printable(path))).collect();
            tell(Told::Note(&format!("mounts below the project are copied with it: {}", paths.join(", "))));
            attempt(&in_a_copy(request), tell, confirm)
        }
        // So can what root can show no other owners of, as an overlay in a container.
        Err(Error::Setup(failure))
            if failure.stage == Stage::IdMap && request.layer != Some(LayerPlace::Copy) =>
        {
            tell(Told::Note(&format!("the project is copied: {failure}")));
            attempt(&in_a_copy(request), tell, confirm)
        }
        ended => ended,
    }
}

fn in_a_copy(request: &RunRequest) -> RunRequest {
    RunRequest { layer: Some(LayerPlace::Copy), approved: true, ..request.clone() }
}

fn attempt(request: &RunRequest, tell: &dyn Fn(Told<'_>), confirm: Confirm<'_>) -> Result<Finished, Error> {
    let asked = Asked::by(request, Some(confirm))?;
    asked.session.iter().flat_map(|session| &session.recovered).for_each(|past| {
        tell(Told::Note(&recovered(past)));
    });
    asked.told_tier().iter().for_each(|note| tell(Told::Note(note)));
    // Init makes its namespaces while we plan what it is to build in them.
    let mut hold = Hold::of(&asked.profile.limits)?;
    let mut sandbox = Sandbox::launch(&birth(&asked.profile, &asked.host), hold.group())?;
    hold.settle(&mut sandbox)?;
    asked.prepare()?.run(sandbox, &hold, tell)
}

/// Judges the request and plans it; nothing runs.
pub(crate) fn prepare(request: &RunRequest) -> Result<Prepared, Error> {
    // Nobody is asked about what is not done.
    Asked::by(request, Some(&|_| Ok(Some(true))))?.prepare()
}

impl Prepared {
    fn run(mut self, sandbox: Sandbox, hold: &Hold, tell: &dyn Fn(Told<'_>)) -> Result<Finished, Error> {
        match self.conduct(sandbox, hold, tell) {
            Ok(conducted) => self.finish(conducted, tell),
            Err(error) => {
                self.record_end(&Ended::failed(error.text()), tell);
                let ended = self.place.end().and_then(|()| self.before.give_up(self.place.session_mut()));
                ended.and(self.place.discard()).and(Err(error))
            }
        }
    }

    fn verb(&self, verb: &'static str) -> &'static str {
        self.call.unwrap_or(verb)
    }

    /// What the record says before the command is started.
    fn decision(&self) -> Decision {
        let asked = match self.place.session() {
            Some(session) => Decision::on(self.verb("exec"), session.record()),
            None => Decision::asked(self.verb("run")),
        };
        let exec = &self.plan.exec;
        Decision {
            project: Some(PathText(self.workspace.project.root.clone())),
            profile: Some(self.profile.clone()),
            rule: self.permit.clone(),
            argv: words(exec.argv.iter().map(|word| word.to_bytes())),
            environment: words(exec.environment.iter().map(|variable| name_of(variable.to_bytes()))),
            detail: self.mark.clone(),
            ..asked
        }
    }

    /// That a command ran cannot be taken back when the record has no room for its end, which is told.
    fn record_end(&mut self, ended: &Ended, tell: &dyn Fn(Told<'_>)) {
        if let Some(Err(error)) = self.act.take().map(|act| act.end(ended)) {
            tell(Told::Note(&Error::from(error).message()));
        }
    }

    /// Looks at what no plan depends on: collects dead runs, refuses or names mounts below the project.
    pub(crate) fn look_around(&self) -> Result<Vec<String>, Error> {
        let copied = self.workspace.elsewhere.is_some();
        let below = if copied { Vec::new() } else { mounts_below(&self.host, &self.workspace.project)? };
        let left_out = self.workspace.left_out.iter();
        let left_out =
            left_out.map(|path| format!("`{}` is not in the copy of the project", printable(path)));
        let collected = self.store.collect()?;
        let hidden = self.workspace.hidden.notes.iter().cloned();
        let notes = self.workspace.project.notes.iter().map(ToString::to_string).chain(hidden);
        let below = below.iter().map(|path| format!("`{}` is a mount, left out", printable(path)));
        let tools = closed_tools(&self.host, &self.workspace.tools);
        let dead = collected.failed.iter().map(|error| format!("a dead run is still there: {error}"));
        Ok(notes.chain(below).chain(left_out).chain(tools).chain(dead).collect())
    }

    fn conduct(
        &mut self,
        sandbox: Sandbox,
        hold: &Hold,
        tell: &dyn Fn(Told<'_>),
    ) -> Result<Conducted, Error> {
        self.place.begin(&self.workspace.hidden)?;
        hold.go_first(&mut self.plan.exec.limits);
        let limits = &self.plan.limits;
        let deadline = limits.timeout.and_then(|timeout| self.started.checked_add(timeout));
        let monitor = Monitor::new(limits, hold, self.stats.as_ref());
        let watch = Watch::new(deadline, Attendance::pace(limits.grace), monitor);
        let watch = watch.looking_on(self.onlooker.take());
        let attendance = Attendance::begin(EXEC, watch, sandbox, hold, &self.place)?;
        attendance.sandbox().build(&self.plan.sandbox, &self.place.descriptors())?;
        // Done while init puts the root together.
        self.look_around()?.iter().for_each(|note| tell(Told::Note(note)));
        self.act = Some(Audit::at(self.store.path()).decide(&self.decision())?);
        attendance.sandbox().exec(&self.plan.exec, self.streams.for_command()?)?;
        self.streams.close_for_command();
        let mut end = attendance.until_the_end(&mut self.streams)?;
        Leftover::leave_to_init(&mut end.kept, &self.place, self.started.elapsed());
        self.capture(tell)?;
        // A layer that the command closed to us is told, and how the command ended all the same.
        let until = limits.timeout.and_then(|_| Instant::now().checked_add(COMPARISON));
        let changes = self.workspace.compare(end.kept.memory.as_ref(), until).unwrap_or_else(|error| {
            tell(Told::Note(&Error::from(error).message()));
            Changes::unreadable()
        });
        let by_group = hold.group().is_some();
        let limits = hold.reports(limits, &self.quota, &end.guards);
        Ok(Conducted { end, changes, limits, by_group, manager_ms: hold.manager_ms })
    }

    /// Takes what was changed in a copy, now that nothing runs in it.
    fn capture(&self, tell: &dyn Fn(Told<'_>)) -> Result<(), Error> {
        let Place::Copy(copying) = &self.place else { return Ok(()) };
        let lost = copying.capture()?;
        lost.iter().for_each(|path| {
            tell(Told::Note(&format!(
                "`{}` is no file, directory or link, and was not kept",
                printable(path)
            )));
        });
        Ok(())
    }

    fn finish(mut self, conducted: Conducted, tell: &dyn Fn(Told<'_>)) -> Result<Finished, Error> {
        let Conducted { mut end, changes, limits, by_group, manager_ms } = conducted;
        let verdict = judge(&end, &self.plan.limits);
        let rolled_back =
            self.leave_history(verdict.cause, verdict.exit_code, tell).unwrap_or_else(|error| {
                // Of a command that ran there is an outcome. Its session counts as interrupted, and the next verb
                // puts it right.
                tell(Told::Note(&error.message()));
                error.hint().iter().for_each(|hint| tell(Told::Note(hint)));
                None
            });
        let (kept, noted) = (std::mem::take(&mut end.kept), std::mem::take(&mut end.noted));
        let around = Around {
            host: &self.host,
            workspace: &self.workspace,
            place: &self.place,
            reports: limits,
            by_group,
            manager_ms,
            changes: ChangeCounts::of(&changes),
            variables: self.plan.exec.environment.len(),
            wall: self.started.elapsed(),
        };
        let (outcome, error) = outcome(verdict, end, Ok(rolled_back), around);
        self.record_end(&Ended::of(&outcome), tell);
        // What is left to be removed grows no more.
        drop(self.quota);
        Leftover { place: self.place, kept }.clear(self.started.elapsed())?;
        Ok(Finished { outcome, changes, noted, cut: self.streams.take_cut(), error })
    }

    /// Does with the session's history what the profile says.
    fn leave_history(
        &mut self,
        cause: Cause,
        exit_code: Option<i32>,
        tell: &dyn Fn(Told<'_>),
    ) -> Result<Option<WentBack>, Error> {
        self.place.end()?;
        let Some(session) = self.place.session_mut() else { return Ok(None) };
        // Whatever is still mounted on it, nothing works there any more.
        session.remove_work();
        let audit = Audit::at(self.store.path());
        let back = self.before.go_back(session, cause, exit_code, &audit)?;
        self.before.retain(session, back.as_ref())?.iter().for_each(|note| tell(Told::Note(note)));
        Ok(back)
    }

    /// Gives back what was prepared.
    pub(crate) fn discard(self) -> Result<(), Error> {
        self.place.discard()
    }
}

/// The name of `NAME=VALUE`.
pub(crate) fn name_of(variable: &[u8]) -> &[u8] {
    variable.split(|byte| *byte == b'=').next().unwrap_or_default()
}
