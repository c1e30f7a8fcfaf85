//! What the kernel has so many of for all that a user runs, no sandbox takes away from the rest.

use clearing_tests::{Caller, Site, for_each_caller};

/// Queues signals for init, which takes none of them, until no more can be.
const SIGNALS: &str = "$it = pack('i3 x116', 40, 0, -1); \
                       $n++ while $n < 20000 && syscall(129, 1, 40, $it) == 0; print $n";
/// Opens terminals until no more can be.
const TERMINALS: &str =
    "while (@all < 600 && open(my $one, '+<', '/dev/ptmx')) { push @all, $one } print scalar @all";
/// Makes inotify instances until no more can be made.
const INSTANCES: &str = "$n++ while $n < 600 && syscall(294, 0) >= 0; print $n";

/// What it counts.
fn counted(caller: Caller, script: &str) -> u64 {
    let output = Site::new(caller).run(["perl", "-e", script]).output();
    output.expect_code(0).stdout.parse().unwrap()
}

#[test]
fn signals_wait_in_small_numbers() {
    for_each_caller(|caller| {
        let queued = counted(caller, SIGNALS);
        assert!((32..=1024).contains(&queued), "{queued}");
    });
}

#[test]
fn terminals_are_opened_in_small_numbers() {
    for_each_caller(|caller| {
        assert_eq!(counted(caller, TERMINALS), 256);
    });
}

#[test]
fn inotify_instances_are_made_in_small_numbers() {
    for_each_caller(|caller| {
        assert_eq!(counted(caller, INSTANCES), 64);
    });
}
