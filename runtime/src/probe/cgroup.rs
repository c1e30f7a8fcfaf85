//! Whether we may make control groups.

use super::trial::in_fork;
use super::{Answer, Request};
use crate::cgroup::{Groups, Kind, Search, Unavailable, Version, try_one};

/// Makes a group where a run would and removes it, and if none can be had there asks systemd for a scope
/// as a run does: in a process of its own, which is moved by that.
pub(super) fn delegation(_: &Request<'_>) -> Answer {
    match try_one() {
        Ok((version, kinds)) => Ok(describe(version, &kinds)),
        Err(unavailable) => in_fork(in_a_scope).map_err(|_| unavailable.into_failure()),
    }
}

fn in_a_scope() -> Answer {
    let groups = Groups::find(Search { ask_manager: true, only: None }).map_err(Unavailable::into_failure)?;
    groups.create()?.remove()?;
    let asked =
        groups.asked().map_or(String::new(), |time| format!(", given by systemd in {} ms", time.as_millis()));
    Ok(describe(groups.version(), &groups.controllers()) + &asked)
}

fn describe(version: Version, kinds: &[Kind]) -> String {
    let number = match version {
        Version::V2 => 2,
        Version::V1 => 1,
    };
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.controller()).collect();
    format!("version {number} with {}", kinds.join(", "))
}
