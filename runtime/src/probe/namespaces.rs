//! User namespace, all seven, and a whole sandbox in them.

use std::collections::BTreeSet;
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};

use super::trial::{NAMES, in_user_namespace, silence};
use super::{Answer, Request};
use crate::channel::Report;
use crate::error::{AtStage as _, Failure, Stage};
use crate::namespaces;
use crate::sandbox::Sandbox;
use crate::spec::{
    Birth, ExecSpec, Identity, Layer, Mount, Namespaces, Network, Owners, PathRule, Rights, Room,
    SHIFTED_IDS, SandboxSpec, SyscallRule,
};

/// A user namespace of its own, with the ids of a sandbox.
pub(super) fn user_namespace(request: &Request<'_>) -> Answer {
    let identity = request.identity;
    in_user_namespace(0, identity, || {
        Ok(match identity {
            Identity::Caller { uid, gid } => format!("{uid}:{gid} mapped to itself"),
            Identity::Shifted { base, .. } => {
                format!("ids {base} to {} are its own", base + (SHIFTED_IDS - 1))
            }
        })
    })
}

/// All at once, as a sandbox has them; a failure names the kind that is to blame.
pub(super) fn all_seven(request: &Request<'_>) -> Answer {
    let flags = namespaces::all_flags().bits();
    let seven = in_user_namespace(flags, request.identity, || {
        Ok("user, mount, pid, network, ipc, uts, cgroup".into())
    });
    seven.map_err(|failure| blame(request.identity).unwrap_or(failure))
}

fn blame(identity: Identity) -> Option<Failure> {
    NAMES.iter().find_map(|(_, flag)| in_user_namespace(*flag, identity, || Ok(String::new())).err())
}

/// Every guard of a run, in a sandbox with nothing in it: the command goes all the way to its
/// `execve(2)`, which finds no program.
pub(super) fn sandbox(request: &Request<'_>) -> Answer {
    let spec = empty_sandbox(request);
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .at(Stage::Descriptors, || "open(\"/dev/null\")".into())?;
    let namespaces = Namespaces { identity: request.identity, network: Network::None };
    let mut sandbox = Sandbox::launch(&Birth::Namespaces(namespaces), None)?;
    sandbox.build(&spec, &[])?;
    sandbox.exec(&no_program(), [null.as_fd(), null.as_fd(), null.as_fd()])?;
    let mut guards = 0;
    while let Some((report, _)) = sandbox.next_report()? {
        match report {
            Report::Ready { guards: enforced, .. } => guards = enforced.len(),
            Report::Failed(failure) => return Err(failure),
            Report::NotStarted { failure, .. } if is_no_program(&failure) => {
                return Ok(format!("{guards} guards around init, and a command confined in it"));
            }
            Report::NotStarted { failure, .. } => return Err(failure),
            Report::Started { .. }
            | Report::Exited { .. }
            | Report::Ended { .. }
            | Report::Alone
            | Report::Stale
            | Report::Zygote(_)
            | Report::Remounted(_)
            | Report::Quiet(_)
            | Report::Observed { .. } => {}
        }
    }
    Err(silence())
}

fn is_no_program(failure: &Failure) -> bool {
    failure.stage == Stage::Execute && failure.errno == libc::ENOENT
}

fn empty_sandbox(request: &Request<'_>) -> SandboxSpec {
    let overlay = Mount::Overlay {
        lower: vec!["/usr".into()],
        layer: Layer::Memory { name: "probe".into(), mode: 0o755 },
        target: "/overlay".into(),
        owners: Owners::Host,
    };
    SandboxSpec {
        hostname: "clearing".into(),
        memory: Room { bytes: 1 << 20, inodes: 64 },
        root: vec![
            Mount::Proc { target: "/proc".into() },
            Mount::Mask { target: "/proc/kcore".into() },
            Mount::Protect { target: "/proc/sys".into() },
            Mount::Device { path: "/dev/null".into() },
            Mount::Devpts { target: "/dev/pts".into() },
            Mount::Memory { target: "/tmp".into(), mode: 0o1777 },
        ]
        .into_iter()
        .chain(request.layers_in_memory.then_some(overlay))
        .collect(),
        landlock: vec![PathRule { path: PathBuf::from("/"), rights: Rights::List }],
        syscalls: allowed(&["execve", "write", "exit_group"]),
        best_effort: BTreeSet::new(),
    }
}

fn no_program() -> ExecSpec {
    ExecSpec::of(vec![c"/no-such-program".into()])
}

/// Rules that permit these calls and no other.
pub(super) fn allowed(names: &[&'static str]) -> Vec<SyscallRule> {
    names.iter().map(|name| SyscallRule::allowed(name)).collect()
}
