//! `[patch]`: how large a patch may be, and which names it does not harm.

use std::ops::RangeInclusive;

use serde::Serialize;
use toml::de::DeTable;

use super::greater;
use crate::diagnostic::Fault;
use crate::quantity::write_size;
use crate::section::{Licence, Section};
use crate::stated::{Stated, count, list};
use crate::value::{self, Item};

/// How large a patch may be, and which names of the project are kept besides those of `kept.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Patch {
    /// Bytes of the patch itself.
    pub max_size: u64,
    /// Files that it is about.
    pub max_files: u64,
    /// Bytes of all that it makes, and of all that it reads for that.
    pub max_made: u64,
    /// Names that neither a patch nor a commit harms, each without a `/`. One that begins with `*` ends names.
    pub keep: Vec<String>,
}

impl Patch {
    pub(crate) fn read(
        file: &mut DeTable<'_>,
        parent: Option<&Self>,
        licence: Licence<'_>,
    ) -> Result<Self, Fault> {
        let known = ["max_size", "max_files", "max_made", "keep"];
        let mut keys = Section::open(file, "patch", &known, licence)?;
        let section = Self {
            max_size: keys.take("max_size", parent.map(|p| &p.max_size), value::size(SIZE), greater)?,
            max_files: keys.take("max_files", parent.map(|p| &p.max_files), value::count(FILES), greater)?,
            max_made: keys.take("max_made", parent.map(|p| &p.max_made), value::size(SIZE), greater)?,
            keep: keys.take_restrictions("keep", parent.map(|p| &p.keep), kept_name)?,
        };
        keys.close()?;
        Ok(section)
    }

    pub(crate) fn state(&self) -> Stated {
        let Self { max_size, max_files, max_made, keep } = self;
        vec![
            ("max_size", write_size(*max_size).into()),
            ("max_files", count(*max_files)),
            ("max_made", write_size(*max_made).into()),
            ("keep", list(keep)),
        ]
    }
}

/// A patch is held in memory as a whole, and so is what it makes.
const SIZE: RangeInclusive<u64> = 1..=4 << 30;
const FILES: RangeInclusive<u64> = 1..=1_000_000;

/// A name as `kept.toml` has it, in any case.
fn kept_name(item: &Item<'_>) -> Result<String, Fault> {
    let text = value::string(item)?;
    let name = text.strip_prefix('*').unwrap_or(text);
    let why = if matches!(name, "" | "." | "..") {
        "names everything, or nothing"
    } else if name.contains('/') {
        "is a path, and here stand names, which are kept at any depth"
    } else if name.contains(['*', '?', '[', '{']) {
        "is a pattern, and here stand names; one that begins with `*` ends names"
    } else if name.chars().any(char::is_control) {
        "holds a control character"
    } else {
        return Ok(text.to_owned());
    };
    Err(Fault::new(item.span(), format!("`{}` {why}", text.escape_debug())))
}
