//! P-S2: io_uring is off: its operations pass by the filter.

use clearing_tests::for_each_caller;

use crate::attack::{Call, armed, inside};

#[test]
fn a_ring_cannot_be_set_up() {
    Call::raw("io_uring_setup 4 buf:256").expect_refusal("ENOSYS");
}

#[test]
fn a_ring_cannot_be_entered() {
    Call::raw("io_uring_enter -1 1 0 0 null 0").expect_refusal("ENOSYS");
}

#[test]
fn a_ring_cannot_be_registered_with() {
    Call::raw("io_uring_register -1 0 null 0").expect_refusal("ENOSYS");
}

#[test]
fn a_ring_cannot_be_set_up_with_high_bits() {
    Call::raw("io_uring_setup 0x100000004 buf:256").expect_refusal("ENOSYS");
}

#[test]
fn a_ring_cannot_be_set_up_from_any_context() {
    for_each_caller(|caller| {
        let site = armed(caller);
        for context in ["thread", "session", "orphan", "memfd", "vfork"] {
            let line = ["within", context, "raw", "io_uring_setup", "4", "buf:256"];
            assert_eq!(inside(&site, &line), "-1 ENOSYS", "{context}");
        }
    });
}
