//! The crate's own parser of profiles, compiled into the build script as well.
//!
//! Two of its modules are others here: `builtin`, as the built-in profiles are still files, and
//! `syscalls`, as the table is still being compiled.

#[path = "../src/chain.rs"]
pub(crate) mod chain;
#[path = "../src/commands/mod.rs"]
pub(crate) mod commands;
#[path = "../src/diagnostic.rs"]
pub(crate) mod diagnostic;
#[path = "../src/error.rs"]
pub(crate) mod error;
#[path = "../src/heading.rs"]
pub(crate) mod heading;
#[path = "../src/limit_values.rs"]
pub(crate) mod limit_values;
#[path = "../src/load.rs"]
pub(crate) mod load;
#[path = "../src/origin.rs"]
pub(crate) mod origin;
#[path = "../src/profile.rs"]
pub(crate) mod profile;
#[path = "../src/quantity.rs"]
pub(crate) mod quantity;
#[path = "../src/section.rs"]
pub(crate) mod section;
#[path = "../src/sections/mod.rs"]
pub(crate) mod sections;
#[path = "../src/sources.rs"]
pub(crate) mod sources;
#[path = "../src/stated.rs"]
pub(crate) mod stated;
#[path = "../src/suggest.rs"]
pub(crate) mod suggest;
#[path = "../src/value.rs"]
pub(crate) mod value;
