//! From a request to a command that init is asked for: judged, planned, written down, begun.

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant, SystemTime};

use clearing_profiles::{LimitName, Limits, Profile};
use clearing_rootfs::{PathText, Session, changed_since};
use clearing_runtime::cgroup::{Events, Group, Leaf};
use clearing_runtime::spec::{ExecSpec, Terminal};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::fs::{Mode, OFlags};
use serde_json::Value;

use super::apart::Permission;
use super::asked::{ExecAsked, Given, What};
use super::exec::Exec;
use super::spares::{self, Around};
use super::{LiveSandbox, terminal};
use crate::audit::{Act, Decision, Ended, ProfileMark, words};
use crate::error::Error;
use crate::exec::name_of;
use crate::functions;
use crate::monitor::Monitor;
use crate::plan::{self, search_path};
use crate::policy::{Case, begins};
use crate::refused::Onlooker;
use crate::relay::refuse_directory;
use crate::request::RunRequest;
use crate::watch::{Output, Pace, Watch};

/// How long init may take to tell the end of a command that was killed: it has others to look after.
const PATIENCE: Duration = Duration::from_secs(10);
/// What was seen of a project, whether it has changed below what runs, is good for so many times as long as the look
/// took.
const LOOK_LASTS: u32 = 10;
/// After so long it is written down anew when a command begins: what changes in the project before that, and after
/// the first of several commands began, cannot be told from what it saw.
const ONE_RECORD: Duration = Duration::from_secs(1);
/// So many milliseconds init may take to have ready what a command takes; it is of use only before that.
const A_LITTLE: u16 = 1000;

/// A command that has been asked for.
struct Beginning {
    began: Instant,
    /// What the sandbox's group had counted before.
    before: Option<Events>,
    act: Act,
}

impl LiveSandbox {
    /// Judges a command, writes the decision down, and asks init for it; returns at once. What the rules refuse is
    /// [`Error::Denied`], and written down too. A command that could not be begun is no exec.
    pub(crate) fn start(&mut self, asked: ExecAsked) -> Result<u32, Error> {
        let began = Instant::now();
        if self.sandbox.is_none() {
            return Err(Error::SandboxEnded);
        }
        let permission = self.permission(asked.profile.as_deref(), asked.network)?;
        let permit = self.permit(&asked, &permission, began)?;
        let limits = limits_of(permission.profile, &asked.limits)?;
        let permitted = (permission.mark, permit);
        let mut spec = self.spec(&asked, &limits)?;
        let streams = given(asked.streams)?;
        let project_changed = self.look_at_project()?;
        self.name_present()?;
        let act = self.audit.decide(&self.decision(&asked.what, &asked.limits, &spec, permitted)?)?;
        // Beside others it is read when the command begins: what happens until then may be theirs, and to read it
        // takes the alarm that may be meant for them.
        let before = self.hold.group().filter(|_| self.is_quiet()).map(Group::events);
        let asked_for = self.begin().and_then(|()| self.ask_for(&mut spec, &limits, &streams));
        let leaf = match asked_for {
            Ok(leaf) => leaf,
            Err(error) => return self.never_began(act, error),
        };
        // A leaf is new.
        let before = before.filter(|_| leaf.is_none());
        self.execs.push(self.new_exec(&spec, limits, leaf, Beginning { began, before, act }));
        if let Some(exec) = self.execs.last_mut() {
            exec.watch.end_so_far().project_changed = project_changed;
        }
        self.view.looked = true;
        // Where it cannot be written down exactly, it stands there that it may have begun earlier.
        let _ = self.session_mut().map(Session::write_owed);
        self.make_spares();
        Ok(spec.id)
    }

