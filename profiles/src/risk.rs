//! How closely a patch should be looked at, and why: `risk.toml`.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

const TEXT: &str = include_str!("../risk.toml");

/// From nothing to see to look at every line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RiskLevel {
    /// Nothing stands out.
    #[default]
    Low,
    /// Something does.
    Medium,
    /// Something that is often misused.
    High,
    /// Something that changes what others run, or loses much.
    Critical,
}

/// The highest level of all rules that hold, and the reason of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Risk {
    /// The level.
    pub level: RiskLevel,
    /// Why, the gravest first.
    pub reasons: Vec<RiskReason>,
}

/// One rule that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RiskReason {
    /// Its level.
    pub level: RiskLevel,
    /// Its reason.
    pub reason: String,
    /// The paths that it holds of, in order; none where it is about the whole.
    pub paths: Vec<String>,
}

/// What is done to one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deed {
    /// All its names, before and afterwards.
    pub paths: Vec<String>,
    /// What is done, each of [`DEEDS`].
    pub verbs: Vec<&'static str>,
    /// Lines that are added and removed.
    pub lines: u64,
}

/// What a deed may be called.
pub const DEEDS: [&str; 9] =
    ["create", "delete", "modify", "rename", "copy", "truncate", "program", "link", "binary"];
/// What is not done but was found: lines that are elsewhere.
pub const OFFSET: &str = "offset";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    risk: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    level: RiskLevel,
    reason: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    files: Option<u64>,
    lines: Option<u64>,
    deleted: Option<u64>,
}

/// The rules, and which of them name what.
struct Rules {
    rules: Vec<Rule>,
    /// Each name that is whole, sorted, and the number of its rule.
    by_name: Vec<(String, usize)>,
    /// Each ending of names, and the number of its rule.
    by_ending: Vec<(String, usize)>,
}

/// A deed, and the numbers of the rules that name something on its paths.
struct Named<'d> {
    deed: &'d Deed,
    rules: Vec<usize>,
}

/// Judges all that a patch does.
pub fn risk(deeds: &[Deed]) -> Result<Risk, toml::de::Error> {
    static RULES: LazyLock<Result<Rules, toml::de::Error>> =
        LazyLock::new(|| toml::from_str(TEXT).map(Rules::of));
    let rules = RULES.as_ref().map_err(Clone::clone)?;
    let deeds: Vec<_> = deeds.iter().map(|deed| Named::of(deed, rules)).collect();
    let held = rules.rules.iter().enumerate().filter_map(|(number, rule)| rule.holds(number, &deeds));
    let mut reasons: Vec<RiskReason> = held.collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.level));
    Ok(Risk { level: reasons.first().map_or(RiskLevel::Low, |first| first.level), reasons })
}

impl Rules {
    fn of(File { risk: rules }: File) -> Self {
        let (mut by_name, mut by_ending) = (Vec::new(), Vec::new());
        for (number, rule) in rules.iter().enumerate() {
            for name in &rule.names {
                match name.strip_prefix('*') {
                    Some(ending) => by_ending.push((ending.to_owned(), number)),
                    None => by_name.push((name.clone(), number)),
                }
            }
        }
        by_name.sort_unstable();
        Self { rules, by_name, by_ending }
    }

    /// Those that name a part of a path, in lower case.
    fn naming(&self, part: &str) -> impl Iterator<Item = usize> {
        let from = self.by_name.partition_point(|(name, _)| name.as_str() < part);
        let whole = self.by_name[from..].iter().take_while(move |(name, _)| name == part);
        let ends = self.by_ending.iter().filter(move |(ending, _)| part.ends_with(ending.as_str()));
        whole.chain(ends).map(|(_, number)| *number)
    }
}

impl<'d> Named<'d> {
    fn of(deed: &'d Deed, rules: &Rules) -> Self {
        let mut named = Vec::new();
        for part in deed.paths.iter().flat_map(|path| path.split('/')) {
            named.extend(rules.naming(&lower(part)));
        }
        Self { deed, rules: named }
    }
}

