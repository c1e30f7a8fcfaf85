//! The names that no commit brings into a project unasked: `protected.toml`, compiled by the build.

/// A name that is protected, in lower case, and why. One that begins with `*` ends names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProtectedName {
    /// The name.
    pub name: &'static str,
    /// What happens by itself with such a file.
    pub reason: &'static str,
}

/// All of them, sorted by name.
pub fn protected_names() -> &'static [ProtectedName] {
    table::NAMES
}

mod table {
    use super::ProtectedName;

    include!(concat!(env!("OUT_DIR"), "/protected.rs"));
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_name_stands_once_in_lower_case_and_with_a_reason() {
        let names = protected_names();
        let mut once = HashSet::new();
        for ProtectedName { name, reason } in names {
            assert!(once.insert(*name), "{name} twice");
            let ends = |it: &ProtectedName| it.name.strip_prefix('*').is_some_and(|end| name.ends_with(end));
            assert!(name.starts_with('*') || !names.iter().any(ends), "{name} has two reasons");
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
            assert!(once.contains(name), "{name}");
        }
    }
}
