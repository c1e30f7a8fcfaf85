//! Every dependency that is declared is used.

use super::Finding;
use super::tree::{Tree, lines_with};

const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let manifests = tree.manifests();
    let mut findings = Vec::new();
    for (folder, manifest) in &manifests {
        let path = format!("{folder}/Cargo.toml");
        let unused = dependency_names(manifest).into_iter().filter(|name| !is_used(tree, folder, name));
        findings.extend(unused.map(|name| Finding::fault(&path, 0, format!("`{name}` is not used"))));
    }
    let taken: Vec<_> = manifests.values().flat_map(dependency_names).collect();
    let shared = shared_names(tree).into_iter().filter(|name| !taken.contains(&name.as_str()));
    findings.extend(shared.map(|name| Finding::fault("Cargo.toml", 0, format!("no crate takes `{name}`"))));
    findings
}

/// The dependencies of every kind, also those for some targets only.
pub(super) fn dependency_names(manifest: &toml::Table) -> Vec<&str> {
    let targets = manifest
        .get("target")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flat_map(|targets| targets.values());
    let tables = targets.filter_map(toml::Value::as_table).chain([manifest]);
    let kinds = tables.flat_map(|table| KINDS.iter().filter_map(|kind| table.get(*kind)?.as_table()));
    kinds.flat_map(|dependencies| dependencies.keys().map(String::as_str)).collect()
}

pub(super) fn package_name(manifest: &toml::Table) -> &str {
    manifest.get("package").and_then(|package| package.get("name")?.as_str()).unwrap_or_default()
}

fn is_used(tree: &Tree, folder: &str, name: &str) -> bool {
    let identifier = name.replace('-', "_");
    let mut sources = tree.sources().filter(|source| source.folder() == folder);
    sources.any(|source| !lines_with(&source.code, &identifier).is_empty())
}

/// What the workspace offers to its members.
fn shared_names(tree: &Tree) -> Vec<String> {
    let root = tree.files.iter().find(|file| file.path == "Cargo.toml").and_then(|file| file.text());
    let root: Option<toml::Table> = root.and_then(|text| toml::from_str(text).ok());
    let shared = root.as_ref().and_then(|root| root.get("workspace")?.get("dependencies")?.as_table());
    shared.into_iter().flat_map(|shared| shared.keys().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::tree;
    use super::*;

    #[test]
    fn what_no_source_names_is_unused() {
        let manifest = "[package]\nname = \"clearing-profiles\"\n[dependencies]\nserde.workspace = true\nserde-json = \"1\"\n";
        let source = "use serde_json::Value; // serde\n";
        let found = check(&tree(&[("profiles/Cargo.toml", manifest), ("profiles/src/lib.rs", source)]));
        assert_eq!(found, [Finding::fault("profiles/Cargo.toml", 0, "`serde` is not used")]);
    }

    #[test]
    fn what_no_crate_takes_is_not_offered() {
        let found = check(&tree(&[("Cargo.toml", "[workspace.dependencies]\nclap = \"4\"\n")]));
        assert_eq!(found, [Finding::fault("Cargo.toml", 0, "no crate takes `clap`")]);
    }

    #[test]
    fn dependencies_for_some_targets_are_dependencies() {
        let manifest = "[target.'cfg(unix)'.dev-dependencies]\nnix = \"0.31\"\n";
        assert_eq!(dependency_names(&toml::from_str(manifest).unwrap()), ["nix"]);
    }
}
