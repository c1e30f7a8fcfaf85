//! Which tier a run has: the best that the host gives, and no less than its profile accepts.

use clearing_profiles::{Profile, Tier as Accepted};
use clearing_runtime::{landlock_abi, probe};

use crate::error::Error;
use crate::host::Host;
use crate::outcome::Tier;
use crate::plan::identity;

/// Refuses a kernel with less of Landlock than the profile asks for. Tries out a sandbox where less than that would do; who accepts nothing less finds out by running.
pub(crate) fn choose(host: &Host, profile: &Profile) -> Result<Tier, Error> {
    let has = landlock_abi();
    if let Some(least) = profile.landlock.abi.filter(|least| has.is_none_or(|has| u64::from(has) < *least)) {
        return Err(Error::LittleLandlock { least, has });
    }
    match profile.guards.tier {
        Accepted::Namespaces => Ok(Tier::Namespaces),
        Accepted::Landlock if probe::sandbox_works(identity(host)) => Ok(Tier::Namespaces),
        Accepted::Landlock => Ok(Tier::Landlock),
    }
}