    /// What permits it, where that is a rule.
    fn permit(
        &self,
        asked: &ExecAsked,
        by: &Permission<'_>,
        started: Instant,
    ) -> Result<Option<String>, Error> {
        // Rules are about what callers have run; a function is our own.
        let (command, script) = match &asked.what {
            What::Command(command) => (command.clone(), None),
            What::Script { script, arguments } => {
                (script.command(arguments.iter().cloned()), Some(script.clone()))
            }
            What::Call { .. } => return Ok(None),
        };
        if command.is_empty() {
            return Err(Error::Request("there is no command".into()));
        }
        let request = RunRequest {
            command,
            script,
            environment: asked.environment.clone(),
            approved: asked.approved,
            ..self.request.clone()
        };
        let begins = begins(&self.workspace.top(), &self.workspace.begin(asked.cwd.as_deref()));
        let case = |profile: &Profile, mark: ProfileMark| {
            let case = Case {
                request: &request,
                commands: &profile.commands,
                profile: mark,
                session: self.place.session(),
                project: &self.workspace.project,
                begins,
                store: self.audit.state(),
                started,
            };
            case.decide(&|_| Ok(None))
        };
        // What is no more permitted waits for nobody.
        if let Some(next) = self.next_profile().filter(|_| by.is_sessions) {
            case(next, ProfileMark::of(next))?;
        }
        case(by.profile, by.mark.clone())
    }

    fn spec(&mut self, asked: &ExecAsked, limits: &Limits) -> Result<ExecSpec, Error> {
        let (argv, function, script) = match &asked.what {
            What::Command(command) => (command.clone(), None, None),
            What::Script { script, arguments } => {
                (script.command(arguments.iter().cloned()), None, Some(script))
            }
            What::Call { function, words, .. } => (words.clone(), Some(*function), None),
        };
        let terminal = match asked.streams {
            Given::Streams(_) => None,
            Given::Terminal { rows, columns } => {
                Some(Terminal { streams: [true; 3], rows, columns, modes: terminal::MODES })
            }
        };
        let command = plan::Command {
            argv: &argv,
            function,
            script,
            environment: &asked.environment,
            cwd: asked.cwd.as_deref(),
            umask: asked.umask,
            terminal,
        };
        let other = asked.profile.as_deref().map(|profile| (profile, self.host_of(profile)));
        let (profile, host) =
            other.as_ref().map_or((&self.profile, &self.host), |(profile, host)| (*profile, host));
        let exec = plan::exec(profile, limits, &self.workspace, command, host)?;
        self.commands += 1;
        let mut exec = ExecSpec { id: self.commands, last: false, ..exec };
        self.hold.go_first(&mut exec.limits);
        Ok(exec)
    }

    /// Sees to it that the command will see the project as it is, where nothing else runs; says whether it has
    /// changed where something does.
    fn look_at_project(&mut self) -> Result<bool, Error> {
        if self.is_quiet() {
            self.hide_anew()?;
            if self.view.is_stale && self.view.looked {
                self.show_project_anew()?;
            }
            (self.view.mounted, self.view.changed) = (SystemTime::now(), None);
            return Ok(false);
        }
        if let Some((_, changed)) =
            self.view.changed.filter(|(until, changed)| *changed || *until > Instant::now())
        {
            return Ok(changed);
        }
        let began = Instant::now();
        let changed = changed_since(&self.workspace.project.root, self.view.mounted);
        self.view.changed = Some((Instant::now() + began.elapsed() * LOOK_LASTS, changed));
        Ok(changed)
    }

    /// Writes down that something runs, unless that stands there.
    fn begin(&mut self) -> Result<(), Error> {
        self.settling = None;
        let is_written = self.session()?.record().running.is_some();
        if is_written && !(self.is_quiet() && self.begun.elapsed() > ONE_RECORD) {
            return Ok(());
        }
        if is_written {
            self.place.end()?;
        }
        self.begun = Instant::now();
        let hidden = &self.workspace.hidden;
        let session = self.place.session_mut();
        if session.is_some_and(|session| session.begin_foreseen(&hidden.paths)) {
            return Ok(());
        }
        self.place.begin(hidden)
    }

    /// Gives the leaf that the command is in, where it has limits of its own.
    fn ask_for(
        &mut self,
        spec: &mut ExecSpec,
        limits: &Limits,
        streams: &[OwnedFd; 3],
    ) -> Result<Option<Leaf>, Error> {
        let sandbox = self.sandbox.as_ref().ok_or(Error::SandboxEnded)?;
        let leaf = self.hold.leaf(sandbox, spec, limits)?;
        let streams = streams.each_ref().map(|stream| stream.as_fd());
        match &leaf {
            Some(leaf) => sandbox.exec_in(leaf, spec, streams)?,
            None => sandbox.exec(spec, streams)?,
        }
        Ok(leaf)
    }

    /// The session must not look as if there were a command.
    fn never_began(&mut self, act: Act, error: Error) -> Result<u32, Error> {
        // Why it did not goes before the failure to write that down.
        let _ = act.end(&Ended::failed(error.text()));
        let _ = self.settle();
        Err(error)
    }

