//! Limits that hold, by whatever means the host gives, and usage that is true.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

mod causes;
mod cpu;
mod disk;
mod flags;
mod leaf;
mod means;
mod memory;
mod output;
mod processes;
mod profile;
mod shared_by_a_user;
mod told;
mod usage;
