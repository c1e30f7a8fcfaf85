//! A session in a sandbox that lives on: many commands at once, each of which costs a fork there, what they leave
//! running stays, and snapshots and rollbacks put other layers under it.
//!
//! ```text
//!            start                        snapshot, rollback, refresh
//!   quiet ──────────▶ commands run          (quiet, or what runs is ended first)
//!     ▲ ▲   nothing left │   │ left running        │
//!     │ └────────────────┘   ▼                     ▼
//!     └──────────────────── alive    new layer ▶ shown ▶ written down ▶ quiet
//! ```
//! The record is written last: until then the session is as it was, whoever is killed. A view that cannot be
//! made that of the record ends the sandbox.
//!
//! Nothing here waits for a command: whoever conducts the sandbox polls what [`LiveSandbox::polled`] names, until
//! [`LiveSandbox::due`] at most, and lets it [`LiveSandbox::advance`].

mod apart;
mod asked;
mod blocking;
mod conduct;
mod ended;
mod exec;
mod heard;
mod history;
mod layers;
mod parked;
mod renewal;
mod retention;
mod spares;
mod start;
mod surroundings;
mod terminal;
mod veil;
mod verbs;

use std::time::{Duration, Instant, SystemTime};

use clearing_profiles::{LayerPlace, Profile};
use clearing_rootfs::{Emptiness, LayerDirectories, Parts, Session};
use clearing_runtime::spec::Layer;
use clearing_runtime::{GuardReport, Sandbox};

pub use blocking::{Executed, Wanted};
pub use clearing_runtime::spec::Others;

use crate::audit::{Audit, ProfileMark};
use crate::error::Error;
use crate::exec::{Asked, Prepared};
use crate::host::Host;
use crate::leftover::Leftover;
use crate::limits::Hold;
use crate::outcome::Tier;
use crate::place::Place;
use crate::plan;
use crate::request::RunRequest;
use crate::workspace::Workspace;
pub(crate) use asked::{ExecAsked, Given, Happened, Reader, What};
use exec::{Exec, Rest};
pub(crate) use parked::{NotGiven, Parked, Parking, Remains};
pub(crate) use renewal::Reread;
use spares::Spare;
pub(crate) use start::nothing;

/// A session and its living sandbox. Nobody else can change the session meanwhile.
///
/// Dropped, every process in it is ended.
pub struct LiveSandbox {
    /// None once it has ended.
    sandbox: Option<Sandbox>,
    hold: Hold,
    profile: Profile,
    /// What it says now, where that is something else.
    next: Option<Box<Profile>>,
    mark: ProfileMark,
    host: Host,
    workspace: Workspace,
    place: Place,
    audit: Audit,
    request: RunRequest,
    guards: Vec<GuardReport>,
    /// What the caller should know of how it was made.
    notes: Vec<String>,
    /// What is known of sealed layers.
    parts: Parts,
    spares: Vec<Spare>,
    /// How many there have been.
    commands: u32,
    execs: Vec<Exec>,
    /// What commands that have ended left running.
    rests: Vec<Rest>,
    view: View,
    /// When it is written down that nothing runs, if that is so until then.
    settling: Option<Instant>,
    /// When it was written down that something runs.
    begun: Instant,
    /// What takes the project's changes, where it is known to be empty.
    unwritten: Option<Emptiness>,
    /// The state that the session goes back to by itself, where the profile says so.
    before: Option<String>,
    /// How many layers there were after the last time that there were too many.
    depth: usize,
    /// Since when there are layers that nobody names any more.
    uncollected: Option<Instant>,
    /// Removes them.
    collecting: Option<std::thread::JoinHandle<()>>,
    /// What nobody has been told yet.
    happened: Vec<(u32, Happened)>,
}

/// How the project is shown.
struct View {
    /// Since when nothing of it was looked up.
    mounted: SystemTime,
    /// Whether a command has looked at it since.
    looked: bool,
    /// Whether only another mount shows what has changed.
    is_stale: bool,
    /// Whether it was seen to have changed below what runs, and for how long a no is good.
    changed: Option<(Instant, bool)>,
}

impl Default for View {
    fn default() -> Self {
        Self { mounted: SystemTime::now(), looked: false, is_stale: false, changed: None }
    }
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

impl From<LiveError> for Error {
    fn from(LiveError(error): LiveError) -> Self {
        error
    }
}

impl LiveError {
    /// Whether it was refused because of processes that are alive.
    pub fn is_alive(&self) -> bool {
        matches!(self.0, Error::Alive(_))
    }

    /// Whether the rules on commands refused it.
    pub fn is_denied(&self) -> bool {
        matches!(self.0, Error::Denied(_))
    }

