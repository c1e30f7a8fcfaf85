//! Who a sandbox of these proofs is.

use clearing_runtime::spec::{Identity, Namespaces, Network};
use nix::unistd::{getegid, geteuid};

/// The caller, or for root somebody else.
pub(crate) fn identity() -> Identity {
    let (uid, gid) = (geteuid(), getegid());
    if uid.is_root() {
        Identity::Shifted { uid: 1000, gid: 1000, base: 524_288 }
    } else {
        Identity::Caller { uid: uid.as_raw(), gid: gid.as_raw() }
    }
}

pub(crate) fn namespaces() -> Namespaces {
    Namespaces { identity: identity(), network: Network::None }
}
