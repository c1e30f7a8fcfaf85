//! The leaves never know each other, and nothing knows what is not its business.

use super::Finding;
use super::dependencies::{dependency_names, package_name};
use super::rules::{Layer, Rules};
use super::tree::{Source, Tree, lines_with};

pub(super) fn check(tree: &Tree, rules: &Rules) -> Vec<Finding> {
    let manifests = tree.manifests();
    let members: Vec<_> = manifests.values().map(package_name).collect();
    let mut findings = Vec::new();
    for (folder, manifest) in &manifests {
        let Some(layer) = rules.layers.get(*folder) else {
            findings.push(Finding::fault(folder, 0, "no layer is declared for this crate"));
            continue;
        };
        let own = package_name(manifest);
        let is_foreign = |name: &str| name != own && !layer.uses.iter().any(|used| used == name);
        let foreign: Vec<_> = members.iter().copied().filter(|name| is_foreign(name)).collect();
        findings.extend(check_manifest(folder, manifest, layer, &foreign));
        for source in tree.sources().filter(|source| source.folder() == *folder) {
            findings.extend(check_paths(&source, layer, &foreign));
            findings.extend(check_inclusions(&source));
        }
    }
    findings
}

fn check_manifest(folder: &str, manifest: &toml::Table, layer: &Layer, foreign: &[&str]) -> Vec<Finding> {
    let path = format!("{folder}/Cargo.toml");
    let names = dependency_names(manifest).into_iter();
    let banned = names.filter(|name| foreign.contains(name) || layer.never.iter().any(|never| never == name));
    banned.map(|name| Finding::fault(&path, 0, format!("depends on `{name}`, but {}", layer.why))).collect()
}

/// Paths such as `clearing_rootfs::walk`, however they came to resolve.
fn check_paths(source: &Source<'_>, layer: &Layer, foreign: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in foreign {
        let identifier = name.replace('-', "_");
        let path = format!("{identifier}::");
        let is_path =
            |line: &usize| source.code.lines().nth(line - 1).is_some_and(|code| code.contains(&path));
        let used = lines_with(&source.code, &identifier).into_iter().filter(is_path);
        findings.extend(
            used.map(|line| Finding::fault(source.path, line, format!("uses `{name}`, but {}", layer.why))),
        );
    }
    findings
}

/// `include!`, `include_str!` and `#[path]` that lead out of the crate.
fn check_inclusions(source: &Source<'_>) -> Vec<Finding> {
    const INCLUSIONS: [&str; 4] = ["include!(", "include_str!(", "include_bytes!(", "#[path"];
    let depth = source.path.matches('/').count() - 1;
    let lines = source.code.lines().zip(source.text.lines()).enumerate();
    let leading_out = lines.filter(|(_, (code, text))| {
        INCLUSIONS.iter().any(|word| code.contains(word)) && text.matches("../").count() > depth
    });
    leading_out
        .map(|(at, _)| Finding::fault(source.path, at + 1, "includes a file of another folder"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::tree;
    use super::*;

    const PROFILES: (&str, &str) = ("profiles/Cargo.toml", "[package]\nname = \"clearing-profiles\"\n");

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        check(&tree(files), &Rules::load().unwrap())
            .iter()
            .map(|finding| format!("{}:{}", finding.path, finding.line))
            .collect()
    }

    #[test]
    fn a_leaf_that_depends_on_a_leaf_is_found() {
        let manifest =
            "[package]\nname = \"clearing-rootfs\"\n[dev-dependencies]\nclearing-profiles.workspace = true\n";
        assert_eq!(found(&[PROFILES, ("rootfs/Cargo.toml", manifest)]), ["rootfs/Cargo.toml:0"]);
    }

    #[test]
    fn the_supervisor_may_use_the_leaves() {
        let manifest = "[package]\nname = \"clearing\"\n[dependencies]\nclearing-profiles.workspace = true\n";
        let main = "use clearing::cli;\nuse clearing_profiles::Profile;\n";
        assert_eq!(
            found(&[PROFILES, ("supervisor/Cargo.toml", manifest), ("supervisor/src/main.rs", main)]),
            [""; 0]
        );
    }

    #[test]
    fn a_dependency_that_tells_too_much_is_found() {
        let manifest =
            "[package]\nname = \"clearing-profiles\"\n[target.'cfg(unix)'.dependencies]\nnix = \"0.31\"\n";
        assert_eq!(found(&[("profiles/Cargo.toml", manifest)]), ["profiles/Cargo.toml:0"]);
    }

    #[test]
    fn paths_and_inclusions_count_as_knowing() {
        let manifest = ("rootfs/Cargo.toml", "[package]\nname = \"clearing-rootfs\"\n");
        let source = "use clearing_profiles::Profile;\nconst A: &str = include_str!(\"../../profiles/builtin/default.toml\");\n";
        let found = found(&[PROFILES, manifest, ("rootfs/src/lib.rs", source)]);
        assert_eq!(found, ["rootfs/src/lib.rs:1", "rootfs/src/lib.rs:2"]);
    }
}
