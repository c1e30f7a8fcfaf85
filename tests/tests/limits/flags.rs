//! Limits as options: understood as people write them, or refused by name.

use clearing_tests::{Site, for_each_caller};
use serde_json::Value;

#[test]
fn what_is_no_limit_is_refused_with_its_name() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for (option, text, message) in [
            ("--memory", "lots", "`lots` is not a size"),
            ("--memory", "1K", "1K is out of range, from 1M to 1024T"),
            ("--memory", "9999999999T", "`9999999999T` is more than a size can be"),
            ("--cpus", "0", "0 is out of range, from 0.01 to 8192"),
            ("--cpus", "half", "`half` is not a number of processors"),
            ("--cpu-time", "1ms", "1ms is out of range, from 10ms to 365d"),
            ("--timeout", "30", "`30` is not a duration"),
            ("--pids", "1.5", "`1.5` is not a count"),
            ("--pids", "0", "0 is out of range"),
            ("--disk", "0", "0 is out of range, from 4K to 1024T"),
            ("--inodes", "x", "`x` is not a count"),
            ("--output", "-1", "-1"),
            ("--file-size", "1MB", "`1MB` is not a size"),
            ("--nofile", "3", "3 is out of range, from 16 to 1073741824"),
        ] {
            let output = site.run(["echo", "ran"]).args([option, text]).output();
            output.expect_code(125).expect_stderr(message).expect_stderr(option);
            assert!(!output.stdout.contains("ran"), "{output}");
        }
    });
}

#[test]
fn none_lifts_a_limit() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let lifted = ["--memory", "none", "--pids", "none", "--nofile", "none", "--disk", "none"];
        let output = site.run(["true"]).args(lifted).output();
        output.expect_code(0);
        assert_eq!(output.outcome()["limits"].as_object().map(serde_json::Map::len), Some(0), "{output}");
    });
}

#[test]
fn the_default_limits_are_told_with_what_holds_them() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["true"]).args(["--layer", "memory"]).output();
        let limits = output.outcome()["limits"].as_object().unwrap().clone();
        let told: Vec<(&str, &str)> = limits
            .iter()
            .map(|(name, limit)| (name.as_str(), limit["enforcedBy"].as_str().unwrap()))
            .collect();
        let expected =
            [("disk", "filesystem"), ("memory", "watchdog"), ("nofile", "rlimit"), ("processes", "rlimit")];
        let mut sorted = told;
        sorted.sort_unstable();
        assert_eq!(sorted, expected, "{output}");
    });
}

#[test]
fn the_plan_shows_them() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let limits = ["--memory", "512M", "--cpus", "0.8", "--pids", "64", "--plan"];
        let output = site.run(["true"]).args(limits).output();
        let plan: Value = serde_json::from_str(&output.stdout).unwrap();
        let limits = &plan["limits"];
        assert_eq!(limits["memory"], 512 << 20);
        assert_eq!((&limits["cpuThousandths"], &limits["processes"]), (&800.into(), &64.into()));
    });
}

#[test]
fn descriptors_are_limited() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        let output = site.run(["./probe", "open-many", "100"]).args(["--nofile", "64"]).output();
        output.expect_stdout("61 and then -1 EMFILE");
    });
}
