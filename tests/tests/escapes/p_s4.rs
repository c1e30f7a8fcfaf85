//! P-S4: no kexec, module, reboot, swap, acct, quota, time setting, host name, raw I/O calls.
//!
//! None of these is ever made on the bare host with arguments that mean something: the control is an
//! argument that the kernel rejects after it let the caller in.

use crate::attack::Call;

#[test]
fn a_new_kernel_cannot_be_loaded() {
    is_refused("kexec_load 0 17 bad 0");
}

#[test]
fn a_new_kernel_cannot_be_loaded_from_a_file() {
    is_refused("kexec_file_load -1 -1 0 null 0xffff");
}

#[test]
fn a_module_cannot_be_loaded() {
    is_refused("init_module bad 0 bad");
}

#[test]
fn a_module_cannot_be_loaded_from_a_file() {
    is_refused("finit_module -1 bad 0");
}

#[test]
fn a_module_cannot_be_removed() {
    is_refused("delete_module bad 0");
}

#[test]
fn the_machine_cannot_be_rebooted() {
    is_refused("reboot 0 0 0 null");
}

#[test]
fn swapping_cannot_be_switched_on() {
    is_refused("swapon bad 0");
}

#[test]
fn swapping_cannot_be_switched_off() {
    is_refused("swapoff bad");
}

#[test]
fn accounting_cannot_be_switched() {
    is_refused("acct bad");
}

#[test]
fn quotas_cannot_be_managed() {
    is_refused("quotactl -1 bad 0 null");
}

#[test]
fn quotas_cannot_be_managed_by_descriptor() {
    is_refused("quotactl_fd -1 -1 0 null");
}

#[test]
fn the_time_of_day_cannot_be_set() {
    is_refused("settimeofday bad null");
}

#[test]
fn the_time_zone_of_the_kernel_cannot_be_set() {
    is_refused("settimeofday null bad");
}

#[test]
fn a_clock_cannot_be_set() {
    is_refused("clock_settime 0 bad");
}

#[test]
fn a_clock_cannot_be_adjusted() {
    Call::raw("clock_adjtime 0 bad").expect_refusal("EPERM");
}

#[test]
fn time_cannot_be_adjusted() {
    Call::raw("adjtimex bad").expect_refusal("EPERM");
}

#[test]
fn the_host_s_name_cannot_be_set() {
    is_refused("sethostname bad -1");
}

#[test]
fn the_domain_s_name_cannot_be_set() {
    is_refused("setdomainname bad -1");
}

#[test]
fn the_privilege_of_port_access_cannot_be_raised() {
    is_refused("iopl 4");
}

#[test]
fn ports_cannot_be_accessed() {
    is_refused("ioperm -1 -1 1");
}

#[test]
fn terminals_cannot_be_hung_up() {
    // No control: it takes no argument that could be wrong, and it works for root.
    clearing_tests::for_each_caller(|caller| {
        let site = crate::attack::armed(caller);
        assert_eq!(crate::attack::inside(&site, &["raw", "vhangup"]), "-1 EPERM");
    });
}

#[test]
fn calls_of_another_age_are_refused() {
    for call in
        ["uselib bad", "nfsservctl 0", "create_module bad 0", "query_module bad 0", "lookup_dcookie 0 null 0"]
    {
        is_refused(call);
    }
}

#[test]
fn security_modules_cannot_be_set() {
    Call::raw("lsm_set_self_attr 0 bad 0 0").expect_refusal("EPERM");
}

#[track_caller]
fn is_refused(call: &str) {
    Call::raw(call).control_as_root().expect_refusal("EPERM");
}
