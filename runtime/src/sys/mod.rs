//! System calls that neither `nix` nor `rustix` wraps safely.
//!
//! This is the only module of the project that may hold `unsafe`: one call a function, each block
//! with the fact it relies on.
#![allow(unsafe_code, reason = "the one place where raw system calls are made")]

mod clone;
mod descriptor;
mod environ;
mod execve;
mod exit;
mod heap;
mod keyring;
mod landlock;
mod mount;
mod network;
mod quota;
mod schedule;
mod seccomp;
mod shared;
mod signal;
mod wait;

pub(crate) use clone::{APART, Forked, Stack, clone3, clone3_into, fork, fork_apart, vfork, vfork_sibling};
pub use descriptor::duplicate;
pub(crate) use descriptor::{adopt_received, close_range};
pub use environ::environment_names;
pub(crate) use environ::{remove_variable, wipe_environment, wipe_environment_but};
pub(crate) use execve::{Texts, execve};
pub(crate) use exit::exit_now;
pub use heap::{share_heaps, trim_heap};
pub(crate) use keyring::keyctl_join_session_keyring;
pub use landlock::landlock_abi;
pub(crate) use landlock::landlock_restrict_self;
pub(crate) use mount::{MountAttributes, mount_setattr, protect_mount};
pub(crate) use network::set_interface_up;
pub use network::{peer_groups, untaken};
pub(crate) use quota::{
    FileAttributes, LIMITS_ARE_SET, PROJECT_INHERITED, ProjectBlock, file_attributes, project_quota,
    quota_state, set_file_attributes, set_project_quota,
};
pub(crate) use schedule::scheduling;
pub(crate) use seccomp::{
    Notification, continue_notified, receive_notification, seccomp_with_listener, still_waits,
};
pub(crate) use shared::SharedNumber;
pub use signal::is_ignored;
pub(crate) use signal::reset_signal_dispositions;
pub(crate) use wait::{wait4, wait4_all, wait4_apart, waitid};

/// Turns the kernel's `-1` into the thread's `errno`.
fn check(result: libc::c_long) -> std::io::Result<libc::c_long> {
    if result == -1 { Err(std::io::Error::last_os_error()) } else { Ok(result) }
}
