//! Many sandboxes at once, and who waits when there are enough.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

mod admission;
mod alive;
