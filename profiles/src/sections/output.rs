//! `[output]`: how much of what a command says a server keeps for whoever reads it later.

use serde::Serialize;
use toml::de::DeTable;

use super::greater;
use crate::diagnostic::Fault;
use crate::limit_values::KEPT;
use crate::quantity::write_size;
use crate::section::{Licence, Section};
use crate::stated::Stated;
use crate::value;

/// How much of what a command says a server keeps, of each command: what comes between is counted. How much a command
/// may say at all is a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Bytes of its beginning.
    pub head: u64,
    /// Bytes of its end.
    pub tail: u64,
}

impl Output {
    pub(crate) fn read(
        file: &mut DeTable<'_>,
        parent: Option<&Self>,
        licence: Licence<'_>,
    ) -> Result<Self, Fault> {
        let mut keys = Section::open(file, "output", &["head", "tail"], licence)?;
        let section = Self {
            head: keys.take("head", parent.map(|p| &p.head), value::size(KEPT), greater)?,
            tail: keys.take("tail", parent.map(|p| &p.tail), value::size(KEPT), greater)?,
        };
        keys.close()?;
        Ok(section)
    }

    pub(crate) fn state(&self) -> Stated {
        let Self { head, tail } = self;
        vec![("head", write_size(*head).into()), ("tail", write_size(*tail).into())]
    }
}
