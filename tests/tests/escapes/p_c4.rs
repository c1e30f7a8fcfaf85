//! P-C4: no core dumps, no lower OOM score, no higher priority, no real-time, no raised rlimit, no big
//! mlock.

use clearing_tests::{Caller, Site, for_each_caller};

use crate::attack::{armed, attempt, control, inside, outside};

#[test]
fn a_crash_dumps_no_core() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let script = "ulimit -c unlimited 2>/dev/null; ./probe crash; ls core* 2>/dev/null";
        let output = attempt(&site, script);
        output.expect_stdout("no core\n");
        assert_eq!(output.stdout.lines().count(), 2, "{output}");
        if std::fs::read_to_string("/proc/sys/kernel/core_pattern").is_ok_and(|text| text.trim() == "core") {
            let told = control(&site, "ulimit -c unlimited; ./probe crash; rm -f core*");
            assert!(!told.contains("no core"), "control: {told}");
        }
    });
}

#[test]
fn the_limit_of_core_dumps_cannot_be_raised() {
    cannot_be_raised("4");
}

#[test]
fn the_limit_of_open_files_cannot_be_raised() {
    cannot_be_raised("7");
}

#[test]
fn the_limit_of_locked_memory_cannot_be_raised() {
    cannot_be_raised("8");
}

#[test]
fn the_limit_of_niceness_cannot_be_raised() {
    cannot_be_raised("13");
}

#[test]
fn the_limit_of_real_time_priority_cannot_be_raised() {
    cannot_be_raised("14");
}

#[test]
fn a_limit_cannot_be_raised_by_the_older_call() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let line = ["raw", "setrlimit", "4", "u64:-1,-1"];
        assert_eq!(inside(&site, &line), "-1 EPERM");
        assert_eq!(outside(&site, &["raw", "setrlimit", "4", "u64:0,0"]), "0 ok", "control");
    });
}

#[test]
fn open_files_are_limited_to_1024() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "ulimit -Hn; ulimit -Hc");
        output.expect_stdout("1024\n0\n");
    });
}

#[test]
fn the_out_of_memory_score_cannot_be_lowered() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "s=$(cat /proc/self/oom_score_adj); for v in -1000 -1 $((s - 1)); do
            (echo $v > /proc/self/oom_score_adj) 2>/dev/null && echo lowered; done";
        let output = attempt(&site, script);
        assert!(!output.stdout.contains("lowered"), "{output}");
        if caller == Caller::Root {
            let own = "(echo -1 > /proc/self/oom_score_adj) && echo lowered";
            if !control(&site, own).contains("lowered") {
                clearing_tests::absent("control: this root lacks CAP_SYS_RESOURCE");
            }
        }
    });
}

#[test]
fn priority_cannot_be_raised() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let answer = inside(&site, &["raw", "setpriority", "0", "0", "-5"]);
        assert!(["-1 EACCES", "-1 EPERM"].contains(&answer.as_str()), "{answer}");
        if caller == Caller::Root {
            assert_eq!(outside(&site, &["raw", "setpriority", "0", "0", "-5"]), "0 ok", "control");
        }
    });
}

#[test]
fn niceness_cannot_be_taken_back() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "nice -n 10 nice -n -10 nice");
        assert!(!output.stdout.starts_with("0\n"), "{output}");
    });
}

#[test]
fn first_in_first_out_scheduling_cannot_be_had() {
    real_time_is_refused("1");
}

#[test]
fn round_robin_scheduling_cannot_be_had() {
    real_time_is_refused("2");
}

#[test]
fn deadline_scheduling_cannot_be_had() {
    // sched_attr: size 48, SCHED_DEADLINE, 10 ms of every 100 ms
    for_each_caller(|caller| {
        let site = armed(caller);
        let attributes = "u64:0x600000030,0,0,10000000,100000000,100000000";
        assert_eq!(inside(&site, &["raw", "sched_setattr", "0", attributes, "0"]), "-1 EPERM");
        if caller == Caller::Root {
            let bare = outside(&site, &["raw", "sched_setattr", "0", attributes, "0"]);
            // A busy or restricted machine may not admit it; that is another answer all the same.
            if bare == "-1 EPERM" {
                clearing_tests::absent("control: this host admits no deadline task");
            }
        }
    });
}

#[test]
fn real_time_disk_priority_cannot_be_had() {
    // IOPRIO_CLASS_RT
    for_each_caller(|caller| {
        let site = armed(caller);
        assert_eq!(inside(&site, &["raw", "ioprio_set", "1", "0", "0x2000"]), "-1 EPERM");
        if caller == Caller::Root {
            assert_eq!(outside(&site, &["raw", "ioprio_set", "1", "0", "0x2000"]), "0 ok", "control");
        }
    });
}

#[test]
fn much_memory_cannot_be_locked() {
    for_each_caller(|caller| {
        let site = armed(caller);
        // MCL_CURRENT | MCL_FUTURE, then a mapping of 256 MiB
        let script = "./probe raw mmap 0 0x10000000 3 0x2022 -1 0";
        let output = attempt(&site, script);
        // MAP_LOCKED over the limit is EAGAIN; without a right at all, EPERM.
        let first = output.stdout.lines().next().unwrap_or_default().to_owned();
        assert!(["-1 EAGAIN", "-1 EPERM"].contains(&first.as_str()), "{output}");
        if caller == Caller::Root {
            assert!(control(&site, script).contains("ok"), "control");
        }
    });
}

/// By number of the resource: to no limit at all.
#[track_caller]
fn cannot_be_raised(resource: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let raise = ["raw", "prlimit64", "0", resource, "u64:0x7fffffff,0x7fffffff", "null"];
        assert_eq!(inside(&site, &raise), "-1 EPERM");
        let lower = ["raw", "prlimit64", "0", resource, "u64:0,0", "null"];
        assert_eq!(outside(&site, &lower), "0 ok", "control");
    });
}

#[track_caller]
fn real_time_is_refused(policy: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let line = ["raw", "sched_setscheduler", "0", policy, "u64:1"];
        assert_eq!(inside(&site, &line), "-1 EPERM");
        if caller == Caller::Root {
            assert_eq!(outside(&site, &line), "0 ok", "control");
        }
    });
}
