//! What the crate promises, from outside.

mod budget;
mod chosen;
mod commands;
mod default;
mod finding;
mod findings;
mod fuzz;
mod inherited;
mod messages;
mod narrowing;
mod profiles;
mod properties;
mod table;
