//! Proves what `clearing` promises, from outside, on the built binary.
//!
//! # Terms
//!
//! - **caller**: the user who starts `clearing`. Every proof runs for each caller that can be had.
//! - **site**: what one proof has to itself: a home, a project in it, a state directory, the binary.
//! - **decoy**: something of the host's, made by the proof, that a command must not reach.
//! - **probe**: the C program in `probe/` that makes the calls of an attack inside the sandbox.
//!
//! # Example
//!
//! ```no_run
//! use clearing_tests::{Site, for_each_caller};
//!
//! for_each_caller(|caller| {
//!     let site = Site::new(caller);
//!     let output = site.run(["sh", "-c", "echo hi > note.txt"]).output();
//!     output.expect_code(0);
//!     assert!(!site.project().join("note.txt").exists());
//! });
//! ```
//!
//! Nothing here hangs: whatever is started is killed after [`DEADLINE`], and the proof fails.

mod binary;
mod caller;
mod client;
mod collected;
pub mod decoys;
mod family;
mod leaks;
mod output;
mod patience;
mod probe;
mod random;
mod run;
mod running;
mod site;
mod timely;
mod tools;
#[cfg(target_arch = "x86_64")]
mod traced;
mod tree;
mod verbs;

pub use binary::install;
pub use caller::{Caller, absent, for_each_caller, skip};
pub use client::{Client, code_of};
pub use family::{children, init_of, is_stopped};
pub use leaks::assert_nothing_left;
pub use output::Output;
pub use patience::patience;
pub use random::{Random, TELL};
pub use run::Run;
pub use running::{DEADLINE, Running};
pub use site::{Site, expect_success};
pub use timely::{in_time, measured, own_processor_time};
#[cfg(target_arch = "x86_64")]
pub use traced::{Change, Trace, run_and_count, run_and_kill, run_and_kill_alone, run_and_meddle};
pub use tree::Tree;
pub use verbs::verbs;
