//! What each tier holds of what clearing promises.

use serde::Serialize;

use crate::host::Host;
use crate::outcome::Tier;

/// A promise that does not hold, or not wholly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NotHeld {
    /// As in the README.
    pub(crate) promise: &'static str,
    /// What of it does not.
    pub(crate) why: &'static str,
}

/// When a promise holds in the tier `landlock`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Always,
    Never(&'static str),
    /// For a caller who is root, whose command is another user.
    ToRoot(&'static str),
    /// For root, and for anybody with Landlock's scopes (ABI 6, Linux 6.12).
    ByScope(&'static str),
    /// By a control group.
    ByGroup(&'static str),
}

use Held::{Always, ByGroup, ByScope, Never, ToRoot};

/// The interface that brought scopes.
const SCOPES: u32 = 6;

/// Those about isolation and limits; commit and patches are the same in every tier.
const LANDLOCK: [(&str, Held); 56] = [
    ("P-F1", Never("names outside can be probed and their attributes read; content and listings cannot")),
    ("P-F2", ToRoot("mode, times and attributes of your own files outside can be changed; content cannot")),
    ("P-F3", Always),
    ("P-F4", Always),
    ("P-F5", Always),
    ("P-F6", Always),
    ("P-F7", Always),
    ("P-F8", Always),
    ("P-F9", Always),
    ("P-P1", Never("the numbers and owners of the host's processes can be found; what they run cannot")),
    ("P-P2", ByScope("this kernel lets your own processes be signalled")),
    ("P-P3", ByScope("this kernel lets the sandbox's init be ended")),
    ("P-P4", Always),
    ("P-P5", Always),
    ("P-N1", Never("there are no namespaces")),
    ("P-N2", Always),
    ("P-N3", Always),
    ("P-N4", Always),
    ("P-N5", Always),
    ("P-D1", Never("the names of the host's devices can be probed; no other can be opened")),
    ("P-D2", Always),
    ("P-T1", Always),
    ("P-T2", Always),
    ("P-I1", Always),
    ("P-I2", Always),
    ("P-H1", Always),
    ("P-H2", Always),
    ("P-W1", Always),
    ("P-W2", Always),
    ("P-W3", Always),
    ("P-W4", Always),
    ("P-W5", Always),
    ("P-W6", Always),
    ("P-W7", Always),
    ("P-S1", Always),
    ("P-S2", Always),
    ("P-S3", Always),
    ("P-S4", Always),
    ("P-S5", Always),
    ("P-S6", Always),
    ("P-S7", Always),
    ("P-C1", ToRoot("the bounding set stays full, and no_new_privs keeps it from having an effect")),
    ("P-C2", Always),
    ("P-C3", Always),
    ("P-C4", Always),
    ("P-L1", ByGroup("the kernel counts your other processes as well")),
    ("P-L2", ByGroup("nobody adds up the memory of all processes")),
    ("P-L3", ByGroup("nothing holds the processors")),
    ("P-L4", Never("what is deleted while it is open is not counted")),
    ("P-L5", Always),
    ("P-L6", Always),
    ("P-L7", Always),
    ("P-E1", ByScope("this kernel lets a command end init first")),
    ("P-E2", ByScope("this kernel lets a command end init first")),
    ("P-E3", Always),
    ("P-E4", Always),
];

/// What people miss who work there.
const UNUSABLE: NotHeld = NotHeld {
    promise: "P-U1",
    why: "`/tmp` (`TMPDIR` is another), `/dev/shm`, `/proc/self`, sockets and System V objects cannot be used",
};

/// The promises that do not hold. `by_group`: whether a control group holds the limits of the run.
pub(crate) fn not_held(host: &Host, by_group: bool) -> Vec<NotHeld> {
    if host.tier == Tier::Namespaces {
        return Vec::new();
    }
    let scoped = clearing_runtime::landlock_abi().is_some_and(|abi| abi >= SCOPES);
    let why = |held: &Held| match *held {
        Always => None,
        Never(why) => Some(why),
        ToRoot(why) => (!host.is_privileged()).then_some(why),
        ByScope(why) => (!host.is_privileged() && !scoped).then_some(why),
        ByGroup(why) => (!by_group).then_some(why),
    };
    let missing = LANDLOCK.iter().filter_map(|(promise, held)| Some(NotHeld { promise, why: why(held)? }));
    missing.chain([UNUSABLE]).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_promise_about_isolation_and_limits_stands_once() {
        let groups =
            [("F", 9), ("P", 5), ("N", 5), ("D", 2), ("T", 2), ("I", 2), ("H", 2), ("W", 7), ("S", 7)];
        let groups = groups.into_iter().chain([("C", 4), ("L", 7), ("E", 4), ("U", 1)]);
        let all = groups.flat_map(|(group, last)| (1..=last).map(move |number| format!("P-{group}{number}")));
        let named = LANDLOCK.iter().map(|(promise, _)| *promise).chain([UNUSABLE.promise]);
        assert_eq!(all.collect::<BTreeSet<_>>(), named.map(str::to_owned).collect());
    }
}
