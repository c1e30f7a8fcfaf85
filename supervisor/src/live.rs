//! A session in a sandbox that lives on: a command costs a fork there, what it leaves running stays, and
//! snapshots and rollbacks put other layers under it.
//!
//! ```text
//!             exec                       snapshot, rollback, refresh
//!   quiet ──────────▶ a command runs        (quiet, or what runs is ended first)
//!     ▲ ▲   nothing left │   │ left running        │
//!     │ └────────────────┘   ▼                     ▼
//!     └──────────────────── alive    new layer ▶ shown ▶ written down ▶ quiet
//! ```
//! The record is written last: until then the session is as it was, whoever is killed. A view that cannot be
//! made that of the record ends the sandbox.

#[expect(dead_code, reason = "several execs at once are to come")]
mod asked;
mod spares;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use clearing_profiles::{LayerPlace, Limits, Profile};
use clearing_rootfs::{LayerDirectories, PROJECT, Parts, Session, Snapshot, Step, Why, changed_since};
use clearing_runtime::spec::{ExecSpec, Layer, Remount};
use clearing_runtime::{GuardReport, NotRemounted, Report, Sandbox};

pub use clearing_runtime::spec::Others;

use crate::error::Error;
use crate::exec::{Asked, Prepared};
use crate::host::Host;
use crate::leftover::Leftover;
use crate::limits::Hold;
use crate::monitor::Monitor;
use crate::outcome::{Cause, Tier};
use crate::place::Place;
use crate::plan;
use crate::relay::Streams;
use crate::request::RunRequest;
use crate::verdict::judge;
use crate::watch::{End, Watch};
use crate::workspace::Workspace;
use spares::{Around, Spare};

/// A session and its living sandbox. Nobody else can change the session meanwhile.
///
/// The calling process must have one thread when it is opened. Dropped, every process in it is ended.
pub struct LiveSandbox {
    /// None once it has ended.
    sandbox: Option<Sandbox>,
    hold: Hold,
    profile: Profile,
    host: Host,
    workspace: Workspace,
    place: Place,
    request: RunRequest,
    limits: Limits,
    guards: Vec<GuardReport>,
    /// What is known of sealed layers.
    parts: Parts,
    spares: Vec<Spare>,
    commands: u32,
    /// Whether a command has looked at the project since it was mounted, and when that was.
    looked: bool,
    mounted: SystemTime,
}

/// How a command in a living sandbox ended.
#[derive(Debug)]
pub struct Executed {
    /// The command's own code, or 125 to 127 when there was no command.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether a limit ended it, or it was never started.
    pub is_whole: bool,
    /// Whether it left processes running.
    pub left_running: bool,
    /// Whether the project was seen to have changed since it was mounted: with processes alive it cannot be
    /// mounted anew, and what a command sees of such a change is anybody's guess.
    pub project_changed: bool,
}

/// Why something could not be done in a living sandbox.
#[derive(Debug)]
pub struct LiveError(Error);

impl std::fmt::Display for LiveError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0.message())
    }
}

impl std::error::Error for LiveError {}

impl From<Error> for LiveError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl LiveError {
    /// Whether it was refused because of processes that are alive.
    pub fn is_alive(&self) -> bool {
        matches!(self.0, Error::Alive(_))
    }

    /// A way forward.
    pub fn hint(&self) -> Option<String> {
        self.0.hint()
    }
}

impl LiveSandbox {
    /// Takes a session, by id or name, and makes its sandbox.
    pub fn open(session: &str) -> Result<Self, LiveError> {
        let request = request(session);
        let asked = Asked::by(&request, None)?;
        if asked.host.tier == Tier::Landlock || asked.profile.filesystem.layer == LayerPlace::Copy {
            return Err(Error::NoOverlay("the profile or the host wants a copy".into()).into());
        }
        let mut hold = Hold::of(&asked.profile.limits).map_err(LiveError)?;
        let mut sandbox =
            Sandbox::launch(&plan::birth(&asked.profile, &asked.host), hold.group()).map_err(Error::from)?;
        hold.settle(&mut sandbox)?;
        let profile = asked.profile.clone();
        let prepared = asked.prepare()?;
        if prepared.workspace.elsewhere.is_some() {
            return Err(Error::NoOverlay("the project is copied".into()).into());
        }
        if !prepared.workspace.read_only.is_empty() {
            // A mount upon a layer that is replaced would show the old one.
            return Err(Error::NoOverlay("the profile has `read_only` paths".into()).into());
        }
        prepared.look_around()?;
        let own = prepared.place.session().map(Session::path);
        let sources = plan::sources(&prepared.workspace, &prepared.host, own.as_deref());
        let held = prepared.place.descriptors();
        sandbox.build_living(&prepared.plan.sandbox, &sources, &held).map_err(Error::from)?;
        let Prepared { plan, workspace, host, place, .. } = prepared;
        let mut live = Self {
            sandbox: Some(sandbox),
            hold,
            profile,
            host,
            workspace,
            place,
            limits: plan.limits,
            request,
            guards: Vec::new(),
            parts: Parts::default(),
            spares: Vec::new(),
            commands: 0,
            looked: false,
            mounted: SystemTime::now(),
        };
        live.await_ready()?;
        Ok(live)
    }

