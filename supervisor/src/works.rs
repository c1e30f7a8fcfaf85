//! What processes of our own can be asked for, and the process that forks them for a server.

use clearing_runtime::{Failure, Work, launcher, register_functions, register_works};

use crate::functions::FUNCTIONS;
use crate::monitor;

/// Each is known by its place.
static WORKS: [Work; 1] = [monitor::add_up];
/// Adds up what was written where only root of a user namespace gets in.
pub(crate) const ADD_UP: u32 = 0;

/// Makes them known to processes that are forked from here on.
pub(crate) fn register() {
    // False if they are already.
    register_works(&WORKS);
}

/// Starts the process by which sandboxes are opened from any thread: first of all, from the one thread that there
/// is, which then lives as long as the process does.
pub fn start_launcher() -> Result<(), Failure> {
    register_functions(&FUNCTIONS);
    register();
    launcher::start()
}
