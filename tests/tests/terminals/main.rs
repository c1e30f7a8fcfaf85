//! A relayed terminal behaves as one that the command has to itself, and is given back as it was.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

mod bulk;
mod jobs;
mod keys;
mod mixes;
mod notes;
mod restored;
mod seat;
