//! `clearing serve --socket`: the same sessions by HTTP.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

mod bad_input;
mod events;
mod gates;
mod handed_in;
mod handed_over;
mod logged;
mod metrics;
mod outside;
mod peer;
mod resources;
mod slow;
mod socket;
mod strangers;