    /// Runs a command with these standard streams, and waits for its end. Where nothing else runs it sees
    /// the project as it is now.
    pub fn exec(&mut self, command: &[OsString], streams: [OwnedFd; 3]) -> Result<Executed, LiveError> {
        let is_quiet = self.session()?.record().running.is_none();
        if is_quiet && self.looked {
            self.show_project_anew()?;
        }
        let project_changed = !is_quiet && changed_since(&self.workspace.project.root, self.mounted);
        if is_quiet {
            self.place.begin(&self.workspace.hidden)?;
        }
        self.looked = true;
        let end = match self.conduct(command, streams) {
            Ok(end) => end,
            Err(error) => {
                // Most often there was no command, and the session must not look as if there were one.
                let _ = self.quiet(Others::Refuse);
                return Err(error.into());
            }
        };
        let verdict = judge(&end, &self.limits);
        if end.alone || end.failure.is_some() && is_quiet {
            self.place.end()?;
        }
        let is_whole = matches!(verdict.cause, Cause::Exit | Cause::Signal);
        let left_running = !end.alone && end.failure.is_none();
        if end.given_up || verdict.cause == Cause::Init {
            self.sandbox = None;
            self.place.end()?;
        }
        let (exit_code, signal) = (verdict.exit_code, verdict.signal);
        Ok(Executed { exit_code, signal, is_whole, left_running, project_changed })
    }

    /// Names the present state. What is written from now on goes to a new layer.
    pub fn snapshot(&mut self, label: Option<&str>, others: Others) -> Result<Snapshot, LiveError> {
        self.quiet(others)?;
        let (step, snapshot) = self.session()?.step_to_snapshot(label, Why::Asked).map_err(Error::from)?;
        self.go_on(step)?;
        Ok(snapshot)
    }

    /// Goes back to a snapshot, and names the one that keeps what would be lost by that.
    pub fn rollback(&mut self, name: &str, others: Others) -> Result<Option<String>, LiveError> {
        self.quiet(others)?;
        let (step, rolled) = self.session()?.step_back(name, Why::BeforeRollback).map_err(Error::from)?;
        self.go_on(step)?;
        Ok(rolled.backup)
    }

    /// Shows the project, its git directory and the caches as they are now, under what the session changed.
    pub fn refresh(&mut self, others: Others) -> Result<(), LiveError> {
        self.quiet(others)?;
        let home = self.host.home.clone();
        let all = self.workspace.parts(&self.host).into_iter().map(|part| part.target);
        let targets = all.filter(|target| *target != home).collect();
        Ok(self.show_anew(&targets)?)
    }

    /// Makes a second session that goes on from the present state, and names it by its id.
    pub fn fork(&mut self, name: Option<&str>, others: Others) -> Result<String, LiveError> {
        self.quiet(others)?;
        let step = self.session()?.step_on().map_err(Error::from)?;
        self.go_on(step)?;
        let sessions = crate::session::sessions()?;
        let session = self.place.session_mut().ok_or(Error::SandboxEnded)?;
        let live = session.record().live.clone();
        let fork = sessions.fork(session, None, name).map_err(Error::from)?;
        if session.record().live != live {
            // What the sandbox writes to would be sealed.
            self.give_up(Error::SandboxEnded)?;
        }
        Ok(fork.record().id.to_string())
    }

    /// Ends every process, and gives the session back.
    pub fn end(mut self) -> Result<(), LiveError> {
        let Some(sandbox) = self.sandbox.take() else { return Ok(()) };
        let kept = sandbox.into_kept();
        if self.session()?.record().running.is_some() {
            self.place.end()?;
        }
        spares::clear(self.session()?)?;
        Ok(Leftover { place: self.place, kept }.clear(Duration::MAX)?)
    }

