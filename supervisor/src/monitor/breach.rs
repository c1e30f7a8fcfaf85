//! A limit that was passed, as it is told.

use clearing_profiles::LimitName;

/// A limit that was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Breach {
    /// Which.
    #[schemars(with = "String")]
    pub(crate) limit: LimitName,
    /// So much is allowed.
    pub(crate) allowed: u64,
    /// So much was used when it was noticed.
    pub(crate) used: u64,
}
