//! The names that no commit brings into a project unasked: `protected.toml`.

use serde::Deserialize;

const TEXT: &str = include_str!("../protected.toml");

/// A name that is protected, in lower case, and why. One that begins with `*` ends names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedName {
    /// The name.
    pub name: String,
    /// What happens by itself with such a file.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    group: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    reason: String,
    names: Vec<String>,
}

/// All of them. Without the list nothing may be committed, so a broken one is an error.
pub fn protected_names() -> Result<Vec<ProtectedName>, toml::de::Error> {
    let file: File = toml::from_str(TEXT)?;
    let of_group = |group: Group| {
        let reason = group.reason;
        group.names.into_iter().map(move |name| ProtectedName { name, reason: reason.clone() })
    };
    Ok(file.group.into_iter().flat_map(of_group).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_name_stands_once_in_lower_case_and_with_a_reason() {
        let names = protected_names().unwrap();
        let mut once = HashSet::new();
        for ProtectedName { name, reason } in &names {
            assert!(once.insert(name), "{name} twice");
            assert_eq!(*name, name.to_lowercase());
            assert!(!name.contains('/') && !reason.is_empty(), "{name}");
        }
        for name in [
            ".claude",
            ".codex",
            ".cursor",
            ".vscode",
            ".idea",
            ".devcontainer",
            ".mcp.json",
            ".envrc",
            ".bashrc",
            ".zshrc",
            ".profile",
            ".gitconfig",
            ".gitmodules",
            ".npmrc",
            ".ssh",
        ] {
            assert!(once.contains(&name.to_owned()), "{name}");
        }
    }
}
