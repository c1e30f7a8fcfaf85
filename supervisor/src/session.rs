//! The verbs on sessions that run nothing.

mod steps;

use std::path::{Path, PathBuf};

use clearing_profiles::is_path;
use clearing_rootfs::{
    Changes, Hidden, LayerId, NewSession, PROJECT, PathText, Record, Recovered, Session, SessionId, Sessions,
    Snapshot, Stack, Store, Why, Written,
};
use clearing_runtime::quota::release;
use serde::Serialize;
use serde_json::json;

pub(crate) use steps::Steps;

use crate::audit::{Decision, recorded};
use crate::error::Error;
use crate::host::Host;
use crate::permission::{Wanted, of_project};
use crate::text::printable;
use crate::workspace::GIT;

/// The sessions of the caller's state directory.
pub(crate) fn sessions() -> Result<Sessions, Error> {
    let state = Store::default_path(&|name| std::env::var_os(name))?;
    Ok(Store::open(&state)?.leaving_by(release).sessions()?)
}

/// A validated request for a session.
#[derive(Debug)]
pub(crate) struct CreateRequest {
    /// The project, where the caller named one.
    pub(crate) directory: Option<PathBuf>,
    /// A profile's name or path.
    pub(crate) profile: String,
    /// The session's name.
    pub(crate) name: Option<String>,
}

/// Makes a session. Nothing of the project is copied, whatever its size.
pub(crate) fn create(request: &CreateRequest) -> Result<(Session, Vec<String>), Error> {
    let (host, project) = of_project(request.directory.as_deref())?;
    // What would refuse each of its commands is told now.
    Wanted { profile: &request.profile, ..Wanted::default() }.settle(&host, &project)?;
    let profile = lasting(&request.profile, &host)?;
    let new = NewSession { name: request.name.as_deref(), project: &project, profile: &profile };
    let asked = Decision {
        project: Some(PathText(project.root.clone())),
        detail: json!({ "name": request.name, "profile": profile }),
        ..Decision::asked("create")
    };
    let session = recorded(&asked, || Ok(sessions()?.create(new)?))?;
    Ok((session, project.notes.iter().map(ToString::to_string).collect()))
}

/// A profile's path means the same file from wherever the session is used.
pub(crate) fn lasting(profile: &str, host: &Host) -> Result<String, Error> {
    if !is_path(profile) {
        return Ok(profile.to_owned());
    }
    let path = host.cwd.join(profile).into_os_string();
    path.into_string().map_err(|_| Error::Request("the path of the profile is no text".into()))
}

/// What a snapshot was taken for, in words.
pub(crate) fn why(why: Why) -> &'static str {
    match why {
        Why::Initial => "the project",
        Why::Asked => "asked for",
        Why::BeforeRollback => "before a rollback",
        Why::Fork => "forked",
        Why::BeforeExec => "before a command",
        Why::RolledBack => "what was rolled back",
        Why::BeforePatch => "before a patch",
        Why::AfterPatch => "after a patch",
    }
}

/// What a session went through, in words.
pub(crate) fn recovered(past: &Recovered) -> String {
    match past {
        Recovered::ExecKilled(running) if running.foreseen => {
            "a command may have been killed with its supervisor as it began; what it wrote is kept".to_owned()
        }
        Recovered::ExecKilled(running) => format!(
            "the last command, begun {:.0}, was killed with its supervisor; what it wrote until then is kept",
            running.started
        ),
        Recovered::PatchUndone => {
            "the last patch was killed with its supervisor; the session is as it was before".to_owned()
        }
        Recovered::Unsure => {
            "the machine was started anew since this session was last written to; what was written \
                              shortly before may be missing"
                .to_owned()
        }
    }
}

/// A session, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionView<'a> {
    session: &'a SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    state: State,
    project: &'a PathText,
    profile: &'a str,
    made: String,
    used: String,
    execs: u64,
    snapshots: Vec<SnapshotView<'a>>,
    layers: usize,
    bytes: u64,
    inodes: u64,
}

