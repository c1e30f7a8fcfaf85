//! How long is long: a proof's limits of time on a machine that is slower than others.

use std::env;
use std::time::Duration;

/// So much patience, times `$CLEARING_TEST_SLOW` where that is set: an emulated machine starts a program
/// ten times more slowly. What a proof gives to `clearing` itself, and sleeps, are no patience.
///
/// # Panics
///
/// If the variable is no number.
pub fn patience(usual: Duration) -> Duration {
    let slowness = env::var("CLEARING_TEST_SLOW").map_or(1, |text| text.parse().expect("a whole number"));
    usual * slowness
}
