//! The rules of a profile, and which of them a command's first word leaves to be looked at.

use std::fmt;
use std::ops::Deref;

use serde::Serialize;

use super::rule::{Decision, Rule};
use super::word::{Word, name};

/// Rules in the order in which they are stated: a list, which stays as it was made.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Rules {
    list: Vec<Rule>,
    /// Each file name that a program of a rule has, and the rule: by name, and of one name in the order of the list.
    #[serde(skip)]
    by_name: Vec<(Box<[u8]>, usize)>,
    #[serde(skip)]
    strictest: Decision,
}

impl Rules {
    /// All of them.
    pub(crate) fn list(&self) -> &Vec<Rule> {
        &self.list
    }

    /// The strictest decision of any; where there are none, that to allow.
    pub(super) fn strictest(&self) -> Decision {
        self.strictest
    }

    /// No fewer than those that are about a command, or may be, in the order of the list.
    ///
    /// Whatever a rule decides, it is about no program whose file name is another than each that it gives.
    pub(super) fn perhaps_about(&self, words: &[Word<'_>]) -> impl Iterator<Item = &Rule> {
        let (named, all) = match words.first().and_then(Word::text) {
            Some(program) => (self.named(name(program)), &[][..]),
            // Which program it is nobody knows yet.
            None => (&[][..], &self.list[..]),
        };
        named.iter().map(|(_, rule)| &self.list[*rule]).chain(all)
    }

    fn named(&self, program: &[u8]) -> &[(Box<[u8]>, usize)] {
        let from = &self.by_name[self.by_name.partition_point(|(name, _)| **name < *program)..];
        &from[..from.iter().take_while(|(name, _)| **name == *program).count()]
    }
}

impl From<Vec<Rule>> for Rules {
    fn from(list: Vec<Rule>) -> Self {
        let mut by_name = Vec::with_capacity(list.len());
        for (number, rule) in list.iter().enumerate() {
            let programs = rule.prefix.first().into_iter().flatten();
            by_name.extend(programs.map(|program| (name(program.as_bytes()).into(), number)));
        }
        by_name.sort_unstable();
        // One rule may give a program by its name and by paths.
        by_name.dedup();
        let strictest = list.iter().map(|rule| rule.decision).max().unwrap_or(Decision::Allow);
        Self { list, by_name, strictest }
    }
}

impl Deref for Rules {
    type Target = [Rule];

    fn deref(&self) -> &[Rule] {
        &self.list
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.list.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::rule::Fit;
    use crate::commands::word::Rest;

    const PROGRAMS: [&str; 8] = ["git", "gi", "gitk", "/usr/bin/git", "./git", "tools/", "git/x", ""];

    /// Of each two programs a rule, with and without a second word, and of each decision.
    fn rules() -> Rules {
        let mut list = Vec::new();
        for (number, first) in PROGRAMS.iter().enumerate() {
            for (other, second) in PROGRAMS.iter().enumerate() {
                let programs = vec![(*first).to_owned(), (*second).to_owned()];
                let more = (number % 2 == 0).then(|| vec!["log".to_owned()]);
                let decision = [Decision::Allow, Decision::Ask, Decision::Deny][(number + other) % 3];
                let prefix = [programs].into_iter().chain(more).collect();
                list.push(Rule { prefix, decision, reason: format!("{number} {other}") });
            }
        }
        Rules::from(list)
    }

    #[test]
    fn none_that_is_about_a_command_is_left_out_and_none_is_seen_before_its_turn() {
        let rules = rules();
        let rests = [Rest::Nothing, Rest::Unknown, Rest::Several, Rest::Many];
        let commands = PROGRAMS.into_iter().chain(["log", "/bin/gitk", "nothing"]).flat_map(|program| {
            rests.map(|rest| Word { start: program.as_bytes().into(), rest }).map(|word| vec![word])
        });
        for mut words in commands.chain([vec![]]) {
            for _ in 0..2 {
                let about = |rule: &&Rule| rule.fit(&words) != Fit::No;
                let expected: Vec<&Rule> = rules.iter().filter(about).collect();
                let found: Vec<&Rule> = rules.perhaps_about(&words).filter(about).collect();
                assert_eq!(found, expected, "{words:?}");
                words.push(Word::known(&b"log"[..]));
            }
        }
    }

    #[test]
    fn those_on_other_programs_are_not_looked_at() {
        let numbered = |number| Rule {
            prefix: vec![vec![format!("tool{number}"), format!("/opt/tool{number}")]],
            decision: Decision::Ask,
            reason: "r".to_owned(),
        };
        let rules = Rules::from((0..200).map(numbered).collect::<Vec<_>>());
        let looked_at =
            |program: &'static str| rules.perhaps_about(&[Word::known(program.as_bytes())]).count();
        assert_eq!((looked_at("tool7"), looked_at("/bin/tool199"), looked_at("tool")), (1, 1, 0));
    }

    #[test]
    fn the_strictest_of_none_is_to_allow() {
        assert_eq!(Rules::from(Vec::new()).strictest(), Decision::Allow);
        assert_eq!(rules().strictest(), Decision::Deny);
    }
}
