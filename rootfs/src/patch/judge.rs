//! What a patch may not do, whatever it is held against.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::class::{Class, Refusal};
use super::entry::How;
use super::simulate::{Deed, Node, Simulation};
use crate::commit::{Harm, KeptNames, Known, Protected};

/// Names that a patch does not touch, and names that it does not harm: the same that a commit goes by.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Rules {
    /// Neither as what is written nor as what is read.
    pub protected: Protected,
    /// What they hold may change.
    pub kept: KeptNames,
}

impl Simulation {
    /// All that the rules refuse, file by file.
    pub fn judge(&self, rules: &Rules) -> Vec<Refusal> {
        let made: BTreeMap<&Path, &Node> =
            self.deeds.iter().filter_map(|deed| Some((deed.how.target()?, deed.new.as_ref()?))).collect();
        let (mut refused, known) = (Vec::new(), Known::default());
        for deed in &self.deeds {
            let (source, target) =
                (deed.how.source(), deed.how.target().filter(|it| Some(*it) != deed.how.source()));
            let paths = [source, target].into_iter().flatten();
            refused
                .extend(paths.filter_map(|path| protected(path, rules, &known)).map(|it| it.at(deed.line)));
            if let Some((path, harm)) = deed.harm(&made) {
                refused.extend(kept(path, harm, rules).map(|it| it.at(deed.line)));
            }
        }
        refused
    }
}

fn protected<'a>(path: &Path, rules: &'a Rules, known: &Known<'a>) -> Option<Refusal> {
    let name = rules.protected.find_known(path, known)?;
    let refusal = Class::Protected.refuse(name.reason.clone()).of(path);
    Some(Refusal { allow: Some(name.name.clone()), ..refusal })
}

fn kept(path: &Path, harm: Harm, rules: &Rules) -> Option<Refusal> {
    let name = rules.kept.find(path, harm)?;
    let refusal = Class::Kept.refuse(format!("{}: {}", harm.text(), name.reason)).of(path);
    Some(Refusal { allow: Some(name.name.clone()), ..refusal })
}

impl Deed {
    /// What is done to the file that was there, besides changing what it holds. What is deleted may be made anew by
    /// another part.
    pub fn harm<'a>(&'a self, made: &BTreeMap<&Path, &Node>) -> Option<(&'a Path, Harm)> {
        let (path, old) = (self.how.source()?, self.old.as_ref()?);
        let harm = match &self.how {
            How::Copy { .. } | How::Create(_) => None,
            How::Rename { .. } => made.get(path).map_or(Some(Harm::Rename), |new| change(old, new)),
            How::Delete(_) => made.get(path).map_or(Some(Harm::Delete), |new| change(old, new)),
            How::Modify(_) => self.new.as_ref().and_then(|new| change(old, new)),
        };
        harm.map(|harm| (path, harm))
    }
}

fn change(old: &Node, new: &Node) -> Option<Harm> {
    match (old, new) {
        (Node::Link(_), Node::Link(_)) => None,
        (_, Node::Link(_)) => Some(Harm::Link),
        (Node::Link(_), Node::File { .. }) => None,
        (Node::File { content: before, mode: had }, Node::File { content, mode }) => {
            if content.is_empty() && !before.is_empty() {
                return Some(Harm::Truncate);
            }
            (had & 0o111 == 0 && mode & 0o111 != 0).then_some(Harm::Program)
        }
    }
}
