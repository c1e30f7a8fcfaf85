//! Shows a profile: as a file that loads as the same, or as JSON, each value with where it comes from.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use toml::Value;

use crate::chosen::ChosenProfile;
use crate::diagnostic::printed;
use crate::origin::Origin;
use crate::profile::Widening;

/// A profile as JSON shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownProfile<'p> {
    profile: &'p str,
    widened: &'p [Widening],
    sections: BTreeMap<&'static str, BTreeMap<&'static str, ShownKey>>,
}

/// One key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownKey {
    value: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
    /// Those of a list's entries, in their order, or of a table's, in the order of their names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entries: Vec<Option<Origin>>,
}

impl ChosenProfile {
    /// The whole of it, for programs.
    pub fn shown(&self) -> ShownProfile<'_> {
        let sections = self.profile.state().into_iter().map(|(section, keys)| {
            let keys = keys.into_iter().map(|(key, value)| (key, self.shown_key(section, key, value)));
            (section, keys.collect())
        });
        ShownProfile {
            profile: &self.profile.name,
            widened: &self.profile.widened,
            sections: sections.collect(),
        }
    }

    /// The whole of it as the text of a profile. It states every key, and loads as one that permits the same.
    pub fn to_toml(&self) -> String {
        let mut text = format!("# What the profile {} permits.\n", printed(&self.profile.name));
        for Widening { profile, reason } in &self.profile.widened {
            let _ = writeln!(text, "# It is widened by {}: {}", printed(profile), printed(reason));
        }
        for (section, keys) in self.profile.state() {
            let _ = writeln!(text, "\n[{section}]");
            let is_table = |value: &Value| value.as_table().is_some_and(|table| !table.is_empty());
            // What follows the heading of a table belongs to that.
            let (tables, plain): (Vec<_>, Vec<_>) = keys.into_iter().partition(|(_, value)| is_table(value));
            for (key, value) in plain {
                self.write_key(&mut text, section, key, &value);
            }
            for (key, value) in tables {
                self.write_table(&mut text, section, key, &value);
            }
        }
        text
    }

    fn write_key(&self, text: &mut String, section: &str, key: &str, value: &Value) {
        let origin = self.origin(section, key);
        match value.as_array() {
            Some(items) if !items.is_empty() => {
                let _ = writeln!(text, "{key} = [{}", comment(origin));
                for (origin, line) in self.lines(section, key, items) {
                    let _ = writeln!(text, "    {line}{}", comment(origin));
                }
                text.push_str("]\n");
            }
            _ => {
                let _ = writeln!(text, "{key} = {value}{}", comment(origin));
            }
        }
    }

    /// The entries of a list, each line those that stand on one line of one text.
    fn lines(&self, section: &str, key: &str, items: &[Value]) -> Vec<(Option<&Origin>, String)> {
        let mut lines: Vec<(Option<&Origin>, String)> = Vec::new();
        for item in items {
            let entry = item.to_string();
            let origin = self.origin_of_entry(section, key, &entry);
            match lines.last_mut() {
                Some((before, line))
                    if is_same_line(*before, origin)
                        && line.len() + entry.len() < WIDTH
                        && !item.is_table() =>
                {
                    let _ = write!(line, " {entry},");
                }
                _ => lines.push((origin, format!("{entry},"))),
            }
        }
        lines
    }

    fn write_table(&self, text: &mut String, section: &str, key: &str, value: &Value) {
        let _ = writeln!(text, "[{section}.{key}]{}", comment(self.origin(section, key)));
        for (name, value) in value.as_table().into_iter().flatten() {
            let origin = self.origin_of_entry(section, key, name);
            let _ = writeln!(text, "{} = {value}{}", quoted(name), comment(origin));
        }
    }

    fn shown_key(&self, section: &str, key: &str, value: Value) -> ShownKey {
        let origin = self.origin(section, key).cloned();
        let names: Vec<String> = match &value {
            Value::Array(items) => items.iter().map(ToString::to_string).collect(),
            Value::Table(table) => table.keys().cloned().collect(),
            _ => Vec::new(),
        };
        let of_entry = |name: &String| self.origin_of_entry(section, key, name).cloned();
        let entries: Vec<_> = names.iter().map(of_entry).collect();
        ShownKey { value, origin, entries }
    }

    fn origin(&self, section: &str, key: &str) -> Option<&Origin> {
        self.origins.as_ref()?.of(section, key)
    }

    fn origin_of_entry(&self, section: &str, key: &str, entry: &str) -> Option<&Origin> {
        self.origins.as_ref()?.of_entry(section, key, entry)
    }
}

/// A longer line begins a new one.
const WIDTH: usize = 100;

fn comment(origin: Option<&Origin>) -> String {
    origin.map(|origin| format!("  # {origin}")).unwrap_or_default()
}

fn is_same_line(one: Option<&Origin>, other: Option<&Origin>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.is_beside(other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// A name in quotes, as a key has it, on one line.
fn quoted(name: &str) -> String {
    let mut text = String::from('"');
    for character in name.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            control if control.is_control() => {
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            plain => text.push(plain),
        }
    }
    text.push('"');
    text
}
