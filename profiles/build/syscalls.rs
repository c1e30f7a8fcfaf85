//! The table of system calls as the parser asks for it, while it is being compiled.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::rules::Compiled;

/// What the parser wants to know of a rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SyscallRule {
    pub(crate) name: &'static str,
    open: bool,
}

impl SyscallRule {
    /// Whether the call is allowed whatever its arguments.
    pub(crate) fn is_allowed(&self) -> bool {
        self.open
    }
}

/// Gives the parser the table; until then it knows no call.
pub(crate) fn provide(
    rules: &BTreeMap<&'static str, Compiled>,
    never: &BTreeMap<&'static str, &'static str>,
) {
    let rules = rules.iter().map(|(name, rule)| SyscallRule { name, open: rule.open }).collect();
    TABLE.get_or_init(|| Table { rules, never: never.clone() });
}

/// Every rule, sorted by name.
pub(crate) fn syscalls() -> &'static [SyscallRule] {
    TABLE.get().map_or(&[], |table| &table.rules)
}

/// The rule of one call.
pub(crate) fn syscall(name: &str) -> Option<&'static SyscallRule> {
    syscalls().iter().find(|rule| rule.name == name)
}

/// Why no profile can allow the call, if that is so.
pub(crate) fn never(name: &str) -> Option<&'static str> {
    TABLE.get().and_then(|table| table.never.get(name)).copied()
}

struct Table {
    rules: Vec<SyscallRule>,
    never: BTreeMap<&'static str, &'static str>,
}

static TABLE: OnceLock<Table> = OnceLock::new();
