//! What the crate promises, from outside.

mod budget;
mod default;
mod finding;
mod messages;
mod narrowing;
mod profiles;
mod properties;
mod table;
