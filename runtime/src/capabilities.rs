//! No capability in any set, and no way back to one.

use rustix::io::Errno;
use rustix::thread::{self, CapabilitiesSecureBits as Bits, CapabilitySet, CapabilitySets};

use crate::error::{AtStage as _, Failure, Stage};

/// Empties the bounding set, locks the securebits so that being user 0 means nothing, and then gives up
/// the rest. The order matters: the first two need `CAP_SETPCAP`.
/// <https://man7.org/linux/man-pages/man7/capabilities.7.html>
pub(crate) fn drop_all() -> Result<(), Failure> {
    close()?;
    give_up()
}

/// Whether the calling process may empty its bounding set.
pub(crate) fn can_close() -> bool {
    thread::capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SETPCAP))
}

/// Sees to it that no program and no change of ids brings a capability back.
pub(crate) fn close() -> Result<(), Failure> {
    empty_bounding_set().at(Stage::Capabilities, || "prctl(PR_CAPBSET_DROP)".into())?;
    thread::set_capabilities_secure_bits(locked())
        .at(Stage::Capabilities, || "prctl(PR_SET_SECUREBITS)".into())
}

/// Gives up what there is, which anybody may.
pub(crate) fn give_up() -> Result<(), Failure> {
    thread::clear_ambient_capability_set()
        .at(Stage::Capabilities, || "prctl(PR_CAP_AMBIENT_CLEAR_ALL)".into())?;
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    thread::set_capabilities(None, sets).at(Stage::Capabilities, || "capset(none)".into())
}

/// Drops whatever the running kernel calls a capability, also those newer than this program.
fn empty_bounding_set() -> Result<(), Errno> {
    for number in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match thread::remove_capability_from_bounding_set(capability) {
            Err(Errno::INVAL) => break,
            dropped => dropped?,
        }
    }
    Ok(())
}

/// Every securebit that takes something away, each with its lock.
fn locked() -> Bits {
    Bits::NO_ROOT
        | Bits::NO_ROOT_LOCKED
        | Bits::NO_SETUID_FIXUP
        | Bits::NO_SETUID_FIXUP_LOCKED
        | Bits::KEEP_CAPS_LOCKED
        | Bits::NO_CAP_AMBIENT_RAISE
        | Bits::NO_CAP_AMBIENT_RAISE_LOCKED
}
