//! The names that others rely on, and what is not done to them unasked: `kept.toml`.

use serde::Deserialize;

const TEXT: &str = include_str!("../kept.toml");

/// The names that are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptNames {
    /// Each of them.
    pub names: Vec<KeptName>,
    /// Directories in which no name is kept, in lower case.
    pub elsewhere: Vec<String>,
}

/// A name that is kept, in lower case. One that begins with `*` ends names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptName {
    /// The name.
    pub name: String,
    /// What others rely on it for.
    pub reason: String,
    /// What is not done to it.
    pub verbs: Vec<Verb>,
}

/// What can be done to a file besides changing what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// It is gone.
    Delete,
    /// Nothing is in it any more.
    Truncate,
    /// It has another name.
    Rename,
    /// It can be executed.
    Program,
    /// It is a link, or something else that is no file.
    Link,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    elsewhere: Vec<String>,
    group: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    reason: String,
    verbs: Vec<Verb>,
    names: Vec<String>,
}

/// All of them. Without the list nothing may be committed, so a broken one is an error.
pub fn kept_names() -> Result<KeptNames, toml::de::Error> {
    let File { elsewhere, group } = toml::from_str(TEXT)?;
    let of_group = |Group { reason, verbs, names }: Group| {
        let kept = move |name| KeptName { name, reason: reason.clone(), verbs: verbs.clone() };
        names.into_iter().map(kept)
    };
    Ok(KeptNames { names: group.into_iter().flat_map(of_group).collect(), elsewhere })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_name_stands_once_in_lower_case_with_a_reason_and_verbs() {
        let KeptNames { names, elsewhere } = kept_names().unwrap();
        let mut once = HashSet::new();
        for KeptName { name, reason, verbs } in &names {
            assert!(once.insert(name.clone()), "{name} twice");
            assert_eq!(*name, name.to_lowercase());
            assert!(!name.contains('/') && !reason.is_empty() && !verbs.is_empty(), "{name}");
        }
        for name in
            ["package.json", "requirements.txt", "pyproject.toml", "cargo.toml", "readme.md", ".github"]
        {
            assert!(once.contains(name), "{name}");
        }
        assert!(elsewhere.contains(&"node_modules".to_owned()));
    }
}
