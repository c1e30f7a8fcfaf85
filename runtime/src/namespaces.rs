//! The seven namespaces.

use nix::sched::{CloneFlags, unshare};

use crate::error::{AtStage as _, Failure, Stage};
use crate::guard::{Guard, GuardReport};
use crate::spec::Network;

/// What only a new process can have: its user namespace, which owns all others, and its PID namespace.
const BORN: [(Guard, CloneFlags, &str); 2] = [
    (Guard::User, CloneFlags::CLONE_NEWUSER, "own user namespace"),
    (Guard::Pid, CloneFlags::CLONE_NEWPID, "own PID namespace"),
];

/// What that process makes for itself. A network namespace takes longer than all the others, and the
/// supervisor need not wait for it.
const UNSHARED: [(Guard, CloneFlags, &str); 4] = [
    (Guard::Mount, CloneFlags::CLONE_NEWNS, "own mount namespace"),
    (Guard::Ipc, CloneFlags::CLONE_NEWIPC, "own IPC namespace"),
    (Guard::Uts, CloneFlags::CLONE_NEWUTS, "own UTS namespace"),
    (Guard::Cgroup, CloneFlags::CLONE_NEWCGROUP, "own cgroup namespace"),
];

/// The flags of the `clone3` that makes init.
pub(crate) fn clone_flags() -> CloneFlags {
    flags(&BORN)
}

/// Makes the other namespaces, for a process that was born with [`clone_flags`].
pub(crate) fn unshare_others(network: Network) -> Result<(), Failure> {
    let flags = others(network);
    unshare(flags).at(Stage::Clone, || format!("unshare({:#x})", flags.bits()))
}

/// The flags for all seven.
pub(crate) fn all_flags() -> CloneFlags {
    clone_flags() | others(Network::None)
}

/// What holds once they are made.
pub(crate) fn reports(network: Network) -> Vec<GuardReport> {
    let network = match network {
        Network::None => GuardReport::enforced(Guard::Network, "own network namespace, loopback only"),
        Network::Host => GuardReport::missing(Guard::Network, "the host's network was asked for"),
    };
    let made = BORN.iter().chain(&UNSHARED).map(|(guard, _, how)| GuardReport::enforced(*guard, *how));
    made.chain([network]).collect()
}

fn others(network: Network) -> CloneFlags {
    match network {
        Network::None => flags(&UNSHARED) | CloneFlags::CLONE_NEWNET,
        Network::Host => flags(&UNSHARED),
    }
}

fn flags(namespaces: &[(Guard, CloneFlags, &str)]) -> CloneFlags {
    namespaces.iter().map(|(_, flag, _)| *flag).collect()
}
