//! The files of a project that are secrets by their names: `sensitive.toml`, compiled by the build.

/// What is looked for, and where not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sensitive {
    /// In the order of the list.
    pub rules: &'static [SensitiveRule],
    /// Names of directories that hold other people's files.
    pub left_out: &'static [&'static str],
}

/// A pattern of names at any depth, or of paths, and why what it matches is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SensitiveRule {
    /// As `.gitignore` has it.
    pub pattern: &'static str,
    /// What is in such a file.
    pub reason: &'static str,
    /// Only a file with one of these texts in it is meant; any where there is none.
    pub contains: &'static [&'static str],
    /// Names in lower case that it does not mean.
    pub except: &'static [&'static str],
}

/// The list.
pub fn sensitive() -> Sensitive {
    Sensitive { rules: table::RULES, left_out: table::LEFT_OUT }
}

mod table {
    use super::SensitiveRule;

    include!(concat!(env!("OUT_DIR"), "/sensitive.rs"));
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_pattern_stands_once_in_lower_case_and_with_a_reason() {
        let Sensitive { rules, left_out } = sensitive();
        let mut once = HashSet::new();
        for SensitiveRule { pattern, reason, contains, .. } in rules {
            assert!(once.insert(*pattern), "{pattern} twice");
            assert_eq!(*pattern, pattern.to_lowercase());
            assert!(!reason.is_empty() && contains.iter().all(|text| text.len() > 2 || *text == "@"));
        }
        for pattern in [".env", ".netrc", ".pypirc", "id_rsa", "id_ed25519", "*.pem", "terraform.tfstate"] {
            assert!(once.contains(pattern), "{pattern}");
        }
        assert_eq!(left_out, ["node_modules", ".venv", "venv", "site-packages", ".git"]);
    }
}
