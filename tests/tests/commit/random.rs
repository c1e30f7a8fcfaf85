//! Random edits in the sandbox, committed: the project is what the session showed.

use clearing_tests::{Caller, Random, Site, TELL, expect_success};

use crate::hands::{commit, more, session};

const CASES: u64 = 50;

#[test]
fn the_project_becomes_what_the_sandbox_showed() {
    let seed = Random::seed();
    println!("{CASES} random commits, seed {seed}");
    for case in 0..CASES {
        let site = Site::new(*Caller::all().get(case as usize % Caller::all().len()).expect("a caller"));
        let mut random = Random::of_case(seed, case);
        expect_success(site.host("sh").args(["-c", &random.edits(20)]));
        session(&site, &random.edits(10));
        more(&site, &random.edits(5));
        let shown = site.clearing(["exec", "s", "--", "sh", "-c", TELL]).output();
        shown.expect_code(0);
        let (output, report) = commit(&site);
        output.expect_code(0);
        let is_listed = |key: &str| report[key].as_array().is_some_and(|all| !all.is_empty());
        assert!(!is_listed("withheld") && !is_listed("conflicts"), "seed {seed}, case {case}: {report:#}");
        let now = expect_success(site.host("sh").args(["-c", TELL]));
        assert_eq!(now, shown.stdout, "seed {seed}, case {case}: {report:#}");
    }
}