    /// A way forward.
    pub fn hint(&self) -> Option<String> {
        self.0.hint()
    }
}

impl LiveSandbox {
    /// Takes a session, by id or name, and makes its sandbox.
    pub fn open(session: &str) -> Result<Self, LiveError> {
        let request = RunRequest { session: Some(session.to_owned()), ..RunRequest::default() };
        Ok(Self::open_as(request)?)
    }

    /// The same with another profile, or with what else a caller may change of it. The request names a session, and
    /// neither a command nor variables.
    pub(crate) fn open_as(request: RunRequest) -> Result<Self, Error> {
        Self::make(Asked::by(&request, None)?, request.clone(), None)
    }

    /// The same of a session that is held already; its lines go to that record.
    fn open_in(request: RunRequest, session: Session, audit: Audit) -> Result<Self, Error> {
        Self::make(Asked::of_session(&request, session)?, request.clone(), Some(audit))
    }

    fn make(asked: Asked<'_>, request: RunRequest, audit: Option<Audit>) -> Result<Self, Error> {
        if asked.host.tier == Tier::Landlock || asked.profile.filesystem.layer == LayerPlace::Copy {
            return Err(Error::NoOverlay("the profile or the host wants a copy".into()));
        }
        let mut hold = Hold::of_living(&asked.profile.limits)?;
        let mut sandbox = Sandbox::launch(&plan::birth(&asked.profile, &asked.host), hold.group())?;
        hold.settle(&mut sandbox)?;
        let profile = asked.profile.clone();
        let prepared = asked.prepare()?;
        if prepared.workspace.elsewhere.is_some() {
            return Err(Error::NoOverlay("the project is copied".into()));
        }
        if !prepared.workspace.read_only.is_empty() {
            // A mount upon a layer that is replaced would show the old one.
            return Err(Error::NoOverlay("the profile has `read_only` paths".into()));
        }
        let notes = prepared.look_around()?;
        let own = prepared.place.session().map(Session::path);
        let sources = plan::sources(&prepared.workspace, &prepared.host, own.as_deref());
        let held = prepared.place.descriptors();
        sandbox.build_living(&prepared.plan.sandbox, &sources, &held)?;
        let Prepared { workspace, host, store, place, profile: mark, .. } = prepared;
        let audit = audit.unwrap_or_else(|| Audit::at(store.path()));
        let mut live = Self {
            sandbox: Some(sandbox),
            hold,
            profile,
            next: None,
            mark,
            host,
            workspace,
            place,
            audit,
            request,
            guards: Vec::new(),
            notes,
            parts: Parts::default(),
            spares: Vec::new(),
            commands: 0,
            execs: Vec::new(),
            rests: Vec::new(),
            view: View::default(),
            settling: None,
            begun: Instant::now(),
            unwritten: None,
            before: None,
            depth: 0,
            uncollected: None,
            collecting: None,
            happened: Vec::new(),
        };
        live.await_ready()?;
        Ok(live)
    }

    /// Says to all who want the session that it is about to be given back.
    pub(crate) fn leave(&self) {
        self.place.session().into_iter().for_each(|session| session.leave("serve"));
    }

    /// Ends every process, and gives the session back.
    pub fn end(self) -> Result<(), LiveError> {
        Ok(self.end_telling(&mut |_, _| {})?)
    }

    /// The same, and tells what has happened and what ends now: that was cancelled.
    pub(crate) fn end_telling(mut self, tell: &mut dyn FnMut(u32, Happened)) -> Result<(), Error> {
        self.execs.iter_mut().for_each(|exec| exec.watch.is_cancelled());
        let kept = self.sandbox.take().map(Sandbox::into_kept);
        let ended = self.end_all();
        std::mem::take(&mut self.happened).into_iter().for_each(|(exec, happened)| tell(exec, happened));
        let Some(kept) = kept else { return ended };
        ended.and_then(|()| self.settle())?;
        self.collect_layers()?;
        spares::clear(self.session()?)?;
        Leftover { place: self.place, kept }.clear(Duration::MAX)
    }

    /// Init's process id.
    pub fn init(&self) -> Option<u32> {
        self.sandbox.as_ref().map(Sandbox::init)
    }

    /// How far the host isolates it.
    pub(crate) fn tier(&self) -> Tier {
        self.host.tier
    }

    /// Whether it can be used.
    pub(crate) fn is_alive(&self) -> bool {
        self.sandbox.is_some()
    }

    /// The session's record, as it is now.
    pub(crate) fn record(&self) -> Result<&clearing_rootfs::Record, Error> {
        Ok(self.session()?.record())
    }

    /// What the caller should know of how it was made.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What became of the guards of the sandbox itself.
    pub(crate) fn guards(&self) -> &[GuardReport] {
        &self.guards
    }
}

fn layer(directories: LayerDirectories) -> Layer {
    Layer::Directories { upper: directories.upper, work: directories.work }
}
