//! Patches: what clearing applies is what `git apply` does, what is refused changes nothing.
//!
//! `CLEARING_TEST_SEED` brings a failed run back, `CLEARING_TEST_CASES` says how many cases are tried.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

#[path = "../git_apply/content.rs"]
mod content;
mod fuzz;
mod hostile;
mod parity;
#[path = "../git_apply/random.rs"]
mod random;
#[allow(dead_code, reason = "the other proof with these trees needs all of it")]
#[path = "../git_apply/tree.rs"]
mod tree;

use std::path::Path;

use clearing_rootfs::{DirectoryTree, Patch, Reading, Refusal, Rules};

/// As `git apply` reads a patch, and as large as anything here.
pub(crate) const READING: Reading =
    Reading { strip: None, without_context: false, size: 64 << 20, files: 10_000, made: 64 << 20 };

/// Applies a patch to the tree beneath a directory, unless the rules refuse it.
pub(crate) fn apply(top: &Path, patch: &[u8], reading: Reading, rules: &Rules) -> Result<(), Vec<Refusal>> {
    let tree = DirectoryTree::open(top).unwrap();
    let patch = Patch::read(patch, reading).map_err(|refusal| vec![refusal])?;
    let ready = patch.prepare(&tree)?;
    let refused = ready.simulation.judge(rules);
    if !refused.is_empty() {
        return Err(refused);
    }
    ready.apply(&tree).unwrap();
    Ok(())
}
