//! The names that others rely on, and what is not done to them unasked: `kept.toml`, compiled by the build.

/// The names that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptNames {
    /// Each of them.
    pub names: &'static [KeptName],
    /// Directories in which no name is kept, in lower case.
    pub elsewhere: &'static [&'static str],
}

/// A name that is kept, in lower case. One that begins with `*` ends names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptName {
    /// The name.
    pub name: &'static str,
    /// What others rely on it for.
    pub reason: &'static str,
    /// What is not done to it.
    pub verbs: &'static [Verb],
}

/// What can be done to a file besides changing what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

/// All of them.
pub fn kept_names() -> KeptNames {
    KeptNames { names: table::NAMES, elsewhere: table::ELSEWHERE }
}

mod table {
    use super::{KeptName, Verb};

    include!(concat!(env!("OUT_DIR"), "/kept.rs"));
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_name_stands_once_in_lower_case_with_a_reason_and_verbs() {
        let KeptNames { names, elsewhere } = kept_names();
        let mut once = HashSet::new();
        for KeptName { name, reason, verbs } in names {
            assert!(once.insert(*name), "{name} twice");
            assert_eq!(*name, name.to_lowercase());
            assert!(!name.contains('/') && !reason.is_empty() && !verbs.is_empty(), "{name}");
        }
        for name in
            ["package.json", "requirements.txt", "pyproject.toml", "cargo.toml", "readme.md", ".github"]
        {
            assert!(once.contains(name), "{name}");
        }
        assert!(elsewhere.contains(&"node_modules"));
    }
}
