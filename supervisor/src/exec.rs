//! What happens to a request, from the first look at the caller to the outcome.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clearing_profiles::{LayerPlace, Profile};
use clearing_rootfs::{Changes, PathText, Project, ProjectRequest, Session, Store};
use clearing_runtime::quota::release;
use clearing_runtime::{Guard, GuardReport, Sandbox, Stage};

use crate::alerts::Alert;
use crate::audit::{Act, Audit, Decision, Ended, ProfileMark, words};
use crate::copying::{Copying, Why};
use crate::error::Error;
use crate::functions::Call;
use crate::host::Host;
use crate::leftover::Leftover;
use crate::limits::{Hold, LimitReports};
use crate::monitor::Monitor;
use crate::named::Named;
use crate::outcome::{Cause, ChangeCounts, Outcome, Tier};
use crate::permission::Wanted;
use crate::place::Place;
use crate::plan::{EXEC, Plan, birth, plan, search_path};
use crate::policy::{Case, Confirm};
use crate::promises::not_held;
use crate::quota::Quota;
use crate::refused::Onlooker;
use crate::relay::Streams;
use crate::request::{RunRequest, Told};
use crate::rollback::{Before, WentBack};
use crate::session::{recovered, sessions};
use crate::stats::Stats;
use crate::text::printable;
use crate::tier;
use crate::verdict::{Verdict, judge};
use crate::watch::{End, Watch};
use crate::workspace::{Workspace, mounts_below};

/// How long the comparison with the project may take after a command that has a time limit.
const COMPARISON: Duration = Duration::from_secs(30);

/// Who asks, and what he is permitted.
pub(crate) struct Asked<'a> {
    request: &'a RunRequest,
    session: Option<Box<Session>>,
    before: Before,
    pub(crate) profile: Profile,
    permit: Option<String>,
    pub(crate) host: Host,
    state: PathBuf,
    project: Project,
    started: Instant,
}

/// A run that is ready to start, and what it holds on the host meanwhile.
pub(crate) struct Prepared {
    pub(crate) plan: Plan,
    pub(crate) workspace: Workspace,
    pub(crate) host: Host,
    store: Store,
    pub(crate) place: Place,
    quota: Quota,
    before: Before,
    streams: Streams,
    stats: Option<Stats>,
    started: Instant,
    profile: ProfileMark,
    /// Where not every program can be executed.
    onlooker: Option<Onlooker>,
    /// The rule that permits the command, where it takes one.
    permit: Option<String>,
    /// What the record calls it, where it is a function.
    call: Option<Call>,
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

impl<'a> Asked<'a> {
    /// Without anybody to confirm there is no command yet, and nothing is judged.
    pub(crate) fn by(request: &'a RunRequest, confirm: Option<Confirm<'_>>) -> Result<Self, Error> {
        let started = Instant::now();
        let mut host = Host::of_caller();
        let mut session = request.session.as_deref().map(hold_session).transpose()?;
        let state = Store::default_path(&|name| host.variable(name))?;
        let project = Project::locate(&project_request(request, session.as_deref(), &host, &state))?;
        let of_session = session.as_ref().map(|session| session.record().profile.clone());
        let profile = Wanted::of(request, of_session.as_deref()).settle(&host, &project)?;
        let case = Case {
            request,
            commands: &profile.commands,
            profile: ProfileMark::of(&profile),
            session: session.as_deref(),
            project: &project,
            store: &state,
            started,
        };
        // Rules are about what callers have run; a function is our own.
        let confirm = confirm.filter(|_| request.call.is_none());
        let permit = confirm.map(|confirm| case.decide(confirm)).transpose()?.flatten();
        host.tier = tier::choose(&host, &profile)?;
        let before = match (session.as_deref_mut(), &request.call) {
            (Some(session), Some(call)) if call.is_transaction => {
                Before::patch(session, profile.rollback.clone())?
            }
            // What only looks leaves the history alone, whatever it finds.
            (_, Some(_)) => Before::look(),
            (session, None) => Before::of(session, profile.rollback.clone())?,
        };
        Ok(Self { request, session, before, profile, permit, host, state, project, started })
    }

    /// What a caller who accepts less should know.
    fn told_tier(&self) -> Option<String> {
        let less = "nothing but Landlock and the system call filter holds the command";
        let home =
            self.session.as_ref().map_or("", |_| "; what it writes to its home is not kept in the session");
        (self.host.tier == Tier::Landlock)
            .then(|| format!("this host has no namespaces to give: {less}{home}"))
    }

