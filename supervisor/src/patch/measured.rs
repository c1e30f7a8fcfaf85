//! For `cargo xtask bench policy`: how a patch is checked in its sandbox, in a process that can be timed.

use std::path::Path;

use clearing_profiles::Profile;
use clearing_rootfs::Hidden;

use super::apart::Apart;
use super::{Order, Verb, inside, reading};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A patch as the function is given it, with what the default profile says. Nothing confines who reads it, so
/// whoever measures has to have written it.
pub struct MeasuredCheck {
    input: Vec<u8>,
}

impl MeasuredCheck {
    /// Makes the order that stands before it.
    pub fn of(patch: &[u8]) -> Result<Self> {
        let profile = Profile::builtin("default")?;
        let apart = Apart::of(&profile, &Hidden::default());
        let (reading, allow, keep) = (reading(&profile.patch), Vec::new(), profile.patch.keep);
        let mut input = Order { verb: Verb::Check, reading, allow, keep, apart }.to_bytes()?;
        input.extend_from_slice(patch);
        Ok(Self { input })
    }

    /// Reads the patch, holds it against the directory, and judges both what it harms and how it is to be looked
    /// at. Tells how many files it would change; none if it is refused.
    pub fn check(&self, directory: &Path) -> Result<usize> {
        let report = inside::answer(&self.input, directory)?;
        std::hint::black_box(report.risk()?);
        Ok(if report.is_accepted() { report.files.len() } else { 0 })
    }
}
