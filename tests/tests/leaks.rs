//! Whoever is killed, and whenever: nothing stays on the host.
//!
//! `CLEARING_TEST_KILLS` says how many runs there are, `CLEARING_TEST_SEED` repeats those of a failure.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

use std::env;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use clearing_tests::{
    Caller, Output, Running, Site, assert_nothing_left, children, init_of, measured, patience,
};
use nix::sys::signal::{Signal, kill};

/// Runs of all callers together.
const RUNS: u64 = 500;
/// Kills come within this time of the start.
const SPAN: Duration = Duration::from_millis(20);
/// How long a killed run may take to be gone.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Runs between two looks at what is left.
const BATCH: u64 = 25;

/// Leaves what would be left: files, a child, a daemon, a process that holds the output.
const COMMAND: &str =
    "echo x > file; mkdir -p a/b; sleep 60 & (setsid sh -c 'sleep 60; true' &); exec sleep 60";

#[test]
fn kills_at_random_moments_leave_nothing() {
    let seed = number("CLEARING_TEST_SEED").unwrap_or_else(seed_of_now);
    let (runs, started) = (number("CLEARING_TEST_KILLS").unwrap_or(RUNS), Instant::now());
    eprintln!("CLEARING_TEST_SEED={seed}");
    let mut dice = Dice(seed);
    for (index, &caller) in Caller::all().iter().enumerate() {
        let share = share(runs, index as u64, Caller::all().len() as u64);
        let site = Site::new(caller);
        for done in 0..share {
            let (fraction, victim) = (dice.fraction(), dice.below(3));
            gone_at_once(|| kill_one(&site, SPAN.mul_f64(fraction), victim));
            if (done + 1) % BATCH == 0 || done + 1 == share {
                leaves_nothing(&site);
            }
        }
    }
    eprintln!("{runs} runs in {:?}", started.elapsed());
}

#[test]
fn a_kill_of_everything_at_once_leaves_nothing() {
    for &caller in Caller::all() {
        let site = Site::new(caller);
        for _ in 0..10 {
            gone_at_once(|| {
                let running = waiting(&site);
                let init = init_of(running.pid()).unwrap();
                let command = children(init)[0];
                for pid in [command, init, running.pid()] {
                    // The end of one may already have been that of the next.
                    let _ = kill(pid, Signal::SIGKILL);
                }
                ended(running).0
            });
        }
        leaves_nothing(&site);
    }
}

#[test]
fn runs_side_by_side_collect_each_other_s_dead_and_none_of_the_living() {
    for &caller in Caller::all() {
        let site = Site::new(caller);
        let living = site.run(["sh", "-c", "echo kept > file; echo ready; sleep 2; cat file"]).spawn();
        living.expect_printed("ready\n");
        for _ in 0..10 {
            gone_at_once(|| {
                let dead = waiting(&site);
                dead.signal(Signal::SIGKILL);
                ended(dead).0
            });
            site.run(["true"]).output().expect_code(0);
        }
        living.wait().expect_code(0).expect_stdout("kept\n");
        leaves_nothing(&site);
    }
}

/// Demands that what was killed is gone in time, on a busy machine at another try.
#[track_caller]
fn gone_at_once(end: impl FnMut() -> Duration) {
    let in_time = |took: &Duration, slower: f64| match patience(AT_ONCE).mul_f64(slower) {
        end if *took < end => Ok(()),
        end => Err(format!("{took:?} after the kill, not within {end:?}")),
    };
    measured(end, in_time);
}

/// Starts one, waits for a moment, and kills one of its processes; tells how soon it was gone.
fn kill_one(site: &Site, moment: Duration, victim: usize) -> Duration {
    let running = site.run(["sh", "-c", COMMAND]).spawn();
    thread::sleep(moment);
    let supervisor = running.pid();
    let init = init_of(supervisor);
    let command = init.and_then(|init| children(init).first().copied());
    let victim = [Some(supervisor), init, command][victim].unwrap_or(supervisor);
    kill(victim, Signal::SIGKILL).expect("nobody has ended yet");
    let (took, output) = ended(running);
    let told =
        if victim == supervisor { output.signal == Some(9) } else { matches!(output.code, Some(125 | 137)) };
    assert!(told, "{victim} of {supervisor}, {init:?}, {command:?} killed after {moment:?}\n{output}");
    took
}

#[track_caller]
fn waiting(site: &Site) -> Running {
    let running = site.run(["sh", "-c", &format!("echo ready; {COMMAND}")]).spawn();
    running.expect_printed("ready\n");
    running
}

/// Waits until everything that holds its output is gone.
#[track_caller]
fn ended(running: Running) -> (Duration, Output) {
    let killed = Instant::now();
    let output = running.with_deadline(Duration::from_secs(30)).wait();
    (killed.elapsed(), output)
}

/// One further command collects the directories; the rest goes by itself.
#[track_caller]
fn leaves_nothing(site: &Site) {
    site.run(["true"]).output().expect_code(0);
    assert_nothing_left(site);
}

fn share(runs: u64, index: u64, callers: u64) -> u64 {
    runs / callers + u64::from(index < runs % callers)
}

fn number(variable: &str) -> Option<u64> {
    Some(env::var(variable).ok()?.parse().expect("a number"))
}

fn seed_of_now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    now.as_nanos() as u64
}

/// Repeatable chance: splitmix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, limit: u64) -> usize {
        (self.next() % limit) as usize
    }
}
