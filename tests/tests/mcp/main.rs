//! `clearing mcp`: tools for a model, as a client of the Model Context Protocol has them.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

mod bad_input;
mod changes;
mod commands;
mod driver;
mod ending;
mod memory;
mod outside;
mod progress;
mod readme;
mod refused;

use driver::Mcp;
