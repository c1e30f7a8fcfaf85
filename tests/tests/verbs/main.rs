//! What holds for every verb of the binary, whichever there are.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

mod help;
mod hostile;
mod json;
mod progress;
mod readme;
