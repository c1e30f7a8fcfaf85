//! Conducts a run: from a request on the command line to an outcome.
//!
//! Three pages tell the story: `exec.rs` what happens to a request, `plan.rs` what it becomes, and
//! `confine.rs` of the runtime what the kernel is told.
#![forbid(unsafe_code)]

mod changes_text;
pub mod cli;
mod error;
mod exec;
mod exit_code;
mod hints;
mod host;
mod leftover;
mod outcome;
mod plan;
mod relay;
mod signals;
mod terminal;
mod text;
mod watch;
mod workspace;
