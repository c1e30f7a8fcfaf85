//! `[network]`: which network a command has.

use serde::Serialize;
use toml::de::DeTable;

use super::greater;
use crate::diagnostic::Fault;
use crate::section::{Licence, Section};
use crate::stated::{Stated, one_of_words};
use crate::value;

/// Which network a command has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// None or the host's.
    pub mode: NetworkMode,
}

/// A network, ordered by how much it permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NetworkMode {
    /// A loopback of the sandbox's own and nothing else.
    None,
    /// The host's network.
    Host,
}

impl Network {
    pub(crate) fn read(
        file: &mut DeTable<'_>,
        parent: Option<&Self>,
        licence: Licence<'_>,
    ) -> Result<Self, Fault> {
        let mut keys = Section::open(file, "network", &["mode"], licence)?;
        let mode = value::word(&MODES);
        let section = Self { mode: keys.take("mode", parent.map(|p| &p.mode), mode, greater)? };
        keys.close()?;
        Ok(section)
    }

    pub(crate) fn state(&self) -> Stated {
        let Self { mode } = self;
        vec![("mode", one_of_words(&MODES, mode))]
    }
}

/// Modes as profiles have them.
const MODES: [(&str, NetworkMode); 2] = [("none", NetworkMode::None), ("host", NetworkMode::Host)];
