//! `[rollback]`: when a session goes back by itself, and which snapshots it keeps.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use toml::de::DeTable;

use crate::diagnostic::Fault;
use crate::quantity::write_duration;
use crate::section::{Licence, Section};
use crate::stated::{Stated, count, one_of_words, or_none};
use crate::value::{self, Item};

/// When a session goes back by itself, and which snapshots it keeps. None of it permits a command anything,
/// so a profile may say what it likes, whatever its parent does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollback {
    /// Ends of a command after which its session is as it was before.
    pub on: Vec<Trigger>,
    /// Snapshots of a session, but for the first one. The oldest goes, one that was taken by itself before one
    /// that was asked for; but the last one of those by themselves stays beside so many that were asked for.
    pub max_snapshots: u64,
    /// Age of a snapshot.
    #[serde(rename = "maxAgeMs", serialize_with = "milliseconds_or_none")]
    pub max_age: Option<Duration>,
}

/// How a command may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Trigger {
    /// With another exit code than 0, by a signal, or not begun at all.
    Error,
    /// At its deadline.
    Timeout,
    /// Out of memory.
    Oom,
    /// At another limit.
    Violation,
}

const TRIGGERS: [(&str, Trigger); 4] = [
    ("error", Trigger::Error),
    ("timeout", Trigger::Timeout),
    ("oom", Trigger::Oom),
    ("violation", Trigger::Violation),
];

impl Rollback {
    pub(crate) fn read(
        file: &mut DeTable<'_>,
        parent: Option<&Self>,
        licence: Licence<'_>,
    ) -> Result<Self, Fault> {
        let mut keys = Section::open(file, "rollback", &["on", "max_snapshots", "max_age"], licence)?;
        let age = value::or_none(value::duration(AGE));
        let section = Self {
            on: keys.take("on", parent.map(|p| &p.on), triggers, never)?,
            max_snapshots: keys.take(
                "max_snapshots",
                parent.map(|p| &p.max_snapshots),
                value::count(SNAPSHOTS),
                never,
            )?,
            max_age: keys.take("max_age", parent.map(|p| &p.max_age), age, never)?,
        };
        keys.close()?;
        Ok(section)
    }

    pub(crate) fn state(&self) -> Stated {
        let Self { on, max_snapshots, max_age } = self;
        let on: Vec<_> = on.iter().map(|trigger| one_of_words(&TRIGGERS, trigger)).collect();
        let age = or_none(*max_age, |age| write_duration(age).into());
        vec![("on", on.into()), ("max_snapshots", count(*max_snapshots)), ("max_age", age)]
    }
}

/// A second to ten years.
const AGE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(10 * 365 * 86_400);
/// An overlay of the kernel has at most 500 layers, and a layer that no snapshot needs is merged.
const SNAPSHOTS: RangeInclusive<u64> = 1..=400;

fn triggers(item: &Item<'_>) -> Result<Vec<Trigger>, Fault> {
    value::array(item)?.iter().map(value::word(&TRIGGERS)).collect()
}

fn never<T>(_: &T, _: &T) -> bool {
    false
}

fn milliseconds_or_none<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serializer.serialize_some(&duration.as_millis()),
        None => serializer.serialize_none(),
    }
}
