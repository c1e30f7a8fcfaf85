//! Builds the binary that is proved and measured, the one that is shipped, and the programs that prove it.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::{Result, shell};

/// Builds `clearing` for release and tells where Cargo put it.
pub(crate) fn release_binary() -> Result<PathBuf> {
    let built = messages(&["build", "--release", "--package", "clearing"])?;
    built.iter().find_map(executable).ok_or_else(|| "cargo names no executable".into())
}

/// Builds an example of `clearing` for release and tells where Cargo put it.
pub(crate) fn release_example(name: &str) -> Result<PathBuf> {
    find_example(&["build", "--release", "--package", "clearing", "--example", name])
}

fn find_example(arguments: &[&str]) -> Result<PathBuf> {
    let built = messages(arguments)?;
    let is_it = |message: &&Value| message["target"]["kind"] == json!(["example"]);
    let program = built.iter().filter(is_it).find_map(executable);
    program.ok_or_else(|| "cargo names no executable".into())
}

/// Builds an example of `clearing` as tests are built, and tells where Cargo put it.
pub(crate) fn example(name: &str) -> Result<PathBuf> {
    find_example(&["build", "--package", "clearing", "--example", name])
}

/// Builds the tests of a package and tells where Cargo put those of these names, as far as they are there.
pub(crate) fn test_programs(package: &str, names: &[&str]) -> Result<Vec<PathBuf>> {
    let built = messages(&["test", "--no-run", "--package", package])?;
    Ok(built.iter().filter(|message| is_test(message, names)).filter_map(executable).collect())
}

/// What Cargo says of each thing that it built or found built.
fn messages(arguments: &[&str]) -> Result<Vec<Value>> {
    eprintln!("$ cargo {}", arguments.join(" "));
    let mut cargo = shell::cargo(arguments);
    cargo.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let built = cargo.output()?;
    if !built.status.success() {
        return Err(format!("cargo {}: {}", arguments.join(" "), built.status).into());
    }
    let lines = String::from_utf8_lossy(&built.stdout);
    Ok(lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn executable(message: &Value) -> Option<PathBuf> {
    message["executable"].as_str().map(PathBuf::from)
}

fn is_test(message: &Value, names: &[&str]) -> bool {
    let target = &message["target"];
    target["kind"] == json!(["test"]) && target["name"].as_str().is_some_and(|name| names.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_read_from_what_cargo_says() {
        let said = json!({"reason": "compiler-artifact", "executable": "/t/release/clearing"});
        assert_eq!(executable(&said), Some(PathBuf::from("/t/release/clearing")));
        assert_eq!(executable(&json!({"reason": "compiler-artifact", "executable": null})), None);
    }

    #[test]
    fn a_test_is_known_by_its_kind_and_name() {
        let said = |kind: &str| json!({"target": {"kind": [kind], "name": "escapes"}});
        assert!(is_test(&said("test"), &["limits", "escapes"]));
        assert!(!is_test(&said("test"), &["limits"]) && !is_test(&said("lib"), &["escapes"]));
    }
}
