//! `clearing serve --socket`: the same sessions by HTTP.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

mod peer;
mod resources;
mod socket;
