//! P-S3: bpf, perf, userfaultfd are off.

use crate::attack::Call;

#[test]
fn no_bpf_map_can_be_made() {
    // BPF_MAP_CREATE with a structure that lies nowhere
    Call::raw("bpf 0 bad 72").control_as_root().expect_refusal("EPERM");
}

#[test]
fn no_bpf_program_can_be_loaded() {
    Call::raw("bpf 5 bad 120").control_as_root().expect_refusal("EPERM");
}

#[test]
fn unknown_bpf_commands_are_refused_as_well() {
    Call::raw("bpf 999 bad 8").control_as_root().expect_refusal("EPERM");
}

#[test]
fn bpf_with_high_bits_is_refused() {
    Call::raw("bpf 0x100000000 bad 72").control_as_root().expect_refusal("EPERM");
}

#[test]
fn performance_of_oneself_cannot_be_measured() {
    Call::raw("perf_event_open bad 0 -1 -1 0").expect_refusal("EPERM");
}

#[test]
fn performance_of_all_processes_cannot_be_measured() {
    Call::raw("perf_event_open bad -1 0 -1 0").expect_refusal("EPERM");
}

#[test]
fn page_faults_cannot_be_held_up() {
    Call::raw("userfaultfd 0xffff").expect_refusal("EPERM");
}

#[test]
fn page_faults_of_the_user_alone_cannot_be_held_up() {
    // UFFD_USER_MODE_ONLY
    Call::raw("userfaultfd 1").expect_refusal("EPERM");
}

#[test]
fn page_faults_have_no_device() {
    Call::probe("open /dev/userfaultfd rw").control_as_root().expect_refusal("ENOENT");
}
