//! A rule: the first words of a command, and what is decided of it.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::shell::words_of_line;
use super::word::{Rest, Word};

/// What may become of a command; the greater is the stricter, and the strictest wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Decision {
    /// It runs.
    Allow,
    /// Whoever asks for it is asked.
    Ask,
    /// It does not run.
    Deny,
}

impl Decision {
    /// As profiles write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// What is decided of commands that begin with certain words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// For each word the texts that it may be. The first is the program.
    pub prefix: Vec<Vec<String>>,
    /// What is decided.
    pub decision: Decision,
    /// Why, in the words of the profile's author.
    pub reason: String,
}

/// Whether a command begins with a rule's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It does not.
    No,
    /// It may, once what is unknown is known.
    Maybe,
    /// It does, whatever the rest becomes.
    Yes,
}

impl Rule {
    /// Whether the command begins with the words of this rule.
    ///
    /// To allow, the program has to be written as the rule writes it. To be asked for or denied, the same file
    /// name is enough.
    pub(super) fn fit(&self, words: &[Word<'_>]) -> Fit {
        let mut fit = Fit::Yes;
        for (place, alternatives) in self.prefix.iter().enumerate() {
            let Some(word) = words.get(place) else { return Fit::No };
            let by_name = place == 0 && self.decision != Decision::Allow;
            let is = |text: &String| word.is(text) || (by_name && word.has_name(text));
            match word.rest {
                Rest::Nothing if alternatives.iter().any(is) => {}
                Rest::Nothing => return Fit::No,
                _ if !alternatives.iter().any(|text| word.could_be(text)) => return Fit::No,
                Rest::Unknown => fit = Fit::Maybe,
                // Nobody knows what stands where after it.
                Rest::Several | Rest::Many => return Fit::Maybe,
            }
        }
        fit
    }

    /// Whether the rule is about a plain command, if the text is one.
    pub(crate) fn is_about(&self, line: &str) -> Option<bool> {
        words_of_line(line).map(|words| self.fit(&words) == Fit::Yes)
    }

    /// The rule as a value of `rules`, which is also what it goes by.
    pub fn text(&self) -> String {
        let words: Vec<String> = self
            .prefix
            .iter()
            .map(|alternatives| match alternatives.as_slice() {
                [only] => quoted(only),
                several => quoted_list(several),
            })
            .collect();
        format!("prefix = [{}], decision = \"{}\"", words.join(", "), self.decision.word())
    }
}

/// Texts as a list of TOML.
pub(super) fn quoted_list(texts: &[impl AsRef<str>]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text.as_ref())).collect();
    format!("[{}]", texts.join(", "))
}

/// A text as a basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            character if character.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(character));
            }
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
