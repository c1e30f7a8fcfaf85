//! The sections of a profile, a file each: what its keys are, and when a value permits more.

mod commands;
mod environment;
mod filesystem;
mod guards;
mod landlock;
mod limits;
mod network;
mod output;
mod patch;
mod rollback;
mod syscalls;

pub use commands::Commands;
pub use environment::{Environment, VariableError, check_variable};
pub use filesystem::{Filesystem, HostPath, HostPathError, LayerPlace};
pub use guards::{Guard, Guards, Requirement, Tier};
pub use landlock::Landlock;
pub use limits::Limits;
pub use network::{Network, NetworkMode};
pub use output::Output;
pub use patch::Patch;
pub use rollback::{Rollback, Trigger};
pub use syscalls::Syscalls;

/// More is more.
fn greater<T: Ord>(value: &T, parent: &T) -> bool {
    value > parent
}

/// More is more, and no limit is the most.
fn greater_or_unlimited<T: Ord>(value: &Option<T>, parent: &Option<T>) -> bool {
    match (value, parent) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(value), Some(parent)) => value > parent,
    }
}