    fn new_exec(
        &self,
        spec: &ExecSpec,
        limits: Limits,
        leaf: Option<Leaf>,
        Beginning { began, before, act }: Beginning,
    ) -> Exec {
        let (id, variables) = (spec.id, spec.environment.len());
        let deadline = limits.timeout.and_then(|timeout| began.checked_add(timeout));
        let pace = Pace { grace: limits.grace, patience: PATIENCE };
        let named = self.workspace.named.as_ref();
        let onlooker = named.map(|named| Onlooker::of(&self.profile, named, search_path(&self.host)));
        let monitor = Monitor::new(&limits, &self.hold, None).asked_for(began, before);
        let monitor = monitor.in_leaf(leaf.as_ref().map(Leaf::group));
        let watch = Watch::new(deadline, pace, monitor).looking_on(onlooker);
        let (mark, output, reader, act) = (None, Output::default(), None, Some(act));
        Exec { id, watch, limits, variables, began, mark, output, reader, leaf, is_clearing: false, act }
    }

    /// What the record says before a command is started.
    fn decision(
        &self,
        what: &What,
        limits: &[(LimitName, String)],
        spec: &ExecSpec,
        (mark, permit): (ProfileMark, Option<String>),
    ) -> Result<Decision, Error> {
        let verb = match what {
            What::Command(_) | What::Script { .. } => "exec",
            What::Call { words, .. } => functions::verb(words),
        };
        let limits: serde_json::Map<String, Value> =
            limits.iter().map(|(name, text)| (name.key().to_owned(), text.clone().into())).collect();
        let mut detail = match what {
            What::Command(_) => Value::Null,
            What::Script { script, .. } => script.mark(),
            What::Call { mark, .. } => mark.clone(),
        };
        if !limits.is_empty() {
            detail["limits"] = limits.into();
        }
        Ok(Decision {
            profile: Some(mark),
            rule: permit,
            argv: words(spec.argv.iter().map(|word| word.to_bytes())),
            environment: words(spec.environment.iter().map(|variable| name_of(variable.to_bytes()))),
            project: Some(PathText(self.workspace.project.root.clone())),
            ..Decision::on(verb, self.session()?.record()).with(detail)
        })
    }

    /// Before anybody asks for a command: has ready what can be, and waits for that a little.
    pub(super) fn expect_command(&mut self) -> Result<(), Error> {
        let sandbox = self.sandbox.as_ref().ok_or(Error::SandboxEnded)?;
        sandbox.expect_command()?;
        let mut polled = [PollFd::new(sandbox.as_fd(), PollFlags::POLLIN)];
        match poll(&mut polled, PollTimeout::from(A_LITTLE))
            .map_err(|errno| Error::System("poll", errno.into()))?
        {
            0 => Ok(()),
            _ => self.hear_one().map(drop),
        }
    }

    /// While the command begins.
    pub(super) fn make_spares(&mut self) {
        if let (Some(session), Some(sandbox)) = (self.place.session(), &self.sandbox) {
            let (profile, host, workspace) = (&self.profile, &self.host, &self.workspace);
            let around = Around { profile, host, workspace, session, sandbox };
            spares::prepare(&mut self.spares, &around);
        }
    }
}

/// The profile's limits, changed as a caller may.
fn limits_of(profile: &Profile, changed: &[(LimitName, String)]) -> Result<Limits, Error> {
    let mut limits = profile.limits.clone();
    for (name, text) in changed {
        limits.set(*name, text).map_err(|error| Error::Request(error.to_string()))?;
    }
    Ok(limits)
}

/// Where nothing is read and what is written goes nowhere.
pub(crate) fn nothing() -> Result<OwnedFd, Error> {
    rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .map_err(|errno| Error::System("open(/dev/null)", errno.into()))
}

/// What init hands to the command; a terminal takes the place of all three.
fn given(streams: Given) -> Result<[OwnedFd; 3], Error> {
    match streams {
        Given::Streams(streams) => {
            for (number, stream) in streams.iter().enumerate() {
                refuse_directory(number, stream)?;
            }
            Ok(streams)
        }
        Given::Terminal { .. } => Ok([nothing()?, nothing()?, nothing()?]),
    }
}
