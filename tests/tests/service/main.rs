//! The service under systemd: the system's, which serves several users, and a user's own.
//!
//! What is proved here changes a machine, and is proved in one that is thrown away
//! ([`machine::Machine::with_socket`]).
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

mod door;
mod hardening;
mod lifetime;
mod machine;
mod own;
mod reload;
mod users;
