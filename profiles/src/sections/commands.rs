//! `[commands]`: which commands may be run at all.

use serde::Serialize;
use toml::Value;
use toml::de::DeTable;

use crate::commands::{self, Begins, Decision, Judgement, Rule, Rules};
use crate::diagnostic::Fault;
use crate::section::{Licence, Section, refuse_unknown};
use crate::stated::{Stated, list, named, one_of_words};
use crate::value::{self, Item};

/// The rules on commands. They say what is meant; the sandbox is what holds.
///
/// The strictest of the rules that are about a command decides, and the default where none is. A profile that
/// extends another keeps all rules of that one which ask or deny, whatever it states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Commands {
    /// What is decided where no rule is about a command.
    pub default: Decision,
    /// Whether only programs that a rule lets run can be executed at all.
    pub enforce: bool,
    /// The rules.
    pub rules: Rules,
}

const DECISIONS: [(&str, Decision); 3] =
    [("allow", Decision::Allow), ("ask", Decision::Ask), ("deny", Decision::Deny)];

impl Commands {
    pub(crate) fn read(
        file: &mut DeTable<'_>,
        parent: Option<&Self>,
        licence: Licence<'_>,
    ) -> Result<Self, Fault> {
        let mut keys = Section::open(file, "commands", &["default", "enforce", "rules"], licence)?;
        let more = |value: &Decision, inherited: &Decision| value < inherited;
        let default = keys.take("default", parent.map(|p| &p.default), value::word(&DECISIONS), more)?;
        let less = |value: &bool, inherited: &bool| *inherited && !*value;
        let enforce = keys.take("enforce", parent.map(|p| &p.enforce), value::boolean, less)?;
        let rules = read_rules(&mut keys, parent)?.into();
        keys.close()?;
        Ok(Self { default, enforce, rules })
    }

    pub(crate) fn state(&self) -> Stated {
        let Self { default, enforce, rules } = self;
        let rules: Vec<_> = rules.iter().map(stated_rule).collect();
        vec![
            ("default", one_of_words(&DECISIONS, default)),
            ("enforce", (*enforce).into()),
            ("rules", rules.into()),
        ]
    }

    /// Judges an argument vector that begins at the top of the project, and whatever it says that it will start.
    ///
    /// The bytes that are judged have to be those that run.
    pub fn judge(&self, argv: &[impl AsRef<[u8]>]) -> Judgement {
        self.judge_at(argv, Begins::AtTop)
    }

    /// The same of one that begins there or elsewhere.
    pub fn judge_at(&self, argv: &[impl AsRef<[u8]>], begins: Begins) -> Judgement {
        commands::judge(self, argv, begins)
    }

    /// The programs that a rule lets run, whether somebody is asked or not, as rules write them.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        let rules = self.rules.iter().filter(|rule| rule.decision != Decision::Deny);
        rules.filter_map(|rule| rule.prefix.first()).flatten().map(String::as_str)
    }

    /// The line of `[commands]` that lets a program run, with whatever arguments.
    pub fn line_allowing(program: &str) -> String {
        commands::line_of(&[program])
    }

    /// Judges a variable that is set for a command besides the profile's.
    pub fn judge_variable(&self, name: &[u8]) -> Judgement {
        commands::judge_variable(self, name, &[])
    }
}

fn stated_rule(rule: &Rule) -> Value {
    let Rule { prefix, decision, reason } = rule;
    let word = |alternatives: &Vec<String>| match alternatives.as_slice() {
        [only] => Value::String(only.clone()),
        several => list(several),
    };
    let prefix: Vec<Value> = prefix.iter().map(word).collect();
    named([
        ("prefix".to_owned(), prefix.into()),
        ("decision".to_owned(), one_of_words(&DECISIONS, decision)),
        ("reason".to_owned(), reason.as_str().into()),
    ])
}

fn read_rules(keys: &mut Section<'_, '_>, parent: Option<&Commands>) -> Result<Vec<Rule>, Fault> {
    let inherited = parent.map(|parent| parent.rules.list());
    let covers = |rule: &Rule| parent.is_none_or(|parent| commands::covers(parent, rule));
    let mut rules = keys.take_covered("rules", inherited, rule, covers)?;
    // Nobody gets rid of what asks or denies by stating other rules.
    let kept = inherited.into_iter().flatten().filter(|rule| rule.decision != Decision::Allow);
    for rule in kept {
        if !keys.may_widen() && !rules.contains(rule) {
            rules.push(rule.clone());
        }
    }
    Ok(rules)
}

const KEYS: &[&str] = &["prefix", "decision", "reason", "match", "not_match"];

fn rule(item: &Item<'_>) -> Result<Rule, Fault> {
    let place = item.span();
    let mut table = value::table(item.clone())?;
    refuse_unknown(&table, KEYS, "commands.rules")?;
    let missing = |key: &str| Fault::new(place.clone(), format!("a rule needs `{key}`"));
    let prefix = table.remove("prefix").ok_or_else(|| missing("prefix"))?;
    let decision = table.remove("decision").ok_or_else(|| missing("decision"))?;
    let reason = table.remove("reason").ok_or_else(|| missing("reason"))?;
    let said = value::string(&reason)?.trim();
    if said.is_empty() {
        return Err(Fault::new(reason.span(), "`reason` says nothing"));
    }
    let rule = Rule {
        prefix: words(&prefix)?,
        decision: value::word(&DECISIONS)(&decision)?,
        reason: said.to_owned(),
    };
    for (key, matches) in [("match", true), ("not_match", false)] {
        if let Some(examples) = table.remove(key) {
            value::array(&examples)?.iter().try_for_each(|example| check(&rule, example, matches))?;
        }
    }
    Ok(rule)
}

/// Words, each a text or a list of texts that it may be.
fn words(item: &Item<'_>) -> Result<Vec<Vec<String>>, Fault> {
    let words: Result<Vec<Vec<String>>, Fault> = value::array(item)?
        .iter()
        .map(|word| match value::array(word) {
            Ok(alternatives) => alternatives.iter().map(text).collect(),
            Err(_) => text(word).map(|text| vec![text]),
        })
        .collect();
    let words = words?;
    match words.is_empty() || words.iter().any(Vec::is_empty) {
        true => Err(Fault::new(item.span(), "a rule needs at least one word, and each word a text")),
        false => Ok(words),
    }
}

fn text(item: &Item<'_>) -> Result<String, Fault> {
    let text = value::string(item)?;
    match text.contains('\0') {
        true => Err(Fault::new(item.span(), "no word of a command has a NUL in it")),
        false => Ok(text.to_owned()),
    }
}

/// Holds a rule to an example of what it is about, or is not.
fn check(rule: &Rule, item: &Item<'_>, matches: bool) -> Result<(), Fault> {
    let example = value::string(item)?;
    match (rule.is_about(example), matches) {
        (None, _) => Err(Fault::new(item.span(), "an example is one plain command")
            .hint("words and quotes, without variables, patterns and signs of the shell")),
        (Some(false), true) => Err(Fault::new(item.span(), format!("the rule is not about `{example}`"))),
        (Some(true), false) => Err(Fault::new(item.span(), format!("the rule is about `{example}`"))),
        _ => Ok(()),
    }
}
