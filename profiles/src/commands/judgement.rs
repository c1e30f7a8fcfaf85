//! What is decided of a command, and why.

use serde::Serialize;

use super::rule::{Decision, Rule, quoted_list};
use super::word::Word;

/// What is decided of a command as a whole: the strictest that is decided of anything in it.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It may run. What was looked at, in order; nothing where no rule could stand against anything.
    Allow(Vec<Ruling>),
    /// Whoever asks has to say yes to each of these.
    Ask(Vec<Ruling>),
    /// It may not run: the first ruling that says so.
    Deny(Box<Ruling>),
}

/// What is decided of one command within a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ruling {
    /// The command, as far as it is known.
    pub segment: String,
    /// What is decided.
    pub decision: Decision,
    /// Why.
    pub basis: Basis,
    /// A line of `[commands]` that would allow it; none where no line could, or none that anybody would read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// Why something is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Basis {
    /// A rule says so.
    Rule(Rule),
    /// No rule is about it, and this is the default.
    NoRule,
    /// Its program is named by a relative path, and it does not begin at the top of the project. Rules that ask or
    /// deny are not about it, and this is the default.
    Elsewhere,
    /// It is a command of the shell, which starts no program.
    Shell,
    /// What it does cannot be known before it runs, or not by reading: why.
    Undecided(&'static str),
}

impl Judgement {
    pub(super) fn of(mut rulings: Vec<Ruling>, whole: &[Word<'_>]) -> Self {
        let strictest = rulings.iter().map(|ruling| ruling.decision).max();
        for ruling in &mut rulings {
            if ruling.line.is_none() && ruling.may_be_allowed() {
                ruling.line = line(whole);
            }
        }
        match strictest {
            Some(Decision::Deny) => {
                let first = rulings.into_iter().find(|ruling| ruling.decision == Decision::Deny);
                first.map_or(Self::Allow(Vec::new()), |first| Self::Deny(Box::new(first)))
            }
            Some(Decision::Ask) => {
                Self::Ask(rulings.into_iter().filter(|ruling| ruling.decision == Decision::Ask).collect())
            }
            Some(Decision::Allow) | None => Self::Allow(rulings),
        }
    }

    /// Both: the stricter of two, and of two alike the first with what the second rests upon.
    pub fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Ask(mut rulings), Self::Ask(more)) => {
                rulings.extend(more);
                Self::Ask(rulings)
            }
            (one, other) if other.decision() > one.decision() => other,
            (one, _) => one,
        }
    }

    /// What no rule on commands could allow.
    pub(super) fn without_line(mut self) -> Self {
        match &mut self {
            Self::Allow(rulings) | Self::Ask(rulings) => {
                rulings.iter_mut().for_each(|ruling| ruling.line = None);
            }
            Self::Deny(ruling) => ruling.line = None,
        }
        self
    }

    /// The decision alone.
    pub fn decision(&self) -> Decision {
        match self {
            Self::Allow(_) => Decision::Allow,
            Self::Ask(_) => Decision::Ask,
            Self::Deny(_) => Decision::Deny,
        }
    }

    /// What it rests upon.
    pub fn rulings(&self) -> &[Ruling] {
        match self {
            Self::Allow(rulings) | Self::Ask(rulings) => rulings,
            Self::Deny(ruling) => std::slice::from_ref(ruling),
        }
    }
}

impl Ruling {
    pub(super) fn new(segment: String, decision: Decision, basis: Basis, words: &[Word<'_>]) -> Self {
        let mut ruling = Self { segment: shortened(segment), decision, basis, line: None };
        if ruling.may_be_allowed() && ruling.is_of_program() {
            ruling.line = line(words);
        }
        ruling
    }

    /// Where a rule stands against it, another one does not help.
    fn may_be_allowed(&self) -> bool {
        self.decision != Decision::Allow && !matches!(self.basis, Basis::Rule(_) | Basis::Elsewhere)
    }

    fn is_of_program(&self) -> bool {
        matches!(self.basis, Basis::NoRule)
    }

    /// Why, in words.
    pub fn reason(&self) -> &str {
        match &self.basis {
            Basis::Rule(rule) => &rule.reason,
            Basis::NoRule => "no rule is about it",
            Basis::Elsewhere => {
                "rules name relative paths from the top of the project, and it begins in another directory"
            }
            Basis::Shell => "the shell does it itself",
            Basis::Undecided(why) => why,
        }
    }
}

/// Longer ones are shown by their beginning.
const LONGEST: usize = 300;

fn shortened(mut segment: String) -> String {
    if segment.len() > LONGEST {
        segment.truncate(segment.floor_char_boundary(LONGEST));
        segment.push('…');
    }
    segment
}

/// Longer ones are told to nobody: each of thousands of commands may have one.
const LONGEST_LINE: usize = 4096;

/// The line that allows the words as far as they are known.
fn line(words: &[Word<'_>]) -> Option<String> {
    let length: usize = words.iter().map(|word| word.start.len() + 1).sum();
    if length > LONGEST_LINE {
        return None;
    }
    let known: Vec<&str> = words.iter().map_while(|word| std::str::from_utf8(word.text()?).ok()).collect();
    let whole =
        known.len() == words.len() || words.get(known.len()).is_some_and(|word| word.text().is_none());
    (whole && !known.is_empty()).then(|| line_of(&known))
}

/// The line that allows what begins with these words.
pub(crate) fn line_of(words: &[&str]) -> String {
    let prefix = quoted_list(words);
    format!("rules = [\"...\", {{ prefix = {prefix}, decision = \"allow\", reason = \"…\" }}]")
}
