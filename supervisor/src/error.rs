//! Why there is no outcome of a command, and what can be done about it.

use std::fmt::Write as _;
use std::path::PathBuf;

use clearing_profiles::ProfileError;
use clearing_rootfs::{
    BroughtError, CommitError, CopyError, DiffError, HiddenError, LandError, MountInfoError, ProjectError,
    QueueError, RemoveError, RunError, SeenError, SessionError, StoreError, WalkError,
};
use clearing_runtime::Failure;

use crate::audit::AuditError;
use crate::client::Refusal;
use crate::files::FileError;
use crate::outcome::ErrorText;
use crate::policy::Denied;
use crate::text::printable;
use crate::{error_code, exit_code, hints};

/// One failed step of a run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The request itself.
    #[error("{0}")]
    Request(String),
    /// The profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The project.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// What is to be hidden.
    #[error(transparent)]
    Hidden(#[from] HiddenError),
    /// The server that holds the session.
    #[error(transparent)]
    Server(#[from] Refusal),
    /// The record.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// What the project brings for us.
    #[error(transparent)]
    Brought(#[from] BroughtError),
    /// The state directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue for a sandbox.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The run's directory.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// What the session saw of its project.
    #[error(transparent)]
    Seen(#[from] SeenError),
    /// Judging what would land.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// Landing it.
    #[error(transparent)]
    Land(#[from] LandError),
    /// The rules on commands. Whoever runs a command tells it as an outcome.
    #[error("{}", .0.message())]
    Denied(Box<Denied>),
    /// Nobody was there to say yes.
    #[error("{0} There is no terminal to ask on")]
    Unconfirmed(String),
    /// A file that the caller named, to be read.
    #[error("reading `{}`", printable(.0))]
    Input(PathBuf, #[source] std::io::Error),
    /// The function that reads patches.
    #[error("the patch was neither applied nor refused: {0}")]
    Patch(String),
    /// The function that works on files.
    #[error("nothing is known of the file: {0}")]
    Files(String),
    /// Something about a file.
    #[error(transparent)]
    File(FileError),
    /// Reading what the command changed.
    #[error(transparent)]
    Changes(#[from] WalkError),
    /// Telling what a session changed.
    #[error(transparent)]
    Diff(#[from] DiffError),
    /// Removing the run's directory.
    #[error(transparent)]
    Remove(#[from] RemoveError),
    /// The host's mounts.
    #[error(transparent)]
    Mounts(#[from] MountInfoError),
    /// An ordinary caller's project has mounts below it.
    #[error("mounts below the project cannot be shown: {}", list(.0))]
    MountsBelow(Vec<PathBuf>),
    /// The sandbox or the command.
    #[error(transparent)]
    Setup(#[from] Failure),
    /// The working copy.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The user that root's command is could not reach its own directory.
    #[error("`{}` keeps out user {}, whom the command would run as", printable(.0), .1)]
    Shut(PathBuf, u32),
    /// A server holds the session, and has no such thing.
    #[error("a server holds the session, and cannot be asked for `{option}`")]
    NotThere { option: &'static str, instead: &'static str },
    /// A command asks a living sandbox for what it was not made with.
    #[error("one command cannot have what its session's sandbox was made without: {0}")]
    MadeOtherwise(String),
    /// The profile wants limits to be held by a control group, and there is none to be had.
    #[error("the profile requires a control group for its limits: {0}")]
    NoCgroup(String),
    /// The profile asks for more of Landlock than this kernel has.
    #[error("the profile requires Landlock ABI {least}, and this kernel has {}", kernel_has(*.has))]
    LittleLandlock {
        /// What it asks for.
        least: u64,
        /// None without Landlock.
        has: Option<u32>,
    },
    /// Layers cannot change below what runs.
    #[error("{0} processes are alive in the sandbox")]
    Alive(u64),
    /// What a patch has written by now is no state of the session.
    #[error("a patch is being applied to the session")]
    Patching,
    /// The sandbox was ended, and nothing more is done in it.
    #[error("the sandbox has ended")]
    SandboxEnded,
    /// A workspace that is no overlay has no other layers to show.
    #[error("a sandbox that lives on needs an overlay: {0}")]
    NoOverlay(String),
    /// Something killed the sandbox's first process.
    #[error("the sandbox's init was killed, and the command with it")]
    InitEnded,
    /// The supervisor's own system calls.
    #[error("{0}")]
    System(&'static str, #[source] std::io::Error),
    /// A file that the caller named.
    #[error("writing `{}`", printable(.0))]
    Result(PathBuf, #[source] std::io::Error),
}

fn kernel_has(abi: Option<u32>) -> String {
    abi.map_or_else(|| "none".to_owned(), |abi| format!("ABI {abi}"))
}

impl Error {
    /// The whole chain in one line, without what stands in the line before.
    pub(crate) fn message(&self) -> String {
        chain(self)
    }

    /// A way forward.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Project(error) => error.hint().map(str::to_owned),
            Self::Hidden(_) => Some("no command runs as long as it is not known what it must not see".into()),
            Self::Server(refusal) => refusal.hint.clone(),
            Self::Audit(error) => Some(error.hint().to_owned()),
            Self::Brought(error) => error.hint().map(str::to_owned),
            Self::Profile(error) => error.hint(),
            Self::Store(error) => error.hint().map(str::to_owned),
            Self::Queue(error) => error.hint().map(str::to_owned),
            Self::Run(error) => error.hint().map(str::to_owned),
            Self::Commit(error) => error.hint().map(str::to_owned),
            Self::Land(error) => error.hint().map(str::to_owned),
            Self::Seen(_) => None,
            Self::Session(error) => error.hint(),
            Self::Denied(denied) => denied.text().hint,
            Self::Unconfirmed(_) => Some("`--yes` answers every question".into()),
            Self::File(error) => error.hint.clone(),
            Self::Remove(error) => error.hint().map(str::to_owned),
            Self::Changes(error) => error.hint().map(str::to_owned),
            Self::Diff(error) => error.hint().map(str::to_owned),
            Self::Mounts(error) => error.hint().map(str::to_owned),
            Self::MountsBelow(_) => {
                Some("unmount them, name a directory without them with -w, or run as root".into())
            }
            Self::Copy(error) => error.hint().map(str::to_owned),
            Self::Shut(..) => Some(
                "point CLEARING_STATE_DIR to a directory that others may go through, as /var/lib/clearing".into(),
            ),
            Self::Setup(failure) if failure.stage == clearing_runtime::Stage::Clone => {
                hints::of(failure).map(|hint| format!("{hint}\n{LESS}"))
            }
            Self::Setup(failure) => hints::of(failure),
            Self::System(_, error) => hints::of_call(error),
            Self::NoCgroup(_) => Some(
                "run below a delegated group, as `systemd-run --user --scope -p Delegate=yes clearing …` does, or a \
                 unit with `Delegate=yes` and `DelegateSubgroup=`, which keeps its other processes apart; or \
                 let rlimits and the watchdog hold what they can: `cgroup = \"best-effort\"` in [limits]"
                    .into(),
            ),
            Self::LittleLandlock { .. } => {
                Some("a newer kernel has it; `abi` in [landlock] of the profile asks for it".into())
            }
            Self::Alive(_) => Some("let them end, or have them ended".into()),
            Self::Patching => Some("ask again when the patch has been answered".into()),
            Self::NotThere { instead, .. } => Some((*instead).to_owned()),
            Self::MadeOtherwise(_) => Some(APART.into()),
            Self::InitEnded => Some("look for the out-of-memory killer in `dmesg`".into()),
            Self::SandboxEnded
            | Self::NoOverlay(_)
            | Self::Request(_)
            | Self::Patch(_)
            | Self::Files(_)
            | Self::Input(..)
            | Self::Result(..) => None,
        }
    }

    /// Whether it was done, and only the record does not say so.
    pub(crate) fn is_unrecorded_end(&self) -> bool {
        matches!(self, Self::Audit(error) if error.is_of_end())
    }

    /// What `clearing` exits with.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Setup(failure) if failure.stage == clearing_runtime::Stage::Execute => {
                match failure.errno {
                    nix::libc::ENOENT | nix::libc::ENOTDIR => exit_code::NOT_FOUND,
                    _ => exit_code::NOT_EXECUTABLE,
                }
            }
            _ => exit_code::REFUSED,
        }
    }

    /// For the outcome.
    pub(crate) fn text(&self) -> ErrorText {
        ErrorText { code: Some(self.code().into()), message: self.message(), hint: self.hint() }
    }

    /// What programs may tell it by.
    pub(crate) fn code(&self) -> &'static str {
        error_code::of(self)
    }
}

/// An error with all its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

/// Where one command asks for another sandbox.
const APART: &str = "`clearing fork` makes a session of the same state that no server holds, where it can be had; of a \
                     profile a command may have its own `commands`, `environment`, `limits` and `output` here";

/// Where there are no namespaces to be had.
const LESS: &str = "or accept less isolation, over a copy of the project: `--tier landlock` (`promisesNotHeld` in the outcome)";

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| printable(path)).collect::<Vec<_>>().join(", ")
}
