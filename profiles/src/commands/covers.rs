//! Whether a child's rules permit no more than its parent's.

use super::judge::{Begins, judge_words};
use super::rule::{Decision, Rule};
use super::word::Word;
use crate::sections::Commands;

/// More ways to write a rule's words are not tried.
const MOST: usize = 256;

/// Whether the parent permits whatever this rule of a child would.
///
/// The rules that ask and deny are inherited in any case. So only what decides instead of the parent's default,
/// or what an argument has to be named for, can permit more.
pub(crate) fn covers(parent: &Commands, rule: &Rule) -> bool {
    if rule.decision != Decision::Deny && parent.enforce && !names_known_programs(parent, rule) {
        return false;
    }
    if rule.decision == Decision::Deny || parent.default == Decision::Allow && parent.rules.is_empty() {
        return true;
    }
    let begins = |of: &Rule| {
        of.decision <= rule.decision
            && of.prefix.len() <= rule.prefix.len()
            && of.prefix.iter().zip(&rule.prefix).all(|(of, ours)| ours.iter().all(|text| of.contains(text)))
    };
    let covered = parent.default <= rule.decision || parent.rules.iter().any(begins);
    covered
        && written_out(rule).is_some_and(|commands| {
            commands.iter().all(|words| judge_words(parent, words, Begins::AtTop).decision() <= rule.decision)
        })
}

/// Whether the parent lets each program be executed that the rule names: where it enforces its rules, no default does.
fn names_known_programs(parent: &Commands, rule: &Rule) -> bool {
    rule.prefix
        .first()
        .is_some_and(|names| names.iter().all(|name| parent.programs().any(|known| known == name)))
}

/// Each command that the rule's words alone may be.
fn written_out(rule: &Rule) -> Option<Vec<Vec<Word<'_>>>> {
    let mut commands: Vec<Vec<Word<'_>>> = vec![Vec::new()];
    for alternatives in &rule.prefix {
        if commands.len() * alternatives.len() > MOST {
            return None;
        }
        commands = commands
            .iter()
            .flat_map(|command| {
                alternatives.iter().map(move |text| {
                    let mut longer = command.clone();
                    longer.push(Word::known(text.as_bytes()));
                    longer
                })
            })
            .collect();
    }
    Some(commands)
}
