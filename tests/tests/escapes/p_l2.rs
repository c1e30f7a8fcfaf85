//! P-L2: memory is limited for the run as a whole, whatever it is taken by.

use clearing_tests::for_each_caller;

use crate::attack::armed;

#[test]
fn memory_of_children_in_sessions_of_their_own_counts() {
    ends_as_oom("for i in $(seq 20); do setsid ./probe job 8 20000 & done; sleep 60");
}

#[test]
fn memory_of_orphans_counts() {
    ends_as_oom("for i in $(seq 20); do (./probe job 8 20000 &); done; sleep 60");
}

#[test]
fn a_process_that_cannot_be_traced_counts() {
    // Its owner may execute the copy and not read it, so the kernel hides what it does.
    ends_as_oom("cp probe hidden; chmod 111 hidden; exec ./hidden hog anonymous");
}

#[test]
fn unnamed_files_are_counted_by_who_holds_them() {
    ends_as_oom("exec ./probe hog memfd");
}

#[test]
fn unnamed_files_that_nobody_holds_are_counted_by_their_mapping() {
    ends_as_oom("exec ./probe hog unheld");
}

#[test]
fn segments_outlive_their_process_and_count() {
    ends_as_oom("exec ./probe hog segments");
}

#[test]
fn files_in_every_directory_in_memory_count() {
    ends_as_oom(
        "head -c 25M /dev/zero > /tmp/one; head -c 25M /dev/zero > /dev/shm/two; \
         head -c 25M /dev/zero > ~/three; sleep 60",
    );
}

#[test]
fn pipes_count() {
    ends_as_oom("exec ./probe hog pipes");
}

#[test]
fn a_process_whose_first_thread_has_ended_counts() {
    ends_as_oom("exec ./probe hog headless");
}

#[test]
fn children_behind_parents_that_stand_still_count() {
    ends_as_oom("exec ./probe hog vforks");
}

#[test]
fn semaphores_count() {
    ends_as_oom("exec ./probe hog semaphores");
}

#[test]
fn the_one_who_is_to_be_killed_cannot_be_chosen() {
    ends_as_oom("echo -1000 > /proc/self/oom_score_adj; exec ./probe hog anonymous");
}

#[test]
fn who_ignores_every_signal_is_killed_all_the_same() {
    ends_as_oom("trap '' TERM INT HUP QUIT XCPU; ./probe hog anonymous & ./probe hog shared & wait; wait");
}

#[track_caller]
fn ends_as_oom(script: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let output = site.run(["sh", "-c", script]).args(["--memory", "64M", "--layer", "memory"]).output();
        output.expect_code(137);
        assert_eq!(output.outcome()["cause"], "oom", "{output}");
    });
}
