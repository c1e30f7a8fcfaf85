//! Only named programs: what Landlock lets be executed, and what it lets be read.

use std::path::Path;

use clearing_profiles::Profile;
use clearing_runtime::spec::{Answer, PathRule, Rights, SyscallRule};

use crate::workspace::Workspace;

/// Files in memory that no path leads to: Landlock lets them be executed.
const ANONYMOUS: [&str; 2] = ["memfd_create", "memfd_secret"];

/// The rules, where only the programs that rules on commands name can be executed.
///
/// Libraries are mapped, which takes reading alone. Loaders are executed by the kernel for each program, and so by
/// anybody: what they could start has to be out of their sight.
pub(super) fn restricted(rules: Vec<PathRule>, workspace: &Workspace) -> Vec<PathRule> {
    let Some(named) = &workspace.named else { return rules };
    let mut restricted = Vec::new();
    for rule in rules {
        match rule.rights {
            Rights::ReadExecute => {
                // Of what nobody looked at nothing can be read.
                let readable = named.readable.get(&rule.path).cloned().unwrap_or_default();
                restricted.extend(readable.read.iter().map(|path| of(path, Rights::Read)));
                restricted.extend(readable.list.iter().map(|path| of(path, Rights::List)));
            }
            Rights::All => restricted.push(of(rule.path, Rights::AllButExecute)),
            _ => restricted.push(rule),
        }
    }
    restricted.extend(named.files.iter().map(|file| of(file, Rights::ReadExecute)));
    restricted
}

fn of(path: impl AsRef<Path>, rights: Rights) -> PathRule {
    PathRule { path: path.as_ref().to_owned(), rights }
}

/// The table without what makes programs that have no path.
pub(super) fn without_anonymous(mut rules: Vec<SyscallRule>, profile: &Profile) -> Vec<SyscallRule> {
    if profile.commands.enforce {
        for rule in rules.iter_mut().filter(|rule| ANONYMOUS.contains(&rule.name)) {
            *rule =
                SyscallRule { answer: Answer::Enosys, when: Vec::new(), otherwise: Answer::Enosys, ..*rule };
        }
    }
    rules
}
