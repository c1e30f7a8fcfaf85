//! The README's table, what an outcome says, and what is refused without being accepted.

use std::collections::BTreeMap;
use std::fs;

use clearing_tests::{Caller, Output, Site, for_each_caller};
use serde_json::Value;

/// What the README says of each promise in the tier.
fn table() -> BTreeMap<String, String> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).expect("README.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| P-"));
    let cells = rows.map(|row| row.split('|').map(str::trim).map(str::to_owned).collect::<Vec<_>>());
    cells.map(|cells| (format!("P-{}", cells[0]), cells[2].clone())).collect()
}

#[test]
fn the_readme_and_the_outcome_say_the_same() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["true"]).output();
        let outcome = output.expect_code(0).outcome();
        assert_eq!(outcome["tier"], "landlock");
        assert_eq!(
            (&outcome["workspace"]["kind"], &outcome["workspace"]["why"]),
            (&"copy".into(), &"the tier has no mounts".into())
        );
        let missing: BTreeMap<&str, &str> = outcome["promisesNotHeld"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| (text(&one["promise"]), text(&one["why"])))
            .collect();
        let table = table();
        assert_eq!(table.len(), 57);
        for (promise, says) in &table {
            let why = missing.get(promise.as_str());
            let expected = match says.split_once("no: ") {
                None => None,
                Some(("for root; else ", _)) if caller == Caller::Root => None,
                Some(("from Linux 6.12, and for root; else ", _)) if caller == Caller::Root => None,
                // Whether this kernel has it shows in the answer; the reason must be the README's.
                Some(("from Linux 6.12, and for root; else ", no)) => why.map(|_| no),
                Some((_, no)) => Some(no),
            };
            assert_eq!(why.copied(), expected, "{promise}: {says}");
        }
        assert!(missing.keys().all(|promise| table.contains_key(*promise)));
    });
}

#[test]
fn neither_a_project_nor_the_environment_can_accept_the_tier() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let run = || site.clearing(["run"]).command(["echo", "ran"]);
        let refused = |output: &Output, because: &str| {
            output.expect_code(125).expect_stderr(because);
            assert!(!output.stdout.contains("ran"), "{output}");
        };
        refused(&run().env("CLEARING_GUARDS_TIER", "landlock").output(), "permits more than `default` does");
        site.write(".clearing/profile.toml", "guards.tier = \"landlock\"\n");
        refused(&run().output(), "a project's file cannot say");
    });
}

#[test]
fn a_profile_may_accept_the_tier() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let profile = site.write_home("less.toml", "extends = \"default\"\nwiden = true\nreason = \"no namespaces here\"\n[guards]\ntier = \"landlock\"\n");
        let output = site.run(["id", "-u"]).arg("--profile").arg(&profile).output();
        assert_eq!(output.expect_code(0).outcome()["tier"], "landlock");
    });
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
