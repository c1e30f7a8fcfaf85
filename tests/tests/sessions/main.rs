//! Sessions: many commands over one project, each upon what the ones before it wrote.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

mod closed;
mod deep;
#[cfg(target_arch = "x86_64")]
mod flat;
mod forked;
mod going_back;
mod held;
#[cfg(target_arch = "x86_64")]
mod history;
mod keeping;
mod killed;
mod odd;
mod random;
mod session;
mod upon;
