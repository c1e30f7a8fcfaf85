//! The seven namespaces.

use crate::guard::{Guard, GuardReport};
use crate::spec::Network;

const CLONED: [(Guard, libc::c_int, &str); 6] = [
    (Guard::User, libc::CLONE_NEWUSER, "own user namespace"),
    (Guard::Mount, libc::CLONE_NEWNS, "own mount namespace"),
    (Guard::Pid, libc::CLONE_NEWPID, "own PID namespace"),
    (Guard::Ipc, libc::CLONE_NEWIPC, "own IPC namespace"),
    (Guard::Uts, libc::CLONE_NEWUTS, "own UTS namespace"),
    (Guard::Cgroup, libc::CLONE_NEWCGROUP, "own cgroup namespace"),
];

/// The flags of the one `clone3` that makes them all.
pub(crate) fn clone_flags(network: Network) -> u64 {
    let others = CLONED.iter().fold(0, |flags, (_, flag, _)| flags | *flag as u64);
    match network {
        Network::None => others | libc::CLONE_NEWNET as u64,
        Network::Host => others,
    }
}

/// What holds once that `clone3` has succeeded.
pub(crate) fn reports(network: Network) -> Vec<GuardReport> {
    let network = match network {
        Network::None => GuardReport::enforced(Guard::Network, "own network namespace, loopback only"),
        Network::Host => GuardReport::missing(Guard::Network, "the host's network was asked for"),
    };
    let cloned = CLONED.iter().map(|(guard, _, how)| GuardReport::enforced(*guard, *how));
    cloned.chain([network]).collect()
}
