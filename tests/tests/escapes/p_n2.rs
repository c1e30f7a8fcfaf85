//! P-N2: no new user namespace, nor any other: unshare, clone, clone3, 32-bit, with odd flag bits.

use clearing_tests::{Site, for_each_caller};

use crate::attack::{Call, armed, attempt, control};

#[test]
fn a_user_namespace_cannot_be_unshared() {
    Call::raw("unshare 0x10000000").expect_refusal("EPERM");
}

#[test]
fn a_user_namespace_cannot_be_unshared_with_high_bits() {
    // The kernel refuses them by itself; the filter does so first.
    Call::raw("unshare 0x100000010000000").expect_refusal("EPERM");
}

#[test]
fn a_user_namespace_cannot_be_unshared_among_harmless_flags() {
    // CLONE_FS | CLONE_FILES | CLONE_SYSVSEM
    Call::raw("unshare 0x10040600").expect_refusal("EPERM");
}

#[test]
fn a_mount_namespace_cannot_be_unshared() {
    Call::raw("unshare 0x20000").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_pid_namespace_cannot_be_unshared() {
    Call::raw("unshare 0x20000000").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_network_namespace_cannot_be_unshared() {
    Call::raw("unshare 0x40000000").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn an_ipc_namespace_cannot_be_unshared() {
    Call::raw("unshare 0x8000000").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_uts_namespace_cannot_be_unshared() {
    Call::raw("unshare 0x4000000").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_cgroup_namespace_cannot_be_unshared() {
    Call::raw("unshare 0x2000000").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_time_namespace_cannot_be_unshared() {
    Call::raw("unshare 0x80").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_user_namespace_cannot_be_cloned() {
    Call::probe("clone 0x10000011").expect_refusal("EPERM");
}

#[test]
fn a_user_namespace_cannot_be_cloned_with_high_bits() {
    // clone takes its flags as a long and drops the high half.
    Call::probe("clone 0x100000010000011").expect_refusal("EPERM");
}

#[test]
fn all_namespaces_at_once_cannot_be_cloned() {
    Call::probe("clone 0x7e020011").expect_refusal("EPERM");
}

#[test]
fn a_mount_namespace_cannot_be_cloned() {
    Call::probe("clone 0x20011").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_user_namespace_cannot_be_had_by_clone3() {
    Call::probe("clone3 0x10000000").expect_refusal("ENOSYS");
}

#[test]
fn a_cgroup_cannot_be_entered_by_clone3() {
    Call::probe("clone3 0x200000000").expect_refusal("ENOSYS");
}

#[test]
fn a_user_namespace_cannot_be_had_by_the_32_bit_gate() {
    for_each_caller(|caller| {
        let site = armed(caller);
        // unshare and clone in the numbers of i386
        for call in [["310", "0x10000000"], ["120", "0x10000011"]] {
            let output = site.run([&["./probe", "i386"][..], &call].concat()).output();
            output.expect_code(128 + 31);
        }
        assert!(control(&site, "./probe i386 310 0x10000000").contains("0 ok"), "control");
    });
}

#[test]
fn the_usual_tool_cannot_open_a_user_namespace() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "unshare --user --map-root-user echo inside-a-namespace";
        let output = attempt(&site, script);
        assert!(!output.stdout.contains("inside-a-namespace"), "{output}");
        assert!(control(&site, script).contains("inside-a-namespace"), "control");
    });
}
