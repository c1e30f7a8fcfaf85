//! The group whose members may come in.

use crate::error::Error;
use crate::users::{GROUPS, group};

/// The number of a group, by its name or as it is.
pub(super) fn number(name: &str) -> Result<u32, Error> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let groups = std::fs::read(GROUPS).map_err(|error| Error::Input(GROUPS.into(), error))?;
    group(&groups, name)
        .ok_or_else(|| Error::Request(format!("`--group`: there is no group `{name}` in {GROUPS}")))
}
