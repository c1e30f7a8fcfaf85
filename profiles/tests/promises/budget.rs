//! Latency: the built-in profile is read at every run, whose whole budget is two milliseconds.

use std::time::{Duration, Instant};

use clearing_profiles::Profile;

#[test]
fn default_profile_is_loaded_within_a_hundred_microseconds() {
    let load = || {
        let start = Instant::now();
        let profile = Profile::builtin("default").expect("the default profile loads");
        (start.elapsed(), profile).0
    };
    // The best of many is what the machine can do, whatever else runs on it.
    let best = (0..200).map(|_| load()).min().expect("there are 200");
    let budget = if cfg!(debug_assertions) { Duration::from_millis(2) } else { Duration::from_micros(100) };
    println!("loading the default profile takes {best:?}");
    assert!(best < budget, "loading the default profile takes {best:?}, more than {budget:?}");
}
