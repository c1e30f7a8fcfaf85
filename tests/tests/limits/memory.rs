//! Memory is limited for the run as a whole, whatever it is taken by.

use std::fs;
use std::time::{Duration, Instant};

use clearing_tests::{Output, Site, assert_nothing_left, for_each_caller, measured, patience};

use crate::means::{self, expect_cause, expect_limit};

const LIMIT: u64 = 64 << 20;
/// How soon a hog must be gone.
const SOON: Duration = Duration::from_secs(2);

#[test]
fn anonymous_memory_of_one_process_counts() {
    ends_as_oom("anonymous");
}

#[test]
fn shared_memory_without_a_name_counts() {
    ends_as_oom("shared");
}

#[test]
fn many_processes_count_together() {
    ends_as_oom("processes");
}

#[test]
fn unnamed_files_count() {
    ends_as_oom("memfd");
}

#[test]
fn unnamed_files_that_only_a_mapping_holds_count() {
    ends_as_oom("unheld");
}

#[test]
fn files_in_memory_count() {
    ends_as_oom("tmpfs");
}

#[test]
fn segments_that_nobody_has_mapped_count() {
    ends_as_oom("segments");
}

#[test]
fn pipes_count() {
    ends_as_oom("pipes");
}

#[test]
fn ten_hogs_at_once_leave_the_host_with_its_memory() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        let before = available();
        let hogs: Vec<_> = (0..10)
            .map(|_| site.run(["./probe", "hog", "anonymous"]).args(["--memory", "64M"]).spawn())
            .collect();
        let mut least = before;
        let until = Instant::now() + patience(SOON);
        while Instant::now() < until {
            least = least.min(available());
            std::thread::sleep(Duration::from_millis(5));
        }
        for hog in hogs {
            expect_cause(&hog.wait(), "oom", "memory");
        }
        eprintln!("available: {} MiB before, {} MiB at the least", before >> 20, least >> 20);
        assert!(least > before / 2, "{least} of {before} were left");
        assert_nothing_left(&site);
    });
}

#[test]
fn what_is_shared_since_a_fork_counts_once() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        // Ten processes that show 40 MiB each are 40 MiB.
        let script = "import os, time\nkeep = bytearray(b'x') * (40 << 20)\nfor _ in range(10):\n \
                      if os.fork() == 0: time.sleep(0.4); os._exit(0)\ntime.sleep(0.5)";
        if site.host("python3").arg("--version").output().is_err() {
            return clearing_tests::skip("no `python3` here");
        }
        let output = site.run(["python3", "-c", script]).args(["--memory", "128M"]).output();
        output.expect_code(0);
    });
}

#[test]
fn a_command_that_stays_below_its_limit_is_not_touched() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        let output = site.run(["./probe", "job", "40", "200"]).args(["--memory", "64M"]).output();
        output.expect_code(0);
        assert_eq!(output.outcome()["cause"], "exit", "{output}");
    });
}

#[test]
fn programs_are_started_near_the_limit_without_being_counted_twice() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        if site.host("python3").arg("--version").output().is_err() {
            return clearing_tests::skip("no `python3` here");
        }
        // `vfork` shows the memory of both, again and again.
        let script = "import subprocess\nkeep = bytearray(b'x') * (70 << 20)\n\
                      for _ in range(100): subprocess.run(['/bin/true'], close_fds=False)";
        site.run(["python3", "-c", script]).args(["--memory", "128M"]).output().expect_code(0);
    });
}

#[test]
fn the_reason_and_the_way_to_more_are_told_in_words() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        let output = site.run(["./probe", "hog", "memfd"]).args(["--memory", "64M"]).output();
        output.expect_code(137).expect_stderr("out of memory").expect_stderr("hint: `--memory 128M`");
    });
}

#[track_caller]
fn ends_as_oom(kind: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        let timed = || {
            let started = Instant::now();
            let output = site.run(["./probe", "hog", kind]).args(["--memory", "64M"]).output();
            (started.elapsed(), output)
        };
        let (_, output) = measured(timed, |(took, output), slower| is_soon_gone(*took, output, slower));
        output.expect_code(137);
        expect_cause(&output, "oom", "memory");
        expect_limit(&output, "memory", LIMIT, means::of(caller).of_memory());
        assert_nothing_left(&site);
    });
}

/// Whoever watches has to wait for a processor as well.
fn is_soon_gone(took: Duration, output: &Output, slower: f64) -> Result<(), String> {
    let used = output.outcome()["exceeded"]["used"].as_u64().unwrap_or(0);
    assert!(used >= LIMIT, "{used} used of {LIMIT}\n{output}");
    let (most, latest) = (4.0 * LIMIT as f64 * slower, patience(SOON).mul_f64(slower));
    if (used as f64) < most && took < latest {
        return Ok(());
    }
    Err(format!("{used} used of {LIMIT}, gone after {took:?}\n{output}"))
}

/// Bytes of memory that the host could give out.
fn available() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}