    /// Init's process id.
    pub fn init(&self) -> Option<u32> {
        self.sandbox.as_ref().map(Sandbox::init)
    }

    fn conduct(&mut self, command: &[OsString], streams: [OwnedFd; 3]) -> Result<End, Error> {
        let started = Instant::now();
        let sandbox = self.sandbox.as_mut().ok_or(Error::SandboxEnded)?;
        let mut streams = Streams::of(streams, false, self.limits.output)?;
        let request = RunRequest { command: command.to_vec(), ..self.request.clone() };
        self.commands += 1;
        let exec = plan::exec(&self.profile, &self.workspace, &request, &self.host, streams.terminal())?;
        let mut exec = ExecSpec { id: self.commands, last: false, ..exec };
        self.hold.go_first(&mut exec.limits);
        let deadline = self.limits.timeout.and_then(|timeout| started.checked_add(timeout));
        let monitor = Monitor::new(&self.limits, &self.hold, &self.place, None);
        let watch = Watch::new(exec.id, deadline, self.limits.grace, monitor)?;
        sandbox.exec(&exec, streams.for_command()?)?;
        streams.close_for_command();
        // While the command runs.
        if let Some(session) = self.place.session() {
            let (profile, host, workspace) = (&self.profile, &self.host, &self.workspace);
            let around = Around { profile, host, workspace, session, sandbox };
            spares::prepare(&mut self.spares, &around);
        }
        watch.until_the_command_ends(sandbox, &mut streams)
    }

    /// Sees to it that nothing runs, and that what ran is written down.
    fn quiet(&mut self, others: Others) -> Result<(), Error> {
        let sandbox = self.sandbox.as_ref().ok_or(Error::SandboxEnded)?;
        sandbox.quiet(others)?;
        self.answer(|report| match report {
            Report::Quiet(answer) => Some(answer),
            _ => None,
        })?;
        if self.session()?.record().running.is_some() {
            self.place.end()?;
        }
        Ok(())
    }

    fn show_project_anew(&mut self) -> Result<(), Error> {
        let targets = self.workspace.overlays().map(|(path, _)| path.clone()).collect();
        self.show_anew(&targets)
    }

    fn show_anew(&mut self, targets: &BTreeSet<PathBuf>) -> Result<(), Error> {
        self.session()?.check_project(&self.workspace.project)?;
        let step = self.session()?.step_aside();
        let before = self.workspace.clone();
        let renewed = self.renew(&step, None, |_, target, _| targets.contains(target));
        self.show(renewed, before).map(drop)
    }

    /// Goes on upon other layers, and writes it down.
    fn go_on(&mut self, mut step: Step) -> Result<(), Error> {
        if step.moves() {
            let written = self.session()?.live_parts()?;
            let before = self.workspace.clone();
            let is_changed = |part: &str, moved| moved || written.iter().any(|name| name == part);
            let sealed = self.place.session().ok_or(Error::SandboxEnded)?;
            let sealed = sealed.sealed_below(&step, PROJECT, &mut self.parts)?;
            let is_wanted = is_changed(PROJECT, sealed != self.workspace.changes.sealed);
            let spare = Spare::take(&mut self.spares, |spare| is_wanted && spare.sealed == sealed);
            let (ready, layer) = spare.map(|spare| (spare.ready, spare.layer)).unzip();
            self.session()?.begin(&mut step, ready)?;
            let renewed = self.renew(&step, layer, |part, _, moved| is_changed(part, moved));
            let targets = self.show(renewed, before)?;
            if let Err(error) = self.carry_over(&step, &targets) {
                return self.give_up(error);
            }
        }
        let session = self.place.session_mut().ok_or(Error::SandboxEnded)?;
        match session.take_swiftly(step) {
            Ok(()) => self.find_layers(),
            Err(error) => self.give_up(error.into()),
        }
    }

    /// What takes changes has come to lie elsewhere, with the overlays upon it.
    fn find_layers(&mut self) -> Result<(), Error> {
        let Self { workspace, place, host, .. } = self;
        let session = place.session().ok_or(Error::SandboxEnded)?;
        for part in workspace.parts(host) {
            part.writable.layer = layer(session.live_directories(&part.name));
        }
        Ok(())
    }

