//! What a patch may not do, whatever it is held against.

use std::path::{Path, PathBuf};

use super::class::{Class, Refusal};
use super::entry::How;
use super::simulate::{Deed, Made, Node, Simulation, Was};
use crate::commit::led::{Led, led, led_to_hidden};
use crate::commit::{Harm, KeptNames, Known, Protected};
use crate::hidden::Hidden;

/// What a patch does not touch, and names that it does not harm: the same that a commit goes by.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Neither as what is written nor as what is read.
    pub protected: Protected,
    /// What they hold may change.
    pub kept: KeptNames,
    /// What of the project nobody sees there, and what would be hidden if it were made.
    pub hidden: Hidden,
    /// Paths that no command changes.
    pub read_only: Vec<PathBuf>,
}

impl Simulation {
    /// All that the rules refuse, file by file.
    pub fn judge(&self, rules: &Rules) -> Vec<Refusal> {
        let made = self.made();
        let (mut refused, known) = (Vec::new(), Known::default());
        for deed in &self.deeds {
            let (source, target) =
                (deed.how.source(), deed.how.target().filter(|it| Some(*it) != deed.how.source()));
            let paths = [source, target].into_iter().flatten();
            refused
                .extend(paths.filter_map(|path| protected(path, rules, &known)).map(|it| it.at(deed.line)));
            refused.extend(deed.withheld(rules).map(|it| it.at(deed.line)));
            refused.extend(deed.planted(rules));
            refused.extend(deed.led(rules).map(|it| it.at(deed.line)));
            if let Some((path, harm)) = deed.harm(&made) {
                refused.extend(kept(path, harm, rules).map(|it| it.at(deed.line)));
            }
        }
        refused
    }
}

fn protected<'a>(path: &Path, rules: &'a Rules, known: &Known<'a>) -> Option<Refusal> {
    let name = rules.protected.find_known(path, known)?;
    let refusal = Class::Protected.refuse(name.reason).of(path);
    Some(Refusal { allow: Some(name.name.to_owned()), ..refusal })
}

fn kept(path: &Path, harm: Harm, rules: &Rules) -> Option<Refusal> {
    let name = rules.kept.find(path, harm)?;
    let refusal = Class::Kept.refuse(format!("{}: {}", harm.text(), name.reason)).of(path);
    Some(Refusal { allow: Some(name.name.to_string()), ..refusal })
}

impl Deed {
    fn planted(&self, rules: &Rules) -> Option<Refusal> {
        let (path, planted) =
            self.planted.iter().find(|(_, planted)| !rules.protected.allows(&planted.key))?;
        let refusal = Class::Git.refuse(planted.reason).of(path).at(self.line);
        Some(Refusal { allow: Some(planted.key.clone()), ..refusal })
    }

    /// What it makes, changes or removes where a commit would leave everything as it is.
    fn withheld(&self, rules: &Rules) -> Option<Refusal> {
        [self.how.removed(), self.how.target()].into_iter().flatten().find_map(|path| {
            let below = || rules.hidden.below(path).map(|below| below.rule.clone());
            if let Some(rule) = rules.hidden.keeps(path).or_else(below) {
                return Some(Class::Hidden.refuse(format!("it is hidden by {rule}")).of(path));
            }
            let is_kept = |named: &&PathBuf| path.starts_with(named) || named.starts_with(path);
            let named = rules.read_only.iter().find(is_kept)?.display();
            let reason = format!("`{named}` is `read_only` in [filesystem] of the profile");
            Some(Class::Protected.refuse(reason).of(path))
        })
    }

    /// A link is as what it leads to.
    fn led(&self, rules: &Rules) -> Option<Refusal> {
        if let Some(reason) = led_to_hidden(&self.leads, &rules.hidden) {
            return Some(Class::Hidden.refuse(reason).of(self.how.path()));
        }
        let led = led(&self.leads, &rules.protected)?;
        let class = if led.name == Led::GIT { Class::Git } else { Class::Protected };
        let refusal = class.refuse(led.text()).of(self.how.path());
        Some(Refusal { allow: Some(led.name.to_owned()), ..refusal })
    }

    /// What is done to the file that was there, besides changing what it holds. What is deleted may be made anew by
    /// another part.
    pub fn harm<'a>(&'a self, made: &Made<'_>) -> Option<(&'a Path, Harm)> {
        let (path, old) = (self.how.source()?, self.old?);
        let harm = match &self.how {
            How::Copy { .. } | How::Create(_) => None,
            How::Rename { .. } => made.at(path).map_or(Some(Harm::Rename), |new| change(old, new)),
            How::Delete(_) => made.at(path).map_or(Some(Harm::Delete), |new| change(old, new)),
            How::Modify(_) => self.new.as_ref().and_then(|new| change(old, new)),
        };
        harm.map(|harm| (path, harm))
    }
}

fn change(old: Was, new: &Node) -> Option<Harm> {
    match (old, new) {
        (Was::Link, Node::Link(_)) => None,
        (_, Node::Link(_)) => Some(Harm::Link),
        (Was::Link, Node::File { .. }) => None,
        (Was::File { is_empty: was_empty, mode: had }, Node::File { is_empty, mode }) => {
            if *is_empty && !was_empty {
                return Some(Harm::Truncate);
            }
            (had & 0o111 == 0 && mode & 0o111 != 0).then_some(Harm::Program)
        }
    }
}
