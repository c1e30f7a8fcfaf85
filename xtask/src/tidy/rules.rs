//! The rules that are data: `xtask/tidy.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::Result;

const RULES: &str = include_str!("../../tidy.toml");

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    /// The entries of the top directory, dot-files apart.
    pub(super) top: Vec<String>,
    /// What each folder may know, by the folder's name.
    pub(super) layers: BTreeMap<String, Layer>,
    /// Files of the product that may use `std::fs`.
    #[serde(default)]
    pub(super) host_paths: Vec<Exception>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Layer {
    /// The crates of this workspace that it may depend on.
    pub(super) uses: Vec<String>,
    /// Dependencies that it must not have.
    pub(super) never: Vec<String>,
    /// The reason, for the message.
    pub(super) why: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exception {
    pub(super) file: String,
    pub(super) why: String,
}

impl Rules {
    pub(super) fn load() -> Result<Self> {
        Ok(toml::from_str(RULES)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_load_and_every_exception_has_a_reason() {
        let rules = Rules::load().unwrap();
        assert!(rules.host_paths.iter().all(|exception| !exception.why.is_empty()));
        assert!(rules.layers.keys().all(|folder| rules.top.contains(folder)));
    }
}
