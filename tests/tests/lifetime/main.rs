//! The life of a run: when it ends, how that is told, and which signals reach the command.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

mod beginning;
mod deadline;
mod forwarded;
mod left_running;
mod truth;
