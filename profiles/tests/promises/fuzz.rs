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
    let end = Instant::now() + time();
    let first = seed();
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

/// How long a body goes on.
pub(crate) fn time() -> Duration {
    Duration::from_secs(number("CLEARING_FUZZ_SECONDS").unwrap_or(3))
}

/// Where to begin: with `CLEARING_TEST_SEED`, or anywhere.
pub(crate) fn seed() -> u64 {
    number("CLEARING_TEST_SEED").unwrap_or_else(seed_of_now)
}

pub(crate) fn runner(seed: u64) -> TestRunner {
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
    use proptest::sample::select;

    use std::fs;
    use std::path::Path;

    use clearing_profiles::{ChosenProfile, Profile};

    use crate::profiles::Profiles;
    use crate::properties::{DEFAULT, assert_place};

    /// Texts of profiles of which many load: keys of the default one, most with a value that they could have.
    fn texts() -> impl Strategy<Value = String> {
        let head = select(vec![
            "extends = \"default\"\n",
            "extends = \"strict\"\nwiden = true\nreason = \"r\"\n",
            "",
        ]);
        let key =
            (select(stated()), value(), 0..4_u8).prop_map(|((key, stated), value, choice)| match choice {
                0 => format!("{key} = {value}"),
                _ => format!("{key} = {stated}"),
            });
        let line = prop_oneof![12 => key, 1 => "[\\PC\n\r\t]{0,12}"];
        let text = |(head, lines): (&str, Vec<String>)| format!("{head}{}", lines.join("\n"));
        (head, proptest::collection::vec(line, 0..8)).prop_map(text)
    }

    /// Keys as `section.key`, each with a value that it could have.
    fn stated() -> Vec<(String, String)> {
        let narrowed = "[limits]\ntimeout = \"1m\"\ncpus = 0.5\ncpu_time = \"2s\"\nmemory = \"1.5G\"\nprocesses = 0x40\n\
             inodes = 1000\noutput = 4097\n[environment]\npass = [\"...\", \"PATH\"]\nset = {}\n[syscalls]\n\
             refuse = [\"ptrace\", \"mbind\"]\n[patch]\nmax_files = 9\nkeep = [\"*.proto\"]\n[rollback]\non = [\"oom\"]\nmax_age = \"30d\"\n[commands]\ndefault = \"deny\"\nrules = [\"...\", \
             { prefix = [\"git\", [\"push\", \"a b\"]], decision = \"ask\", reason = \"r\", match = [\"git push x\"] }]\n";
        let widened = "[environment]\nset = { A = \"x\\ny\", \"b \\\"c\" = \"\" }\npass = [\"A\\u001bB\"]\n[filesystem]\n\
             read = [\"~/a b\", \"/srv//x/\"]\n[network]\nmode = \"host\"\n[syscalls]\nallow = [\"mbind\"]\n\
             [commands]\ndefault = \"allow\"\nrules = [{ prefix = [\"git\"], decision = \"allow\", reason = \"r\" }]\n";
        let of = |text: &str| {
            let file: toml::Table = text.parse().expect("TOML");
            let keys = |(section, keys): (String, toml::Value)| match keys {
                toml::Value::Table(keys) => {
                    keys.into_iter().map(move |(key, value)| (format!("{section}.{key}"), value.to_string()))
                }
                _ => panic!("{section} is a table"),
            };
            file.into_iter().flat_map(keys).collect::<Vec<_>>()
        };
        [DEFAULT, narrowed, narrowed, widened].into_iter().flat_map(of).collect()
    }

    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("true".to_owned()),
            "[0-9]{1,20}",
            "\"[0-9]{1,9}(\\.[0-9]{1,3})?(ms|s|m|h|d|K|M|G|T)?\"",
            "\"(none|host|auto|memory|disk|copy|required|best-effort|\\.\\.\\.|[\\PC]{0,8})\"",
            "\\[(\"(\\.\\.\\.|PATH|HOME|[A-Z_]{1,8}\\*?|~/[a-z]{1,4}|/[a-z]{1,4}|ptrace|mbind)\",?){0,4}\\]",
            "\\{ [a-z]{1,3} = \"[\\PC]{0,3}\" \\}",
        ]
    }

    /// The text as a user's profile, and as what a project brings.
    #[test]
    fn any_profile_loads_or_is_faulty_at_a_place_in_it_is_shown_as_the_same_and_permits_a_project_no_more() {
        let folder = Profiles::new([("strict", "".as_bytes())]);
        let path = folder.path("strict");
        super::fuzz(&texts(), |text| {
            loads_again(&path, &text);
            narrows(&text);
        });
    }

    fn loads_again(path: &Path, text: &str) {
        let load = |text: &str| {
            fs::write(path, text).expect("the profile is written");
            ChosenProfile::trace(path.to_str().expect("a path"), None)
        };
        match load(text) {
            Err(error) => assert_place(text, &error),
            Ok(chosen) => {
                let shown = chosen.to_toml();
                let again = load(&shown).unwrap_or_else(|error| panic!("{error}\n{shown}"));
                let same = Profile { widened: chosen.profile().widened.clone(), ..again.into_profile() };
                assert_eq!(&same, chosen.profile(), "{shown}");
            }
        }
    }

    fn narrows(text: &str) {
        let keys = ["extends", "widen", "reason"];
        let text = keys.iter().fold(text.to_owned(), |text, key| text.replace(key, &format!("# {key}")));
        let mut chosen = ChosenProfile::trace("python", None).expect("a built-in profile");
        let before = chosen.profile().clone();
        match chosen.narrow_by_project("strict.toml", text.clone().into_bytes()) {
            Err(error) => assert_place(&text, &error),
            Ok(()) => assert_no_more(chosen.profile(), &before),
        }
    }

    fn assert_no_more(narrowed: &Profile, before: &Profile) {
        let most = |limit: Option<u64>| limit.unwrap_or(u64::MAX);
        assert_eq!(
            (&narrowed.filesystem.read, &narrowed.rollback),
            (&before.filesystem.read, &before.rollback)
        );
        let (patch, inherited) = (&narrowed.patch, &before.patch);
        assert!(patch.max_size <= inherited.max_size && patch.max_files <= inherited.max_files);
        assert!(patch.max_made <= inherited.max_made);
        assert!(inherited.keep.iter().all(|name| patch.keep.contains(name)));
        assert!(narrowed.filesystem.layer_size <= before.filesystem.layer_size);
        assert!(narrowed.network.mode <= before.network.mode && narrowed.guards.tier <= before.guards.tier);
        assert!(most(narrowed.limits.memory) <= most(before.limits.memory));
        assert!(most(narrowed.limits.nofile) <= most(before.limits.nofile));
        assert!(
            narrowed.limits.memlock <= before.limits.memlock && narrowed.limits.core <= before.limits.core
        );
        assert!(
            narrowed
                .environment
                .pass
                .iter()
                .all(|name| before.environment.passes(name.trim_end_matches('*')))
        );
        assert_eq!(narrowed.environment.set, before.environment.set);
        let rules =
            |profile: &Profile| profile.syscall_rules().iter().filter(|rule| rule.is_allowed()).count();
        assert!(rules(narrowed) <= rules(before));
        assert!(narrowed.commands.default >= before.commands.default);
        assert!(narrowed.guards.best_effort().count() <= before.guards.best_effort().count());
        assert_eq!(narrowed.widened, before.widened);
    }
}
