//! Bodies that are fed random values for a time.
//!
//! The convention of every fuzz body of this repository: it goes on for `CLEARING_FUZZ_SECONDS`, three unless
//! that is set, and a minute in CI; it prints the seed of each failure, and begins with `CLEARING_TEST_SEED`.

use std::env;
use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Values between two looks at the clock.
const ROUND: u32 = 32;

/// Gives the body values until the time is over.
///
/// # Panics
///
/// If the body does, with the simplest value that makes it and with the seed that brings it back.
pub(crate) fn fuzz<S: Strategy<Value: Debug>>(strategy: &S, body: impl Fn(S::Value)) {
    let end = Instant::now() + Duration::from_secs(number("CLEARING_FUZZ_SECONDS").unwrap_or(3));
    let first = number("CLEARING_TEST_SEED").unwrap_or_else(seed_of_now);
    println!("CLEARING_TEST_SEED={first}");
    let mut rounds: u64 = 0;
    while rounds == 0 || Instant::now() < end {
        let seed = first.wrapping_add(rounds);
        let run = runner(seed).run(strategy, |value| {
            body(value);
            Ok(())
        });
        run.unwrap_or_else(|failure| panic!("CLEARING_TEST_SEED={seed}: {failure}"));
        rounds += 1;
    }
    println!("{} values", rounds * u64::from(ROUND));
}

fn runner(seed: u64) -> TestRunner {
    let config = Config { cases: ROUND, failure_persistence: None, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// A variable that holds a number.
fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

fn seed_of_now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_nanos()) ^ now.as_secs()
}

mod body {
    use proptest::prelude::*;

    use std::fs;

    use crate::profiles::Profiles;
    use crate::properties::{DEFAULT, assert_place};

    /// Lines that a profile could have, often enough to get past the parser of TOML.
    fn texts() -> impl Strategy<Value = String> {
        let word = "[a-z_]{1,12}|[\\PC]{0,4}";
        let value = prop_oneof![
            Just("true".to_owned()),
            "[0-9]{1,20}",
            "\"[0-9]{1,9}(\\.[0-9]{1,3})?(ms|s|m|h|d|K|M|G|T)?\"",
            "\"(none|host|auto|memory|disk|copy|required|best-effort|\\.\\.\\.|[\\PC]{0,8})\"",
            "\\[(\"(\\.\\.\\.|PATH|HOME|[A-Z_]{1,8}\\*?|~/[a-z]{1,4}|/[a-z]{1,4}|ptrace|mbind)\",?){0,4}\\]",
            word.prop_map(|word| format!("{{ {word} = 1 }}")),
        ];
        let known: Vec<String> = DEFAULT.lines().map(str::to_owned).collect();
        let line = prop_oneof![
            4 => proptest::sample::select(known),
            4 => (proptest::sample::select(keys()), value).prop_map(|(key, value)| format!("{key} = {value}")),
            1 => word.prop_map(|word| word.to_owned()),
        ];
        let head = proptest::sample::select(vec![
            "extends = \"default\"\n",
            "extends = \"default\"\nwiden = true\nreason = \"r\"\n",
            "",
        ]);
        (head, proptest::collection::vec(line, 0..24))
            .prop_map(|(head, lines)| format!("{head}{}", lines.join("\n")))
    }

    /// The keys of the default profile.
    fn keys() -> Vec<&'static str> {
        DEFAULT.lines().filter_map(|line| Some(line.split_once(" = ")?.0)).collect()
    }

    #[test]
    fn any_profile_loads_or_is_faulty_at_a_place_in_it() {
        let folder = Profiles::new([("strict", "".as_bytes())]);
        super::fuzz(&texts(), |text| {
            fs::write(folder.path("strict"), &text).expect("the profile is written");
            if let Err(error) = folder.find("strict") {
                assert_place(&text, &error);
            }
        });
    }
}
