//! What the crate promises, from outside.

mod budget;
mod chosen;
mod default;
mod finding;
mod fuzz;
mod messages;
mod narrowing;
mod profiles;
mod properties;
mod table;