/// Most names are in lower case.
fn lower(name: &str) -> Cow<'_, str> {
    let is_lower = name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { name.into() } else { name.to_lowercase().into() }
}

impl Rule {
    fn holds(&self, number: usize, deeds: &[Named<'_>]) -> Option<RiskReason> {
        let deleted = deeds.iter().filter(|it| it.deed.verbs.contains(&"delete")).count() as u64;
        let lines: u64 = deeds.iter().map(|it| it.deed.lines).sum();
        let whole = [(self.files, deeds.len() as u64), (self.lines, lines), (self.deleted, deleted)];
        if whole.iter().any(|(least, is)| least.is_some_and(|least| *is < least)) {
            return None;
        }
        let is_of_files = !self.verbs.is_empty() || !self.names.is_empty();
        let held = deeds.iter().filter(|it| self.holds_of(number, it)).map(|it| it.deed);
        let paths: Vec<String> = match is_of_files {
            true => held.filter_map(|deed| deed.paths.last().cloned()).collect(),
            false => Vec::new(),
        };
        (!is_of_files || !paths.is_empty()).then_some(RiskReason {
            level: self.level,
            reason: self.reason.clone(),
            paths,
        })
    }

    fn holds_of(&self, number: usize, Named { deed, rules }: &Named<'_>) -> bool {
        let done =
            self.verbs.is_empty() || deed.verbs.iter().any(|verb| self.verbs.iter().any(|it| it == verb));
        done && (self.names.is_empty() || rules.contains(&number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deed(path: &str, verbs: &[&'static str]) -> Deed {
        Deed { paths: vec![path.into()], verbs: verbs.to_vec(), lines: 2 }
    }

    #[test]
    fn the_list_reads_and_knows_its_verbs() {
        let rules: File = toml::from_str(TEXT).unwrap();
        for rule in &rules.risk {
            let is_known = |verb: &String| DEEDS.contains(&verb.as_str()) || verb == OFFSET;
            assert!(rule.verbs.iter().all(is_known), "{}", rule.reason);
            assert!(rule.names.iter().all(|name| *name == name.to_lowercase() && !name.contains('/')));
        }
    }

    #[test]
    fn a_part_of_a_path_is_named_by_each_rule_that_has_it_or_its_ending() {
        let rule = |names: &[&str]| Rule {
            level: RiskLevel::High,
            reason: String::new(),
            verbs: Vec::new(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            files: None,
            lines: None,
            deleted: None,
        };
        let rules =
            Rules::of(File { risk: vec![rule(&["b", "a.lock"]), rule(&["*.lock"]), rule(&["a", "b"])] });
        let naming = |part: &str| rules.naming(part).collect::<Vec<_>>();
        assert_eq!(
            ["a", "b", "a.lock", "x.lock", "lock", "c"].map(naming),
            [vec![2], vec![0, 2], vec![0, 1], vec![1], vec![], vec![]]
        );
    }

    #[test]
    fn the_gravest_rule_decides_and_all_are_told() {
        assert_eq!(risk(&[deed("src/a.py", &["modify"])]).unwrap(), Risk::default());
        let told = risk(&[deed("src/a.py", &["delete"]), deed("sub/Package.json", &["modify"])]).unwrap();
        assert_eq!(told.level, RiskLevel::High);
        let paths: Vec<_> = told.reasons.iter().map(|it| (it.level, it.paths.join(" "))).collect();
        let expected = [(RiskLevel::High, "sub/Package.json".into()), (RiskLevel::Medium, "src/a.py".into())];
        assert_eq!(paths, expected);
        let workflow = risk(&[deed(".github/workflows/ci.yml", &["create"])]).unwrap();
        assert_eq!(workflow.level, RiskLevel::Critical);
        let many: Vec<_> = (0..60).map(|number| deed(&format!("f{number}"), &["delete"])).collect();
        assert_eq!(risk(&many).unwrap().level, RiskLevel::Critical);
    }
}
