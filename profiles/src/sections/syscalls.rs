//! `[syscalls]`: what a profile adds to the built-in table, by call name.

use std::collections::BTreeSet;

use serde::Serialize;
use toml::Spanned;
use toml::de::DeTable;

use crate::diagnostic::Fault;
use crate::section::{Licence, Section};
use crate::stated::{Stated, list};
use crate::suggest::did_you_mean;
use crate::syscalls::{SyscallRule, never, syscall, syscalls};
use crate::value::{self, Item};

/// Additions to the built-in table. Through a chain of profiles they add up; the nearest wins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Syscalls {
    /// Calls that are allowed whatever their arguments.
    pub allow: BTreeSet<&'static str>,
    /// Calls that are refused whatever their arguments.
    pub refuse: BTreeSet<&'static str>,
}

impl Syscalls {
    pub(crate) fn read(
        file: &mut DeTable<'_>,
        parent: Option<&Self>,
        licence: Licence<'_>,
    ) -> Result<Self, Fault> {
        let mut keys = Section::open(file, "syscalls", &["allow", "refuse"], licence)?;
        let allow = keys.take_entries("allow", allowable)?;
        let refuse = keys.take_entries("refuse", call)?;
        let inherited = parent.cloned().unwrap_or_default();
        for entry in &allow {
            keys.check_entry(entry.span(), "allow", inherited.allows(entry.get_ref()))?;
        }
        refuse_both(&allow, &refuse)?;
        keys.close()?;
        Ok(inherited.with(allow, refuse))
    }

    pub(crate) fn state(&self) -> Stated {
        let Self { allow, refuse } = self;
        vec![("allow", list(allow.iter().copied())), ("refuse", list(refuse.iter().copied()))]
    }

    /// Whether a call is allowed whatever its arguments, by the table or by this section.
    fn allows(&self, rule: &SyscallRule) -> bool {
        let allowed = rule.is_allowed() || self.allow.contains(rule.name);
        allowed && !self.refuse.contains(rule.name)
    }

    fn with(mut self, allow: Vec<Spanned<&SyscallRule>>, refuse: Vec<Spanned<&SyscallRule>>) -> Self {
        for name in allow.iter().map(|entry| entry.get_ref().name) {
            self.refuse.remove(name);
            self.allow.insert(name);
        }
        for name in refuse.iter().map(|entry| entry.get_ref().name) {
            self.allow.remove(name);
            self.refuse.insert(name);
        }
        self
    }
}

fn call(item: &Item<'_>) -> Result<&'static SyscallRule, Fault> {
    let name = value::string(item)?;
    syscall(name).ok_or_else(|| {
        Fault::new(item.span(), format!("no system call is named `{name}`"))
            .hint_if(did_you_mean(name, syscalls().iter().map(|rule| rule.name)))
    })
}

fn allowable(item: &Item<'_>) -> Result<&'static SyscallRule, Fault> {
    let rule = call(item)?;
    match never(rule.name) {
        None => Ok(rule),
        Some(reason) => {
            Err(Fault::new(item.span(), format!("no profile can allow `{}`: {reason}", rule.name)))
        }
    }
}

fn refuse_both(allow: &[Spanned<&SyscallRule>], refuse: &[Spanned<&SyscallRule>]) -> Result<(), Fault> {
    let both = refuse.iter().find(|entry| allow.contains(entry));
    both.map_or(Ok(()), |entry| {
        let message = format!("`{}` is in `allow` as well", entry.get_ref().name);
        Err(Fault::new(entry.span(), message).in_key("refuse", "syscalls"))
    })
}