    pub(crate) fn prepare(self) -> Result<Prepared, Error> {
        let Self { request, session, before, profile, permit, mut host, state, project, started } = self;
        let streams = match &request.call {
            Some(call) => Streams::of_call(call)?,
            None => Streams::of_caller(request.json, profile.limits.output)?,
        };
        let stats = request.stats.clone();
        let store = Store::open(&state)?.leaving_by(release);
        let place = match session {
            Some(session) => session.check_project(&project).map(|()| Place::Session(session))?,
            None => Place::of_run(&host, &profile, &store)?,
        };
        let why = Why::of(&host, &profile, &project);
        // Before anything is made there, which then is the quota's.
        let quota = match why {
            Some(_) => Quota::of_copy(),
            None => Quota::of(&host, &profile.limits, &place),
        };
        let mut workspace = match Workspace::prepare(&host, &profile, project, &store, &place) {
            Ok(workspace) => workspace,
            Err(error) => return place.discard().and(Err(error)),
        };
        let place = match why {
            Some(why) => Place::Copy(Box::new(Copying::begin(&host, &store, place, &mut workspace, why)?)),
            None => place,
        };
        host.take_variables(|name| passes(&profile, &workspace, name));
        let permission = ProfileMark::of(&profile);
        let planned = Named::of(&profile, &host, &workspace, &request.command).and_then(|named| {
            workspace.named = named;
            plan(&profile, &workspace, request, &host, streams.terminal())
        });
        let onlooker =
            workspace.named.as_ref().map(|named| Onlooker::of(&profile, named, search_path(&host)));
        match planned {
            Ok(plan) => Ok(Prepared {
                plan,
                workspace,
                host,
                store,
                place,
                quota,
                before,
                streams,
                stats,
                started,
                profile: permission,
                onlooker,
                permit,
                call: request.call.clone(),
                act: None,
            }),
            Err(error) => place.discard().and(Err(error)),
        }
    }
}

fn hold_session(name: &str) -> Result<Box<Session>, Error> {
    Ok(Box::new(sessions()?.open(name, "exec")?))
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
        self.call.as_ref().map_or(verb, |call| call.verb)
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
        let dead = collected.failed.iter().map(|error| format!("a dead run is still there: {error}"));
        Ok(notes.chain(below).chain(left_out).chain(dead).collect())
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
        let monitor = Monitor::new(limits, hold, &self.place, self.stats.as_ref());
        let watch = Watch::new(EXEC, deadline, limits.grace, monitor)?.looking_on(self.onlooker.take());
        sandbox.build(&self.plan.sandbox, &self.place.descriptors())?;
        // Done while init puts the root together.
        self.look_around()?.iter().for_each(|note| tell(Told::Note(note)));
        self.act = Some(Audit::at(self.store.path()).decide(&self.decision())?);
        sandbox.exec(&self.plan.exec, self.streams.for_command()?)?;
        self.streams.close_for_command();
        let mut end = watch.until_the_end(sandbox, &mut self.streams)?;
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
        let variables = format!("{} variables, by allow-list", self.plan.exec.environment.len());
        end.guards.push(GuardReport::enforced(Guard::Environment, variables));
        let Verdict { cause, exit_code, signal, exceeded } = judge(&end, &self.plan.limits);
        let error =
            end.failure.map(Error::Setup).or_else(|| (cause == Cause::Init).then_some(Error::InitEnded));
        let rolled_back = self.leave_history(cause, exit_code, tell).unwrap_or_else(|error| {
            // Of a command that ran there is an outcome. Its session counts as interrupted, and the next verb
            // puts it right.
            tell(Told::Note(&error.message()));
            error.hint().iter().for_each(|hint| tell(Told::Note(hint)));
            None
        });
        let outcome = Outcome {
            session: self.place.session().map(|session| session.record().id.clone()),
            decision: clearing_profiles::Decision::Allow,
            cause,
            exit_code,
            signal,
            wall_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            tier: self.host.tier,
            promises_not_held: not_held(&self.host, by_group),
            workspace: self.workspace.report(),
            project: PathText(self.workspace.project.root.clone()),
            guards: end.guards,
            changes: ChangeCounts::of(&changes),
            rolled_back,
            limits,
            exceeded,
            oom_kills: end.measured.events.oom_kills,
            forks_refused: end.measured.events.forks_refused,
            truncated: end.truncated.and(end.untaken),
            alerts: end.measured.alerts,
            denials: end.refused.denials,
            more_denials: end.refused.more,
            unseen_executions: end.refused.unseen,
            manager_ms,
            usage: end.measured.usage,
            error: error.as_ref().map(Error::text),
        };
        self.record_end(&Ended::of(&outcome), tell);
        // What is left to be removed grows no more.
        drop(self.quota);
        Leftover { place: self.place, kept: end.kept }.clear(self.started.elapsed())?;
        Ok(Finished { outcome, changes, noted: end.noted, cut: self.streams.take_cut(), error })
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
        self.before.retain(session)?.iter().for_each(|note| tell(Told::Note(note)));
        Ok(back)
    }

    /// Gives back what was prepared.
    pub(crate) fn discard(self) -> Result<(), Error> {
        self.place.discard()
    }
}

/// The name of `NAME=VALUE`.
fn name_of(variable: &[u8]) -> &[u8] {
    variable.split(|byte| *byte == b'=').next().unwrap_or_default()
}

/// `PATH` finds the program, and so always comes along.
fn passes(profile: &Profile, workspace: &Workspace, name: &str) -> bool {
    name == "PATH" || profile.environment.passes(name) || workspace.tools.variables.contains(&name)
}

fn project_request<'a>(
    request: &'a RunRequest,
    session: Option<&'a Session>,
    host: &'a Host,
    state: &'a Path,
) -> ProjectRequest<'a> {
    let of_session = session.map(|session| session.record().project().as_path());
    ProjectRequest {
        directory: of_session.or(request.directory.as_deref()),
        cwd: &host.cwd,
        home: Some(&host.home),
        state,
        uid: host.uid,
        gid: host.gid,
        groups: &host.groups,
    }
}
