//! Builds the binary that is proved and measured: the one that is shipped.

use std::path::PathBuf;

use serde_json::Value;

use crate::{Result, shell};

/// Builds `clearing` for release and tells where Cargo put it.
pub(crate) fn release_binary() -> Result<PathBuf> {
    let arguments =
        ["build", "--release", "--package", "clearing", "--message-format=json-render-diagnostics"];
    eprintln!("$ cargo {}", arguments.join(" "));
    let built = shell::cargo(&arguments).stderr(std::process::Stdio::inherit()).output()?;
    if !built.status.success() {
        return Err(format!("cargo build: {}", built.status).into());
    }
    let messages = String::from_utf8_lossy(&built.stdout);
    messages.lines().find_map(executable).ok_or_else(|| "cargo names no executable".into())
}

fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    message["executable"].as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_read_from_what_cargo_says() {
        let said = r#"{"reason":"compiler-artifact","executable":"/t/release/clearing"}"#;
        assert_eq!(executable(said), Some(PathBuf::from("/t/release/clearing")));
        assert_eq!(executable(r#"{"reason":"compiler-artifact","executable":null}"#), None);
        assert_eq!(executable("warning: not json"), None);
    }
}
