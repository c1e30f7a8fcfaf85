//! Processors and processor time.

use std::time::Duration;

use clearing_tests::{Output, Running, Site, for_each_caller, measured, patience};
use nix::sys::signal::Signal;

use crate::means::{self, Means, expect_cause, expect_limit};

#[test]
fn two_seconds_of_processor_time_end_an_endless_loop() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let run = || site.run(["sh", "-c", "while :; do :; done"]).args(["--cpu-time", "2s"]).output();
        // Whoever watches has to wait for a processor as well.
        let output = measured(run, |output, slower| match used_ms(output) {
            used if (1900..2200 + (300.0 * slower) as u64).contains(&used) => Ok(()),
            used => Err(format!("{used} ms\n{output}")),
        });
        output.expect_code(137).expect_stderr("processor time").expect_stderr("hint: `--cpu-time 4s`");
        expect_cause(&output, "cpu_time", "cpuTime");
        expect_limit(&output, "cpuTime", 2000, "watchdog");
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
            let share = share_of(&output);
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
        let is_held = means::of(caller) != Means::Alone;
        // Other work on the host disturbs a measurement; no number of them succeeds without a limit.
        let mut rounds = vec![round(&site)];
        while is_held && rounds.len() < 12 && !rounds.iter().any(Round::is_fair) {
            rounds.push(round(&site));
        }
        println!("as {caller:?}, beside eight spinners: {rounds:.2?}");
        assert!(!is_held || rounds.iter().any(Round::is_fair), "{rounds:?}");
        // This holds however busy the host is.
        assert!(!is_held || rounds.iter().all(|round| round.spinners <= 0.25), "{rounds:?}");
    });
}

/// What a sandbox got of a processor alone, beside spinners in another, and what those got.
#[derive(Debug)]
struct Round {
    alone: f64,
    beside: f64,
    spinners: f64,
}

impl Round {
    /// It kept nine tenths of its share; on a host that has more to do nobody knows what its share is.
    fn is_fair(&self) -> bool {
        self.beside >= 0.9 * self.alone || self.alone < 0.8
    }
}

fn round(site: &Site) -> Round {
    let alone = unlimited_share(site);
    let script = "for i in 1 2 3 4 5 6 7 8; do ./probe spin 600000 & done; echo; wait";
    let spinners = site.run(["sh", "-c", script]).args(["--cpus", "0.2", "--pids", "32"]).spawn();
    spinners.expect_printed("\n");
    std::thread::sleep(patience(Duration::from_millis(300)));
    let beside = unlimited_share(site);
    Round { alone, beside, spinners: share_of(&ended(spinners)) }
}

fn ended(running: Running) -> Output {
    running.signal(Signal::SIGTERM);
    running.wait()
}

/// What a spinner without a limit gets of a processor now.
fn unlimited_share(site: &Site) -> f64 {
    let output = site.run(["./probe", "spin", "1000"]).output();
    output.outcome()["usage"]["averageCpus"].as_f64().unwrap()
}

fn share_of(output: &Output) -> f64 {
    used_ms(output) as f64 / output.outcome()["wallMs"].as_f64().unwrap()
}

fn used_ms(output: &Output) -> u64 {
    let usage = &output.outcome()["usage"];
    (usage["userUs"].as_u64().unwrap() + usage["systemUs"].as_u64().unwrap()) / 1000
}