/// What a session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum State {
    /// Nothing.
    Idle,
    /// A command runs in it, or was killed.
    Running,
    /// It was written to before the machine was started anew.
    Unsure,
}

/// A snapshot, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SnapshotView<'a> {
    name: &'a str,
    made: String,
    why: Why,
}

impl State {
    pub(crate) fn of(record: &Record) -> Self {
        match record.is_running() {
            true => Self::Running,
            false if record.is_unsure_now() => Self::Unsure,
            false => Self::Idle,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Unsure => "unsure",
        }
    }
}

impl<'a> SessionView<'a> {
    pub(crate) fn of(record: &'a Record, written: Written) -> Self {
        Self {
            session: &record.id,
            name: record.name.as_deref(),
            state: State::of(record),
            project: &record.project,
            profile: &record.profile,
            made: record.made.to_string(),
            used: record.used.to_string(),
            execs: record.execs,
            snapshots: record.snapshots.iter().map(SnapshotView::of).collect(),
            layers: record.depth(),
            bytes: written.bytes,
            inodes: written.inodes,
        }
    }
}

impl<'a> SnapshotView<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        Self { name: &snapshot.name, made: snapshot.made.to_string(), why: snapshot.why }
    }
}

/// A point in the history of a session: a snapshot, or the present state.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Point<'a> {
    /// What the next command would see.
    Live,
    /// The project as it is.
    Project,
    /// What the snapshot holds.
    Snapshot(&'a Snapshot),
}

/// Reads what the project looks like at a point, without a mount.
pub(crate) fn stack(sessions: &Sessions, record: &Record, point: Point<'_>) -> Result<Stack, Error> {
    let layers = sessions.uppers(record, top_of(record, point), PROJECT)?;
    let stack = Stack::open(&layers, Path::new(record.project()))?;
    Ok(stack.hiding(&Hidden::of(&record.hidden)))
}

/// The newest layer of a point; none of the project.
fn top_of<'a>(record: &'a Record, point: Point<'a>) -> Option<&'a LayerId> {
    match point {
        Point::Live => record.present(),
        Point::Project => None,
        Point::Snapshot(snapshot) => snapshot.top.as_ref(),
    }
}

/// What is different between two points.
pub(crate) fn changes(
    sessions: &Sessions,
    record: &Record,
    from: Point<'_>,
    to: Point<'_>,
) -> Result<Changes, Error> {
    Ok(Changes::between_stacks(&stack(sessions, record, from)?, &stack(sessions, record, to)?)?)
}

/// Removes a session for good, as `verb` says, with all that was written in it.
pub(crate) fn remove(sessions: &Sessions, name: &str, verb: &'static str) -> Result<(), Error> {
    let decision = match sessions.read(name) {
        Ok(record) => Decision::on(verb, &record),
        Err(_) => Decision { session: Some(name.to_owned()), ..Decision::asked(verb) },
    };
    recorded(&decision, || Ok(sessions.remove(name).map(drop)?))
}

/// What a session changed of a git directory outside of the project, which is no part of what it changed of
/// the project: in words, if there is anything.
pub(crate) fn changed_git(sessions: &Sessions, record: &Record) -> Result<Option<String>, Error> {
    let layers = sessions.uppers(record, Some(&record.live), GIT)?;
    let Some(PathText(git)) = record.git.as_ref().filter(|_| !layers.is_empty()) else { return Ok(None) };
    let changes = Changes::between_stacks(&Stack::open(&[], git)?, &Stack::open(&layers, git)?)?;
    let count = changes.counts.added + changes.counts.modified + changes.counts.deleted;
    let text = format!(
        "{count} files of the git directory `{}` changed in the session alone: it lies outside of the project, \
         and is neither compared nor committed to",
        printable(git)
    );
    Ok((count > 0).then_some(text))
}
