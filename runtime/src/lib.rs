//! Enforces one [`SandboxSpec`] at a time with the kernel.
//!
//! # Terms
//!
//! - **sandbox**: a set of namespaces with its init, in which commands run;
//! - **init**: PID 1 inside, a fork of the supervisor that sets the sandbox up and then serves;
//! - **exec**: one command in a sandbox: a program, or a function of the supervisor's own;
//! - **guard**: one isolation mechanism, as enforced;
//! - **supervisor**: the process that launches a sandbox; it has one thread when it does, or a launcher;
//! - **launcher**: a small process that forks for a supervisor of many threads.
//!
//! The crate knows neither profiles nor sessions: a caller translates those into a spec.
#![warn(missing_docs)]

mod attached;
mod bare;
mod birth;
mod capabilities;
pub mod cgroup;
mod channel;
mod confine;
mod descriptors;
mod detached;
mod error;
mod executions;
mod family;
mod function;
mod guard;
mod handed_in;
mod helper;
mod idmap;
mod init;
mod landlock;
pub mod launcher;
mod listener;
mod mapped;
mod mark;
mod memory;
mod mounts;
mod namespaces;
mod network;
mod numbers;
mod overlay;
pub mod parcel;
pub mod probe;
mod processors;
mod procfs;
mod program;
pub mod quota;
mod remount;
mod rights;
mod rlimits;
mod sandbox;
mod script;
mod seccomp;
mod serve;
pub mod spec;
mod stash;
mod stdio;
mod sys;
mod targets;
mod tenant;
mod ucounts;
mod user;
mod veil;
mod zygote;

pub use channel::{ExitStatus, NotRemounted, Report, Usage};
pub use error::{Failure, Stage};
pub use executions::{Execution, Executions, FileId, Looked};
pub use function::{Function, register_functions};
pub use guard::{Guard, GuardReport};
pub use handed_in::take_handed_in;
pub use helper::{Helper, Work, register_works};
pub use mark::in_limits as mark_in_limits;
pub use sandbox::{Kept, Sandbox};
pub use seccomp::filter_length;
pub use spec::{ExecSpec, SandboxSpec};
pub use sys::{
    duplicate, environment_names, is_ignored, landlock_abi, peer_groups, share_heaps, trim_heap, untaken,
};
pub use tenant::{Tenant, TenantSpec};
