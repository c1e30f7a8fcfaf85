//! P-S6: the kernel log can't be read.

use clearing_tests::{Caller, Site, for_each_caller};

use crate::attack::{Call, attempt, control};

#[test]
fn the_log_cannot_be_read() {
    // SYSLOG_ACTION_READ_ALL into nowhere
    Call::raw("syslog 3 bad 16").control_as_root().expect_refusal("EPERM");
}

#[test]
fn the_size_of_the_log_is_not_told() {
    // SYSLOG_ACTION_SIZE_BUFFER
    Call::raw("syslog 10 null 0").control_as_root().expect_refusal("EPERM");
}

#[test]
fn the_log_cannot_be_read_with_high_bits() {
    Call::raw("syslog 0x10000000a null 0").control_as_root().expect_refusal("EPERM");
}

#[test]
fn the_log_has_no_device() {
    Call::probe("open /dev/kmsg r").control_as_root().expect_refusal("ENOENT");
}

#[test]
fn the_usual_tool_shows_nothing() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "dmesg 2>/dev/null | head -n 3");
        assert_eq!(output.stdout.lines().count(), 1, "{output}");
        if caller == Caller::Root {
            let told = control(&site, "dmesg | head -n 3");
            assert!(told.lines().count() > 1, "control: {told}");
        }
    });
}
