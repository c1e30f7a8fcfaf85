//! The files of a project that are secrets by their names: `sensitive.toml`.

use serde::Deserialize;

const TEXT: &str = include_str!("../sensitive.toml");

/// What is looked for, and where not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sensitive {
    /// In the order of the list.
    pub rules: Vec<SensitiveRule>,
    /// Names of directories that hold other people's files.
    pub left_out: Vec<String>,
}

/// A pattern of names at any depth, or of paths, and why what it matches is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SensitiveRule {
    /// As `.gitignore` has it.
    pub pattern: String,
    /// What is in such a file.
    pub reason: String,
    /// Only a file with one of these texts in it is meant; any where there is none.
    pub contains: Vec<String>,
    /// Names in lower case that it does not mean.
    pub except: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    left_out: Vec<String>,
    group: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    reason: String,
    names: Vec<String>,
    #[serde(default)]
    contains: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
}

/// The list. Without it nothing is known to be no secret, so a broken one is an error.
pub fn sensitive() -> Result<Sensitive, toml::de::Error> {
    let File { left_out, group } = toml::from_str(TEXT)?;
    let rules = group.into_iter().flat_map(|Group { reason, names, contains, except }| {
        names.into_iter().map(move |pattern| SensitiveRule {
            pattern,
            reason: reason.clone(),
            contains: contains.clone(),
            except: except.clone(),
        })
    });
    Ok(Sensitive { rules: rules.collect(), left_out })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_pattern_stands_once_in_lower_case_and_with_a_reason() {
        let Sensitive { rules, left_out } = sensitive().unwrap();
        let mut once = HashSet::new();
        for SensitiveRule { pattern, reason, contains, .. } in &rules {
            assert!(once.insert(pattern), "{pattern} twice");
            assert_eq!(*pattern, pattern.to_lowercase());
            assert!(
                !reason.is_empty() && contains.iter().all(|text| text.len() > 2 || text == "@"),
                "{pattern}"
            );
        }
        for pattern in [".env", ".netrc", ".pypirc", "id_rsa", "id_ed25519", "*.pem", "terraform.tfstate"] {
            assert!(once.contains(&pattern.to_owned()), "{pattern}");
        }
        assert_eq!(left_out, ["node_modules", ".venv", "venv", "site-packages", ".git"]);
    }
}
