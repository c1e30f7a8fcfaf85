//! Where the values of a profile come from.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use toml::Value;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::printed;
use crate::load::Source;

/// What stated a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Origin {
    /// A profile that comes with the program.
    Builtin(Place),
    /// A file of the user's.
    File(Place),
    /// The file that the project brings.
    Project(Place),
    /// An environment variable.
    Variable {
        /// Which.
        name: String,
    },
    /// An option of the command line.
    Flag {
        /// Which.
        name: String,
    },
}

/// A place in the text of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The file, or the name of a built-in profile.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
}

impl Origin {
    /// Whether both are on one line of one text, or the same.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Builtin(one), Self::Builtin(other))
            | (Self::File(one), Self::File(other))
            | (Self::Project(one), Self::Project(other)) => {
                (&one.file, one.line) == (&other.file, other.line)
            }
            (one, other) => one == other,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(place) => write!(f, "built-in {place}"),
            Self::File(place) | Self::Project(place) => place.fmt(f),
            Self::Variable { name } | Self::Flag { name } => f.write_str(&printed(name)),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column } = self;
        write!(f, "{}:{line}:{column}", printed(file))
    }
}

/// The origin of each key, and of each entry of a list or a table.
///
/// It is kept beside the profile and made from the texts alone, so that no section has to know of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins {
    keys: BTreeMap<(String, String), Origin>,
    entries: BTreeMap<(String, String, String), Origin>,
}

impl Origins {
    /// Takes in what a text states; it comes after those that were taken in before.
    pub(crate) fn record(&mut self, source: &Source, file: &DeTable<'_>) {
        for (section, item) in file {
            let Some(keys) = item.get_ref().as_table() else { continue };
            for (key, item) in keys {
                let (section, name) = (section.get_ref().to_string(), key.get_ref().to_string());
                self.keys.insert((section.clone(), name.clone()), source.origin(key.span().start));
                for (entry, place) in entries(item.get_ref()) {
                    self.entries.insert((section.clone(), name.clone(), entry), source.origin(place));
                }
            }
        }
    }

    /// Takes in that one key, as a whole, was set by something that has no text.
    pub(crate) fn set(&mut self, section: &str, key: &str, origin: Origin) {
        self.entries.retain(|(of, name, _), _| of != section || name != key);
        self.keys.insert((section.to_owned(), key.to_owned()), origin);
    }

    /// What stated a key last.
    pub(crate) fn of(&self, section: &str, key: &str) -> Option<&Origin> {
        self.keys.get(&(section.to_owned(), key.to_owned()))
    }

    /// What stated an entry of a list, or the name of an entry of a table, last.
    pub(crate) fn of_entry(&self, section: &str, key: &str, entry: &str) -> Option<&Origin> {
        let whole = || self.of(section, key);
        self.entries.get(&(section.to_owned(), key.to_owned(), entry.to_owned())).or_else(whole)
    }
}

/// The entries of a list by what they are, those of a table by their names, each with its place.
fn entries(value: &DeValue<'_>) -> Vec<(String, usize)> {
    match value {
        DeValue::Array(items) => {
            items.iter().map(|item| (value_of(item.get_ref()).to_string(), item.span().start)).collect()
        }
        DeValue::Table(table) => {
            table.keys().map(|name| (name.get_ref().to_string(), name.span().start)).collect()
        }
        _ => Vec::new(),
    }
}

/// The value as it is compared with what a profile states.
fn value_of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::String(number.to_string()), Value::Integer),
        DeValue::Float(number) => {
            number.as_str().parse().map_or(Value::String(number.as_str().to_owned()), Value::Float)
        }
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(time) => Value::Datetime(*time),
        DeValue::Array(items) => items.iter().map(|item| value_of(item.get_ref())).collect::<Vec<_>>().into(),
        DeValue::Table(table) => {
            let entry =
                |(name, item): (&toml::Spanned<toml::de::DeString<'_>>, &toml::Spanned<DeValue<'_>>)| {
                    (name.get_ref().to_string(), value_of(item.get_ref()))
                };
            // A rule's examples are checked where it stands, and are no part of what it permits.
            let is_example = |(name, _): &(String, Value)| matches!(name.as_str(), "match" | "not_match");
            Value::Table(table.iter().map(entry).filter(|entry| !is_example(entry)).collect())
        }
    }
}
