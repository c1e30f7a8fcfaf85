//! What each method does.

mod changes;
mod files;
mod general;
mod patch;
mod session;
mod snapshot;

pub(super) use general::initialize;
pub(super) use session::check_profile;
