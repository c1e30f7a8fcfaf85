//! Ways forward after a failed set-up.

use clearing_runtime::Failure;

/// What can be done about `failure` on this host.
pub(crate) fn of(_failure: &Failure) -> Option<String> {
    None
}
