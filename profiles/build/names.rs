//! The names that no commit brings unasked, and those that others rely on, compiled to Rust text: every commit and
//! every patch needs them.

use std::fmt::Write as _;
use std::fs;

use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Protected {
    group: Vec<ProtectedGroup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProtectedGroup {
    reason: String,
    names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    elsewhere: Vec<String>,
    group: Vec<KeptGroup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptGroup {
    reason: String,
    verbs: Vec<Verb>,
    names: Vec<String>,
}

/// Printed as the variant of the crate's own `Verb`.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Delete,
    Truncate,
    Rename,
    Program,
    Link,
}

/// `protected.toml`, sorted by name.
pub(crate) fn compile_protected() -> Result<String, String> {
    let Protected { group } = read_list("protected.toml")?;
    let of_group = |group: &ProtectedGroup| {
        let entry = |name| format!("ProtectedName {{ name: {name:?}, reason: {:?} }}", group.reason);
        group.names.iter().map(|name| (name.clone(), entry(name))).collect::<Vec<_>>()
    };
    let mut names: Vec<_> = group.iter().flat_map(of_group).collect();
    names.sort();
    let mut table = String::from("pub(super) static NAMES: &[ProtectedName] = &[\n");
    for (_, entry) in names {
        let _ = writeln!(table, "    {entry},");
    }
    Ok(table + "];\n")
}

/// `kept.toml`, in the order of the file.
pub(crate) fn compile_kept() -> Result<String, String> {
    let Kept { elsewhere, group } = read_list("kept.toml")?;
    let mut table = format!("pub(super) static ELSEWHERE: &[&str] = &{elsewhere:?};\n");
    table.push_str("pub(super) static NAMES: &[KeptName] = &[\n");
    for KeptGroup { reason, verbs, names } in &group {
        let verbs: Vec<String> = verbs.iter().map(|verb| format!("Verb::{verb:?}")).collect();
        for name in names {
            let verbs = verbs.join(", ");
            let _ =
                writeln!(table, "    KeptName {{ name: {name:?}, reason: {reason:?}, verbs: &[{verbs}] }},");
        }
    }
    Ok(table + "];\n")
}

/// Reads a file of the crate that is a list of names.
pub(crate) fn read_list<T: DeserializeOwned>(file: &str) -> Result<T, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    toml::from_str(&text).map_err(|error| format!("{file}: {error}"))
}
