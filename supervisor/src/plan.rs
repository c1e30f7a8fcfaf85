//! The one translator: what a profile permits, on this workspace, as a spec for the kernel.
//!
//! Pure: everything it needs is in its arguments, and its result can be printed and compared.

mod bare;
mod environment;
mod exec;
mod named;
mod rlimits;
mod room;
mod root;
mod rules;
mod view;

pub(crate) use environment::search_path;
pub(crate) use exec::{Command, exec};
pub(crate) use view::PlanView;

use clearing_profiles::{Guard as Named, Limits, NetworkMode, Profile, Requirement};
use clearing_runtime::Guard;
use clearing_runtime::spec::{
    Bare, Birth, ExecSpec, Identity, Mount, Namespaces, Network, SandboxSpec, Source, Terminal,
};
use std::collections::BTreeSet;
use std::ffi::CString;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::host::Host;
use crate::outcome::Tier;
use crate::request::RunRequest;
use crate::workspace::Workspace;

/// The host name inside.
pub(crate) const HOSTNAME: &str = "clearing";
/// User and group inside of a caller who is root: nobody's on the host.
const SHIFTED_USER: u32 = 1000;

/// What is going to be done, completely; [`view`] shows it.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What init is born with.
    pub(crate) birth: Birth,
    /// The sandbox.
    pub(crate) sandbox: SandboxSpec,
    /// The command.
    pub(crate) exec: ExecSpec,
    /// What the command may take.
    pub(crate) limits: Limits,
}

/// The only command of a run.
pub(crate) const EXEC: u32 = 1;

/// Translates.
pub(crate) fn plan(
    profile: &Profile,
    workspace: &Workspace,
    request: &RunRequest,
    host: &Host,
    terminal: Option<Terminal>,
) -> Result<Plan, Error> {
    Ok(Plan {
        birth: birth(profile, host),
        sandbox: SandboxSpec {
            hostname: HOSTNAME.to_owned(),
            memory: room::of(profile, workspace),
            root: if is_bare(host) { Vec::new() } else { root::steps(profile, workspace, host) },
            landlock: match &workspace.elsewhere {
                Some(at) if is_bare(host) => bare::paths(profile, workspace, host, at),
                _ => named::restricted(rules::paths(profile, workspace, host), workspace),
            },
            syscalls: match is_bare(host) {
                true => bare::syscalls(rules::syscalls(profile), profile.network.mode),
                false => named::enforced(rules::syscalls(profile), profile),
            },
            best_effort: best_effort(profile),
        },
        exec: exec(profile, &profile.limits, workspace, Command::of(request, terminal), host)?,
        limits: room::effective(profile, workspace),
    })
}

/// What is to be shown from now on at `targets`, which are shown already.
pub(crate) fn remount(
    profile: &Profile,
    workspace: &Workspace,
    host: &Host,
    targets: &BTreeSet<PathBuf>,
) -> Vec<Mount> {
    root::layers_at(profile, workspace, host, targets)
}

/// What the project's overlay does not show from now on.
pub(crate) fn veil(workspace: &Workspace) -> Mount {
    root::veil(workspace)
}

/// What layers of a living sandbox are made of.
pub(crate) fn sources(workspace: &Workspace, host: &Host, session: Option<&Path>) -> Vec<Source> {
    root::sources(workspace, host, session)
}

/// The part of a plan that neither depends on the workspace nor on the command.
pub(crate) fn birth(profile: &Profile, host: &Host) -> Birth {
    match host.tier {
        Tier::Namespaces => {
            Birth::Namespaces(Namespaces { identity: identity(host), network: network(profile) })
        }
        Tier::Landlock => Birth::Bare(Bare { user: host.bare_user(), network: network(profile) }),
    }
}

fn is_bare(host: &Host) -> bool {
    host.tier == Tier::Landlock
}

/// The ids that the command sees as its own.
pub(crate) fn identity_inside(host: &Host) -> (u32, u32) {
    if host.is_privileged() { (SHIFTED_USER, SHIFTED_USER) } else { (host.uid, host.gid) }
}

pub(crate) fn identity(host: &Host) -> Identity {
    let (uid, gid) = identity_inside(host);
    match host.is_privileged() {
        true => Identity::Shifted { uid, gid, base: host.shift_base },
        false => Identity::Caller { uid, gid },
    }
}

fn network(profile: &Profile) -> Network {
    match profile.network.mode {
        NetworkMode::None => Network::None,
        NetworkMode::Host => Network::Host,
    }
}

fn c_string(what: &str, bytes: &[u8]) -> Result<CString, Error> {
    CString::new(bytes).map_err(|_| Error::Request(format!("{what} holds a NUL byte")))
}

/// Profiles and runtime name the guards alike, and neither knows the other.
const GUARDS: [(Named, Guard); 18] = [
    (Named::User, Guard::User),
    (Named::Mount, Guard::Mount),
    (Named::Pid, Guard::Pid),
    (Named::Network, Guard::Network),
    (Named::Ipc, Guard::Ipc),
    (Named::Uts, Guard::Uts),
    (Named::Cgroup, Guard::Cgroup),
    (Named::Idmap, Guard::Idmap),
    (Named::Rootfs, Guard::Rootfs),
    (Named::Procfs, Guard::Procfs),
    (Named::Keyring, Guard::Keyring),
    (Named::Capabilities, Guard::Capabilities),
    (Named::NoNewPrivs, Guard::NoNewPrivs),
    (Named::Landlock, Guard::Landlock),
    (Named::Seccomp, Guard::Seccomp),
    (Named::Descriptors, Guard::Descriptors),
    (Named::Environment, Guard::Environment),
    (Named::Rlimits, Guard::Rlimits),
];

/// All guards, and how outcomes name them.
pub(crate) fn guards() -> impl Iterator<Item = (Named, String)> {
    let name = |guard| serde_json::to_value(guard).ok().and_then(|name| name.as_str().map(str::to_owned));
    GUARDS.iter().filter_map(move |(named, guard)| Some((*named, name(guard)?)))
}

fn best_effort(profile: &Profile) -> std::collections::BTreeSet<Guard> {
    let optional =
        |(named, _): &(Named, Guard)| profile.guards.requirement(*named) == Requirement::BestEffort;
    GUARDS.iter().copied().filter(optional).map(|(_, guard)| guard).collect()
}

#[cfg(test)]
mod tests;
