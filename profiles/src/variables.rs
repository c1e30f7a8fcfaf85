//! Environment variables that mirror the keys of a profile: `CLEARING_LIMITS_MEMORY=1G`.

use std::ffi::OsStr;

use toml::Value;
use toml::de::DeValue;

use crate::diagnostic::{Fault, printed};
use crate::error::ProfileError;
use crate::profile::Profile;
use crate::suggest::did_you_mean;

/// What begins with `CLEARING_` and is no key of a profile; one that ends in `*` stands for all that begin so.
const OTHERS: &[&str] = &[
    "CLEARING_STATE_DIR",
    "CLEARING_BIN",
    "CLEARING_VM_CACHE",
    "CLEARING_FUZZ_SECONDS",
    "CLEARING_CRASH_POINTS",
    "CLEARING_SANDBOX*",
    "CLEARING_TEST_*",
];

/// Whether a variable is one of clearing's that no key is mirrored by.
pub(crate) fn is_other(name: &str) -> bool {
    OTHERS.iter().any(|other| match other.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == *other,
    })
}

/// What the variable says, as a file would: one key of one section.
pub(crate) fn as_file(profile: &Profile, name: &str, value: &OsStr) -> Result<String, Fault> {
    let text = value.to_str().ok_or_else(|| Fault::new(0..0, "it holds no text"))?;
    let stated = profile.state();
    let keys =
        || stated.iter().flat_map(|(section, keys)| keys.iter().map(move |(key, now)| (*section, *key, now)));
    let Some((section, key, now)) = keys().find(|(section, key, _)| variable(section, key) == name) else {
        let known: Vec<String> = keys().map(|(section, key, _)| variable(section, key)).collect();
        let hint = did_you_mean(name, known.iter().map(String::as_str));
        let all = || "it is CLEARING_, a section and a key of a profile: CLEARING_LIMITS_MEMORY".to_owned();
        return Err(Fault::new(0..0, "no key of a profile is mirrored by it").hint(hint.unwrap_or_else(all)));
    };
    Ok(format!("{section}.{key} = {}", written(text, now)))
}

/// The error that a fault of such a text is.
pub(crate) fn refused(name: &str, value: &OsStr, fault: Fault) -> ProfileError {
    let shown: String = value.to_string_lossy().chars().take(LONGEST_SHOWN).collect();
    let (message, hint) = fault.told();
    ProfileError::Variable { name: name.to_owned(), value: printed(&shown), message, hint }
}

/// A longer value is not told whole.
const LONGEST_SHOWN: usize = 200;

fn variable(section: &str, key: &str) -> String {
    format!("CLEARING_{section}_{key}").to_ascii_uppercase()
}

/// A value as a file has it; a text needs no quotes, and a list of texts no brackets.
fn written(text: &str, now: &Value) -> String {
    if now.is_array() && !text.trim_start().starts_with('[') {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        return crate::stated::list(entries).to_string();
    }
    match DeValue::parse(text) {
        Ok(value) if !value.get_ref().is_datetime() && !text.contains(['\n', '#']) => text.to_owned(),
        _ => Value::String(text.to_owned()).to_string(),
    }
}
