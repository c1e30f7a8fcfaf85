//! Limits that one command has for itself, in a sandbox whose other commands have other ones.

use clearing_profiles::Limits;
use clearing_runtime::Sandbox;
use clearing_runtime::cgroup::{self, Group, Groups, Kind, Leaf, Search};
use clearing_runtime::spec::{ExecSpec, Resource};

use super::{Hold, OTHER, amount, asked, is_same};
use crate::error::{Error, chain};

/// Where the leaves of a sandbox without a group are made.
#[derive(Default)]
pub(super) enum Leaves {
    /// No command had limits of its own yet.
    #[default]
    Unasked,
    /// In a group that is theirs.
    Apart(Group),
    /// Nowhere, and why.
    Nowhere(String),
}

impl Hold {
    /// Makes the leaf of a command that has limits of its own, where commands can have one here, and leaves those to
    /// it. Elsewhere they are held as if there were no group, or refused where the profile requires one.
    pub(crate) fn leaf(
        &mut self,
        sandbox: &Sandbox,
        spec: &mut ExecSpec,
        limits: &Limits,
    ) -> Result<Option<Leaf>, Error> {
        let own = asked(limits);
        if own == self.asked {
            return Ok(None);
        }
        let Some(leaves) = self.leaves(sandbox) else { return self.without_leaf(&own) };
        let leaf = leaves.leaf(spec.id, own)?;
        let refused = leaf.group().enforced().iter().find_map(|limit| limit.taken.as_ref().err());
        if let Some(failure) = refused.filter(|_| self.required) {
            return Err(Error::NoCgroup(failure.to_string()));
        }
        if leaf.group().holds(Kind::Processes) {
            self.count_those_of_all(spec);
        }
        Ok(Some(leaf))
    }

    fn without_leaf(&self, own: &cgroup::Limits) -> Result<Option<Leaf>, Error> {
        // A limit that was taken off is none that somebody has to hold.
        let is_own = |kind| amount(kind, own).is_some() && !is_same(kind, own, &self.asked);
        match [Kind::Memory, Kind::Processes, Kind::Cpu].into_iter().any(is_own) {
            true if self.required => Err(Error::NoCgroup(self.why_no_leaf().to_owned())),
            _ => Ok(None),
        }
    }

    fn leaves(&mut self, sandbox: &Sandbox) -> Option<&Group> {
        if self.group.is_none() && matches!(self.leaves, Leaves::Unasked) {
            // A manager is not asked: from where the sandbox is nothing could be moved to what it gives.
            let made =
                Groups::find(Search::default()).and_then(|groups| groups.create_for_leaves_of(sandbox));
            self.leaves = match made {
                Ok(group) => Leaves::Apart(group),
                Err(unavailable) => Leaves::Nowhere(chain(&unavailable)),
            };
        }
        match &self.leaves {
            Leaves::Apart(group) => Some(group),
            _ => self.group.as_ref().filter(|group| group.has_leaves()),
        }
    }

    /// The kernel counts the processes of all commands together for an rlimit: that is left to be the sandbox's limit.
    fn count_those_of_all(&self, spec: &mut ExecSpec) {
        let all = self.asked.processes;
        spec.limits.retain(|limit| limit.resource != Resource::Processes || all.is_some());
        for limit in spec.limits.iter_mut().filter(|limit| limit.resource == Resource::Processes) {
            limit.value = limit.value.max(all.unwrap_or(0).saturating_add(INIT)).saturating_add(FIRST);
        }
    }

    /// Why a command with limits of its own has no leaf.
    pub(super) fn why_no_leaf(&self) -> &str {
        match &self.leaves {
            Leaves::Nowhere(why) => why,
            _ => OTHER,
        }
    }
}

/// Init is a process of the same user.
const INIT: u64 = 1;
/// The leaf is to be the first to refuse one: it counts that.
const FIRST: u64 = 1;
