//! A command by another profile than its session's.
//!
//! What the sandbox was made with — what is seen, which network there is, what may be called — is as it is for all
//! commands in it. What is looked up for each of them can be another profile's: what the rules say to it, which
//! variables it has, what it may take, and how much is kept of what it says.

use clearing_profiles::{Difference, NetworkMode, Profile};

use super::LiveSandbox;
use crate::audit::ProfileMark;
use crate::error::Error;
use crate::exec::passes;
use crate::host::Host;
use crate::permission::Wanted;

/// What a command is permitted by.
pub(super) struct Permission<'a> {
    pub(super) profile: &'a Profile,
    pub(super) mark: ProfileMark,
    /// Whether the session's own permits it, as it was or as it will be.
    pub(super) is_sessions: bool,
}

/// Longer values are not told.
const LONGEST_VALUE: usize = 40;

impl LiveSandbox {
    /// The profile that is meant by a name or an absolute path, in this session's project.
    pub(crate) fn other_profile(&self, name: &str) -> Result<Box<Profile>, Error> {
        let wanted = Wanted { profile: name, ..Wanted::default() };
        Ok(Box::new(wanted.settle(&self.host, &self.workspace.project)?))
    }

    /// What a command is permitted by that asks for another profile, or for a network. Refused where only another
    /// sandbox could have it.
    pub(super) fn permission<'a>(
        &'a self,
        other: Option<&'a Profile>,
        network: Option<NetworkMode>,
    ) -> Result<Permission<'a>, Error> {
        let differing = other.map(|other| self.profile.differences(other)).unwrap_or_default();
        let mut fixed: Vec<String> = differing
            .iter()
            .filter(|it| !(self.is_for_each(it) || network.is_some() && it.section == "network"))
            .map(told)
            .collect();
        let (has, asked) = (self.profile.network.mode, network.unwrap_or(self.profile.network.mode));
        if has != asked {
            fixed.push(format!("`network.mode` ({} and not {})", word(has), word(asked)));
        }
        match fixed.is_empty() {
            true => Ok(Permission {
                profile: other.unwrap_or(&self.profile),
                mark: other.map_or_else(|| self.mark.clone(), ProfileMark::of),
                is_sessions: other.is_none(),
            }),
            false => Err(Error::MadeOtherwise(fixed.join(", "))),
        }
    }

    /// The host, with the variables that another profile passes.
    pub(super) fn host_of(&self, other: &Profile) -> Host {
        let mut host = self.host.clone();
        host.take_variables(|name| passes(other, &self.workspace, name));
        host
    }

    /// Whether it is looked up for each command. The tier is the best there is, which everybody accepts.
    fn is_for_each(&self, difference: &Difference) -> bool {
        match (difference.section, difference.key) {
            ("limits", key) => key != "cgroup",
            // Of programs the kernel has been told, where only named ones can be executed.
            ("commands", key) => key != "enforce" && !self.profile.commands.enforce,
            ("environment" | "output" | "patch", _) | ("guards", "tier") => true,
            _ => false,
        }
    }
}

fn told(difference: &Difference) -> String {
    let Difference { section, key, here, there } = difference;
    match here.len().max(there.len()) <= LONGEST_VALUE {
        true => format!("`{section}.{key}` ({here} and not {there})"),
        false => format!("`{section}.{key}`"),
    }
}

fn word(network: NetworkMode) -> &'static str {
    match network {
        NetworkMode::None => "\"none\"",
        NetworkMode::Host => "\"host\"",
    }
}
