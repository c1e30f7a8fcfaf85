//! What a profile states, as a file would have it: each key with a value that reads as the same again.

use std::collections::BTreeMap;

use toml::Value;

use crate::profile::Profile;
use crate::quantity::write_thousandths;

/// The keys of a section, in the order in which they are shown.
pub(crate) type Stated = Vec<(&'static str, Value)>;

impl Profile {
    /// The sections, in the order in which they are shown, each with all of its keys.
    pub(crate) fn state(&self) -> Vec<(&'static str, Stated)> {
        let Self {
            name: _,
            widened: _,
            filesystem,
            network,
            environment,
            commands,
            limits,
            output,
            rollback,
            patch,
            syscalls,
            landlock,
            guards,
        } = self;
        vec![
            ("filesystem", filesystem.state()),
            ("network", network.state()),
            ("environment", environment.state()),
            ("commands", commands.state()),
            ("limits", limits.state()),
            ("output", output.state()),
            ("rollback", rollback.state()),
            ("patch", patch.state()),
            ("syscalls", syscalls.state()),
            ("landlock", landlock.state()),
            ("guards", guards.state()),
        ]
    }
}

/// A key that has another value in another profile, both as a file states them.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// As `network`.
    pub section: &'static str,
    /// As `mode`.
    pub key: &'static str,
    /// In the one.
    pub here: String,
    /// In the other.
    pub there: String,
}

impl Profile {
    /// The keys whose values are others in `other`, in the order in which they are shown. Where there are none, both
    /// permit the same.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let sections = self.state().into_iter().zip(other.state());
        let keys = sections.flat_map(|((section, here), (_, there))| {
            here.into_iter().zip(there).map(move |((key, here), (_, there))| (section, key, here, there))
        });
        let differing = keys.filter(|(.., here, there)| here != there);
        let told = differing.map(|(section, key, here, there)| {
            let (here, there) = (here.to_string(), there.to_string());
            Difference { section, key, here, there }
        });
        told.collect()
    }
}

/// A list of texts.
pub(crate) fn list<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Value {
    Value::Array(texts.into_iter().map(|text| Value::String(text.into())).collect())
}

/// Values by name.
pub(crate) fn named(entries: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Table(entries.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect())
}

/// The word that stands for a value.
pub(crate) fn one_of_words<T: PartialEq>(words: &[(&str, T)], value: &T) -> Value {
    let word = words.iter().find(|(_, meant)| meant == value).map_or("", |(word, _)| word);
    Value::String(word.to_owned())
}

/// A value, or the word for none.
pub(crate) fn or_none<T>(value: Option<T>, write: impl Fn(T) -> Value) -> Value {
    value.map_or_else(|| Value::String("none".to_owned()), write)
}

/// A count; no key takes one that is larger than TOML's numbers.
pub(crate) fn count(count: u64) -> Value {
    Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

/// A number of processors.
pub(crate) fn thousandths(thousandths: u64) -> Value {
    let text = write_thousandths(thousandths);
    text.parse().map(Value::Integer).or_else(|_| text.parse().map(Value::Float)).unwrap_or(count(thousandths))
}
