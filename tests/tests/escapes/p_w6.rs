//! P-W6: netlink only for routes, and only the sandbox's own; no netfilter, xfrm, audit, uevent, generic.

use clearing_tests::for_each_caller;

use crate::attack::{Call, armed, attempt, inside, outside};

#[test]
fn netfilter_has_no_socket() {
    family_is_refused(12);
}

#[test]
fn generic_netlink_has_no_socket() {
    family_is_refused(16);
}

#[test]
fn ipsec_has_no_socket() {
    family_is_refused(6);
}

#[test]
fn audit_has_no_socket() {
    family_is_refused(9);
}

#[test]
fn uevents_have_no_socket() {
    family_is_refused(15);
}

#[test]
fn socket_diagnosis_has_no_socket() {
    family_is_refused(4);
}

#[test]
fn the_process_connector_has_no_socket() {
    family_is_refused(11);
}

#[test]
fn user_messages_have_no_socket() {
    family_is_refused(2);
}

#[test]
fn no_other_netlink_family_has_a_socket() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let script = "for f in $(seq 1 31) 255; do for k in 2 3; do ./probe raw socket 16 $k $f; done; done";
        let output = attempt(&site, script);
        assert_eq!(output.stdout.matches("-1 EPERM\n").count(), 32 * 2, "{output}");
        assert!(outside(&site, &["raw", "socket", "16", "3", "0"]).ends_with("ok"), "control");
    });
}

#[test]
fn a_netlink_family_with_high_bits_is_refused() {
    Call::raw("socket 16 3 0x10000000c").expect_refusal("EPERM");
}

#[test]
fn a_pair_of_netlink_sockets_is_refused() {
    Call::raw("socketpair 16 3 0 buf:8").expect_refusal("EPERM");
}

#[test]
fn routes_tell_the_sandbox_s_loopback_alone() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let told: Vec<_> = inside(&site, &["links"]).lines().map(str::to_owned).collect();
        // Some kernels put a dummy or tunnel device of their own into every network namespace.
        assert_eq!(told.first().map(String::as_str), Some("lo"), "{told:?}");
        let host = outside(&site, &["links"]);
        let shared: Vec<_> = host.lines().filter(|name| told.iter().any(|own| own == name)).collect();
        assert!(!shared.contains(&"eth0"), "{told:?}");
    });
}

/// A netlink family that any user may open on the bare host, or that answers otherwise there.
#[track_caller]
fn family_is_refused(family: u8) {
    Call::raw(&format!("socket 16 3 {family}")).expect_refusal("EPERM");
}
