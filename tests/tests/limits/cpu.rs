//! Processors and processor time.

use std::time::Duration;

use clearing_tests::{Output, Site, for_each_caller, patience};

use crate::means::{self, Means, expect_cause, expect_limit};

#[test]
fn two_seconds_of_processor_time_end_an_endless_loop() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["sh", "-c", "while :; do :; done"]).args(["--cpu-time", "2s"]).output();
        output.expect_code(137).expect_stderr("processor time").expect_stderr("hint: `--cpu-time 4s`");
        expect_cause(&output, "cpu_time", "cpuTime");
        expect_limit(&output, "cpuTime", 2000, "watchdog");
        let used = used_ms(&output);
        assert!((1900..2500).contains(&used), "{used} ms\n{output}");
    });
}

#[test]
fn processor_time_is_that_of_all_processes() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        let script = "for i in $(seq 1000); do ./probe spin 20; done";
        let output = site.run(["sh", "-c", script]).args(["--cpu-time", "500ms"]).output();
        expect_cause(&output, "cpu_time", "cpuTime");
        let orphans = "for i in $(seq 1000); do (setsid ./probe spin 20 &); sleep 0.02; done";
        let output = site.run(["sh", "-c", orphans]).args(["--cpu-time", "500ms"]).output();
        expect_cause(&output, "cpu_time", "cpuTime");
    });
}

#[test]
fn half_a_processor_is_half_a_processor_or_the_outcome_says_none() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        let run = || {
            let output =
                site.run(["./probe", "spin", "60000"]).args(["--cpus", "0.5", "--timeout", "5s"]).output();
            expect_limit(&output, "cpus", 0.5, means::of(caller).of_processors());
            let share = used_ms(&output) as f64 / 5000.0;
            eprintln!("{share:.3} of a processor");
            share
        };
        if means::of(caller) == Means::Alone {
            assert!(run() > 0.0);
            return;
        }
        // A busy host gives less even to those without a limit, and must never give more.
        let rounds: Vec<(f64, f64)> = (0..3).map(|_| (unlimited_share(&site), run())).collect();
        assert!(rounds.iter().all(|(_, share)| *share <= 0.55), "{rounds:?}");
        let enough = |(free, share): &(f64, f64)| *share >= 0.45 || *free < 0.95;
        assert!(rounds.iter().any(enough), "{rounds:?}");
    });
}

#[test]
fn a_sandbox_beside_many_spinners_keeps_its_share() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        let work = || {
            let output = site.run(["./probe", "spin", "1000"]).output();
            output.expect_code(0);
            output.outcome()["usage"]["averageCpus"].as_f64().unwrap()
        };
        let spinners = "for i in 1 2 3 4 5 6 7 8; do ./probe spin 30000 & done; wait";
        let share = || {
            let alone = work();
            let limits = ["--cpus", "0.2", "--pids", "32", "--timeout", "30s"];
            let bomb = site.run(["sh", "-c", spinners]).args(limits).spawn();
            std::thread::sleep(patience(Duration::from_millis(300)));
            let beside = work();
            drop(bomb);
            beside / alone
        };
        let is_held = means::of(caller) != Means::Alone;
        // Other work on the host disturbs a measurement; no number of them succeeds without a limit.
        let mut shares = vec![share()];
        while is_held && shares.len() < 12 && shares.iter().all(|share| *share < FAIR) {
            shares.push(share());
        }
        println!("as {caller:?} a sandbox beside eight spinners keeps {shares:.2?} of its share");
        assert!(!is_held || shares.iter().any(|share| *share >= FAIR), "{shares:?}");
    });
}

/// The part of its share that a sandbox keeps beside others.
const FAIR: f64 = 0.9;

/// What a spinner without a limit gets of a processor now.
fn unlimited_share(site: &Site) -> f64 {
    let output = site.run(["./probe", "spin", "1000"]).output();
    output.outcome()["usage"]["averageCpus"].as_f64().unwrap()
}

fn used_ms(output: &Output) -> u64 {
    let usage = &output.outcome()["usage"];
    (usage["userUs"].as_u64().unwrap() + usage["systemUs"].as_u64().unwrap()) / 1000
}
