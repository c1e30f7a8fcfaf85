//! P-N3: clone3 gives `ENOSYS`, not `EPERM`, and other unknown calls too: C libraries fall back.

use clearing_tests::{Site, for_each_caller};

use crate::attack::{Call, armed, attempt, inside, outside};

#[test]
fn clone3_is_told_to_be_absent() {
    Call::probe("clone3 0").expect_refusal("ENOSYS");
}

#[test]
fn clone3_without_a_structure_is_told_to_be_absent() {
    Call::raw("435 null 0").expect_refusal("ENOSYS");
}

#[test]
fn numbers_without_a_call_are_told_to_be_absent() {
    // The gap before 424, the room after the newest, the reserved 512, and nonsense.
    for_each_caller(|caller| {
        let site = armed(caller);
        for number in ["350", "400", "423", "480", "511", "512", "547", "548", "999", "0x3fffffff"] {
            assert_eq!(inside(&site, &["raw", number]), "-1 ENOSYS", "{number}");
        }
        assert!(outside(&site, &["raw", "getpid"]).ends_with("ok"), "control");
    });
}

#[test]
fn negative_numbers_are_told_to_be_absent() {
    for_each_caller(|caller| {
        let site = armed(caller);
        for number in ["-1", "-2", "0x80000000"] {
            assert_eq!(inside(&site, &["raw", number]), "-1 ENOSYS", "{number}");
        }
    });
}

#[test]
fn calls_that_the_kernel_dropped_are_told_to_be_absent() {
    for_each_caller(|caller| {
        let site = armed(caller);
        for call in ["_sysctl", "afs_syscall", "security", "tuxcall", "vserver", "getpmsg"] {
            assert_eq!(inside(&site, &["raw", call]), "-1 ENOSYS", "{call}");
        }
    });
}

#[test]
fn threads_fall_back_to_the_older_call() {
    for_each_caller(|caller| {
        let site = armed(caller);
        assert!(inside(&site, &["within", "thread", "raw", "getpid"]).ends_with("ok"));
    });
}

#[test]
fn a_shell_still_makes_children() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        attempt(&site, "(echo child) | cat").expect_stdout("child");
    });
}
