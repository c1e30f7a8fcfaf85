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

/// What is looked at on its way, and what hands out whom it asks.
const EXECUTIONS: [&str; 2] = ["execve", "execveat"];
const HAND_OUT: &str = "sendmsg";

/// The table without what makes programs that have no path, and with a look at what is executed.
pub(super) fn enforced(mut rules: Vec<SyscallRule>, profile: &Profile) -> Vec<SyscallRule> {
    if profile.commands.enforce {
        for rule in rules.iter_mut().filter(|rule| ANONYMOUS.contains(&rule.name)) {
            *rule =
                SyscallRule { answer: Answer::Enosys, when: Vec::new(), otherwise: Answer::Enosys, ..*rule };
        }
        let is_made = |rule: &SyscallRule| rule.answer == Answer::Allow && rule.when.is_empty();
        if rules.iter().any(|rule| rule.name == HAND_OUT && is_made(rule)) {
            let executions = rules.iter_mut().filter(|rule| EXECUTIONS.contains(&rule.name) && is_made(rule));
            executions.for_each(|rule| rule.answer = Answer::Observe);
        }
    }
    rules
}
