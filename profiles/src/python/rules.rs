//! What is looked for in Python text: `findings/python.toml`.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

/// How much there is to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Worth a thought.
    Low,
    /// Worth a look.
    Medium,
    /// It runs what the text does not show, or undoes a protection.
    High,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) severity: Severity,
    pub(super) message: String,
    /// For whoever reads the list.
    #[serde(rename = "reason")]
    _reason: String,
    #[serde(default)]
    calls: Vec<String>,
    #[serde(default)]
    imports: Vec<String>,
    #[serde(default)]
    texts: Vec<String>,
    pub(super) keyword: Option<Keyword>,
}

/// A keyword argument without which a call is no finding.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keyword {
    pub(super) name: String,
    /// Where it can stand without its name, from 0.
    pub(super) position: Option<usize>,
    pub(super) found: Found,
    pub(super) values: Vec<String>,
}

/// When the argument makes a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Found {
    /// It is one of the values.
    OneOf,
    /// It is there, and none of the values.
    Other,
    /// It is not there, or none of the values.
    MissingOrOther,
}

/// The rules by what they look for.
#[derive(Debug, Default)]
pub(super) struct Rules {
    calls: HashMap<&'static str, Vec<&'static Rule>>,
    imports: HashMap<&'static str, &'static Rule>,
    texts: Vec<(&'static str, &'static Rule)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Rule>,
}

const TEXT: &str = include_str!("../../findings/python.toml");

impl Rules {
    /// The rules, read once. Findings are advice: a broken list, which a test refuses, finds nothing.
    pub(super) fn all() -> &'static Self {
        static FILE: OnceLock<File> = OnceLock::new();
        static RULES: OnceLock<Rules> = OnceLock::new();
        RULES.get_or_init(|| {
            let file = FILE.get_or_init(|| toml::from_str(TEXT).unwrap_or(File { rule: Vec::new() }));
            let mut rules = Self::default();
            for rule in &file.rule {
                for call in &rule.calls {
                    rules.calls.entry(call).or_default().push(rule);
                }
                rules.imports.extend(rule.imports.iter().map(|module| (module.as_str(), rule)));
                rules.texts.extend(rule.texts.iter().map(|text| (text.as_str(), rule)));
            }
            rules
        })
    }

    pub(super) fn of_call(&self, path: &str) -> &[&'static Rule] {
        self.calls.get(path).map_or(&[], Vec::as_slice)
    }

    /// The names in a module that any rule looks for.
    pub(super) fn in_module(&self, module: &str) -> Vec<&'static str> {
        let name = |path: &&'static str| {
            path.strip_prefix(module)?.strip_prefix('.').filter(|name| !name.contains('.'))
        };
        self.calls.keys().filter_map(name).collect()
    }

    pub(super) fn of_import(&self, module: &str) -> Option<&'static Rule> {
        self.imports.get(module.split('.').next()?).copied()
    }

    pub(super) fn of_text(&self, text: &str) -> Option<&'static Rule> {
        self.texts.iter().find(|(part, _)| text.contains(part)).map(|(_, rule)| *rule)
    }
}

#[cfg(test)]
mod tests {
    use super::{File, TEXT};

    #[test]
    fn every_rule_looks_for_something_and_says_why() {
        let rules = toml::from_str::<File>(TEXT).expect("the list is read").rule;
        assert!(rules.len() > 15);
        for rule in rules {
            assert!(!rule._reason.is_empty() && !rule.message.is_empty(), "{rule:?}");
            assert!(rule.calls.len() + rule.imports.len() + rule.texts.len() > 0, "{rule:?}");
            assert!(rule.keyword.is_none() || !rule.calls.is_empty(), "{rule:?}");
        }
    }
}
