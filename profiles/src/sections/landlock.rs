//! `[landlock]`: how much of Landlock the host's kernel must have.

use std::ops::RangeInclusive;

use serde::Serialize;
use toml::de::DeTable;

use crate::diagnostic::Fault;
use crate::section::{Licence, Section};
use crate::stated::{Stated, count, or_none};
use crate::value;

/// How much of Landlock the host's kernel must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Landlock {
    /// The least ABI. Where it is `None` what the kernel has will do, and `[guards]` says whether it may be nothing.
    pub abi: Option<u64>,
}

/// Kernels will have more than the newest one has now.
const ABIS: RangeInclusive<u64> = 1..=64;

impl Landlock {
    pub(crate) fn read(
        file: &mut DeTable<'_>,
        parent: Option<&Self>,
        licence: Licence<'_>,
    ) -> Result<Self, Fault> {
        let mut keys = Section::open(file, "landlock", &["abi"], licence)?;
        let abi = value::or_none(value::count(ABIS));
        // Who asks for less of the kernel runs on more hosts; none is less than any number.
        let section =
            Self { abi: keys.take("abi", parent.map(|p| &p.abi), abi, |abi, parent| abi < parent)? };
        keys.close()?;
        Ok(section)
    }

    pub(crate) fn state(&self) -> Stated {
        let Self { abi } = self;
        vec![("abi", or_none(*abi, count))]
    }
}