    /// Makes new layers for the parts that `choose` wants, by name, target and whether other layers lie below;
    /// the others stay as they are. Says where the new ones are to be shown.
    fn renew(
        &mut self,
        step: &Step,
        mut spare: Option<LayerDirectories>,
        choose: impl Fn(&str, &PathBuf, bool) -> bool,
    ) -> Result<BTreeSet<PathBuf>, Error> {
        let Self { workspace, place, parts: known, host, .. } = self;
        let session = place.session().ok_or(Error::SandboxEnded)?;
        let mut targets = BTreeSet::new();
        for part in workspace.parts(host) {
            let sealed = session.sealed_below(step, &part.name, known)?;
            if choose(&part.name, &part.target, sealed != part.writable.sealed) {
                let spare = spare.take_if(|_| part.name == PROJECT).map(Ok);
                let made = spare.unwrap_or_else(|| session.writable_after(step, &part.name, part.top))?;
                part.writable.sealed = sealed;
                part.writable.layer = layer(made);
                targets.insert(part.target);
            }
        }
        Ok(targets)
    }

    /// Shows what of the workspace was renewed, and where; or describes the workspace as it was `before`, as
    /// that is still what is shown.
    fn show(
        &mut self,
        renewed: Result<BTreeSet<PathBuf>, Error>,
        before: Workspace,
    ) -> Result<BTreeSet<PathBuf>, Error> {
        let shown = renewed.and_then(|targets| self.remount(&targets).map(|()| targets));
        match &shown {
            Err(_) => self.workspace = before,
            Ok(targets) if targets.contains(&self.workspace.project.root) => {
                (self.looked, self.mounted) = (false, SystemTime::now());
            }
            Ok(_) => {}
        }
        shown
    }

    fn remount(&mut self, targets: &BTreeSet<PathBuf>) -> Result<(), Error> {
        let steps = plan::remount(&self.profile, &self.workspace, &self.host, targets);
        let sandbox = self.sandbox.as_mut().ok_or(Error::SandboxEnded)?;
        sandbox.remount(&Remount { steps, others: Others::Refuse }).map_err(Error::from)?;
        self.answer(|report| match report {
            Report::Remounted(answer) => Some(answer),
            _ => None,
        })
    }

    /// Takes along what nobody has written to, with the overlays upon it.
    fn carry_over(&mut self, step: &Step, shown: &BTreeSet<PathBuf>) -> Result<(), Error> {
        let Self { workspace, place, host, .. } = self;
        let session = place.session().ok_or(Error::SandboxEnded)?;
        for part in workspace.parts(host) {
            if !shown.contains(&part.target) {
                session.carry_over(step, &part.name)?;
            }
        }
        Ok(())
    }

    /// The sandbox shows what no record names: nothing was written there yet, and nothing will be.
    fn give_up(&mut self, error: Error) -> Result<(), Error> {
        self.sandbox = None;
        Err(error)
    }

    fn await_ready(&mut self) -> Result<(), Error> {
        while self.guards.is_empty() {
            self.take_report()?;
        }
        Ok(())
    }

    fn answer(&mut self, wanted: impl Fn(Report) -> Option<Result<(), NotRemounted>>) -> Result<(), Error> {
        loop {
            match self.take_report()?.map(&wanted) {
                Some(Some(Ok(()))) => return Ok(()),
                Some(Some(Err(NotRemounted::Busy { processes }))) => return Err(Error::Alive(processes)),
                Some(Some(Err(NotRemounted::Failed(failure)))) => return Err(failure.into()),
                Some(None) | None => {}
            }
        }
    }

    /// The next thing that init says; what ends the sandbox is an error.
    fn take_report(&mut self) -> Result<Option<Report>, Error> {
        let sandbox = self.sandbox.as_mut().ok_or(Error::SandboxEnded)?;
        match sandbox.next_report()? {
            Some((Report::Ready { guards, .. }, _)) => {
                self.guards = guards;
                Ok(None)
            }
            Some((Report::Failed(failure), _)) => {
                self.sandbox = None;
                Err(failure.into())
            }
            Some((report, _)) => Ok(Some(report)),
            None => {
                self.sandbox = None;
                Err(Error::InitEnded)
            }
        }
    }

    fn session(&self) -> Result<&Session, Error> {
        self.place.session().ok_or(Error::SandboxEnded)
    }
}

fn layer(directories: LayerDirectories) -> Layer {
    Layer::Directories { upper: directories.upper, work: directories.work }
}

fn request(session: &str) -> RunRequest {
    RunRequest {
        directory: None,
        session: Some(session.to_owned()),
        profile: None,
        limits: Vec::new(),
        layer: None,
        tier: None,
        network: None,
        environment: Vec::new(),
        json: false,
        stats: None,
        admission: None,
        approved: false,
        command: Vec::new(),
        call: None,
    }
}
