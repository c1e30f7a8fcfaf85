//! Why a sandbox or a command could not be set up.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One failed step: where, on what, and the kernel's answer.
///
/// Travels from init and from the command to the supervisor as a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{stage}: {action}: {}", std::io::Error::from_raw_os_error(*.errno))]
pub struct Failure {
    /// The part of the set-up that failed.
    pub stage: Stage,
    /// The call with its arguments, as `mount_setattr("/usr", read-only)`.
    pub action: String,
    /// The kernel's answer; 0 never occurs.
    pub errno: i32,
}

impl Failure {
    /// Descriptors to talk by could not be had.
    pub fn of_channel(error: &std::io::Error) -> Self {
        let errno = error.raw_os_error().unwrap_or(libc::EIO);
        Self { stage: Stage::Channel, action: "socketpair(AF_UNIX)".into(), errno }
    }
}

/// A part of the set-up, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// Creating the process and its namespaces.
    Clone,
    /// Giving the user namespace its ids.
    IdMap,
    /// Making init unreadable and mortal.
    Init,
    /// Putting the root together and entering it.
    Mounts,
    /// Bringing up loopback.
    Network,
    /// Replacing the session keyring.
    Keyring,
    /// Building or entering the Landlock domain.
    Landlock,
    /// Compiling or loading the filter.
    Seccomp,
    /// Emptying capability sets.
    Capabilities,
    /// Applying resource limits.
    Limits,
    /// Opening a terminal for the command.
    Terminal,
    /// Arranging the command's descriptors.
    Descriptors,
    /// Entering the working directory.
    WorkingDirectory,
    /// Laying what the command is to find.
    Script,
    /// Finding and executing the program.
    Execute,
    /// Talking to init.
    Channel,
    /// Having the launcher do what takes a process with one thread.
    Launcher,
}

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Clone => "clone",
            Self::IdMap => "id map",
            Self::Init => "init",
            Self::Mounts => "mounts",
            Self::Network => "network",
            Self::Keyring => "keyring",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
            Self::Capabilities => "capabilities",
            Self::Limits => "limits",
            Self::Terminal => "terminal",
            Self::Descriptors => "descriptors",
            Self::WorkingDirectory => "working directory",
            Self::Script => "script",
            Self::Execute => "execute",
            Self::Channel => "channel",
            Self::Launcher => "launcher",
        })
    }
}

/// Names the step that a system call's error belongs to.
pub(crate) trait AtStage<T> {
    /// Turns the error into a [`Failure`]; `action` is only built when there is one.
    fn at(self, stage: Stage, action: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: Into<std::io::Error>> AtStage<T> for Result<T, E> {
    fn at(self, stage: Stage, action: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|error| {
            let errno = error.into().raw_os_error().unwrap_or(libc::EIO);
            Failure { stage, action: action(), errno }
        })
    }
}
