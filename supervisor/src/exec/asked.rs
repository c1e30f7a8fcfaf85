//! From a request to what is ready to start: who asks, what he is permitted, and what that becomes on this host.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clearing_profiles::Profile;
use clearing_rootfs::{Project, ProjectRequest, Session, Store};
use clearing_runtime::quota::release;

use super::Prepared;
use crate::audit::ProfileMark;
use crate::copying::{Copying, Why};
use crate::error::Error;
use crate::host::Host;
use crate::named::Named;
use crate::outcome::Tier;
use crate::permission::Wanted;
use crate::place::Place;
use crate::plan::{plan, search_path};
use crate::policy::{Case, Confirm, begins};
use crate::quota::Quota;
use crate::refused::Onlooker;
use crate::relay::Streams;
use crate::request::RunRequest;
use crate::rollback::Before;
use crate::session::sessions;
use crate::tier;
use crate::workspace::Workspace;

/// Who asks, and what he is permitted.
pub(crate) struct Asked<'a> {
    request: &'a RunRequest,
    pub(super) session: Option<Box<Session>>,
    before: Before,
    pub(crate) profile: Profile,
    permit: Option<String>,
    pub(crate) host: Host,
    state: PathBuf,
    project: Project,
    started: Instant,
}

impl<'a> Asked<'a> {
    /// Without anybody to confirm there is no command yet, and nothing is judged.
    pub(crate) fn by(request: &'a RunRequest, confirm: Option<Confirm<'_>>) -> Result<Self, Error> {
        let started = Instant::now();
        let session = request.session.as_deref().map(hold_session).transpose()?;
        Self::with(request, session, confirm, started)
    }

    /// The same in a session that is held already, where there is no command yet.
    pub(crate) fn of_session(request: &'a RunRequest, session: Session) -> Result<Self, Error> {
        Self::with(request, Some(Box::new(session)), None, Instant::now())
    }

    fn with(
        request: &'a RunRequest,
        mut session: Option<Box<Session>>,
        confirm: Option<Confirm<'_>>,
        started: Instant,
    ) -> Result<Self, Error> {
        let mut host = Host::of_caller();
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
            begins: begins(&project.root, &project.cwd),
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
    pub(super) fn told_tier(&self) -> Option<String> {
        let less = "nothing but Landlock and the system call filter holds the command";
        let home =
            self.session.as_ref().map_or("", |_| "; what it writes to its home is not kept in the session");
        (self.host.tier == Tier::Landlock)
            .then(|| format!("this host has no namespaces to give: {less}{home}"))
    }

    pub(crate) fn prepare(self) -> Result<Prepared, Error> {
        let Self { request, session, before, profile, permit, mut host, state, project, started } = self;
        let streams = Streams::of_request(request, profile.limits.output)?;
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
                call: request.call.as_ref().map(|call| call.verb),
                mark: request.mark(),
                act: None,
            }),
            Err(error) => place.discard().and(Err(error)),
        }
    }
}

fn hold_session(name: &str) -> Result<Box<Session>, Error> {
    Ok(Box::new(sessions()?.open(name, "exec")?))
}

/// `PATH` finds the program, and so always comes along.
pub(crate) fn passes(profile: &Profile, workspace: &Workspace, name: &str) -> bool {
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
