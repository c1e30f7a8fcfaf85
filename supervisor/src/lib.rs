//! Conducts a run: from a request on the command line to an outcome.
//!
//! Three pages tell the story: `exec.rs` what happens to a request, `plan.rs` what it becomes, and
//! `confine.rs` of the runtime what the kernel is told.
#![forbid(unsafe_code)]

mod admission;
mod alerts;
mod assemble;
mod at_once;
mod attend;
mod audit;
mod changes_text;
pub mod cli;
mod client;
mod commit;
mod commit_report;
mod commit_text;
mod compared;
mod copying;
mod digest;
mod error;
mod error_code;
mod exec;
mod exit_code;
mod files;
mod functions;
mod gc;
mod hiding;
mod hints;
mod host;
mod http;
mod leftover;
mod limits;
#[expect(dead_code, reason = "what conducts many sandboxes is to come")]
pub mod live;
mod lost;
mod mcp;
mod monitor;
mod named;
mod notify;
mod outcome;
mod patch;
mod peer;
mod permission;
mod place;
mod plan;
mod policy;
mod progress;
mod promises;
mod protocol;
mod question;
mod quota;
mod refused;
mod relay;
mod request;
mod rollback;
mod script;
mod server;
mod session;
mod signals;
mod stats;
mod terminal;
mod text;
mod tier;
mod usage;
mod users;
mod verdict;
mod watch;
mod why;
mod works;
mod workspace;

#[doc(hidden)]
pub use files::FilesOnce;
#[doc(hidden)]
pub use patch::MeasuredCheck;
pub use works::start_launcher;
