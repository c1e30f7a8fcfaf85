//! P-W5: no raw, packet or ping socket; no rare family; no vsock, AF_ALG.

use clearing_tests::{Site, for_each_caller};

use crate::attack::{Call, armed, attempt, inside, outside};

#[test]
fn a_raw_socket_cannot_be_made() {
    Call::raw("socket 2 3 1").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_raw_ipv6_socket_cannot_be_made() {
    Call::raw("socket 10 3 58").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_ping_socket_cannot_be_made() {
    // Who may open one is a setting of the network namespace, which would refuse with `EACCES`.
    Call::raw("socket 2 2 1").expect_refusal("EPERM");
}

#[test]
fn a_packet_socket_cannot_be_made() {
    Call::raw("socket 17 3 768").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn the_obsolete_packet_socket_cannot_be_made() {
    Call::raw("socket 2 10 768").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_vsock_cannot_be_made() {
    // No network namespace holds it.
    Call::raw("socket 40 1 0").expect_refusal("EPERM");
}

#[test]
fn a_vsock_cannot_be_made_with_high_bits() {
    // The kernel reads the family as 32 bits.
    Call::raw("socket 0x100000028 1 0").expect_refusal("EPERM");
}

#[test]
fn the_kernel_s_cryptography_has_no_socket() {
    Call::raw("socket 38 5 0").expect_refusal("EPERM");
}

#[test]
fn families_that_nobody_needs_cannot_be_made() {
    // AX25 IPX APPLETALK NETROM BRIDGE ATMPVC X25 ROSE KEY RDS PPPOX LLC IB MPLS CAN TIPC BLUETOOTH
    // IUCV RXRPC ISDN PHONET IEEE802154 CAIF NFC KCM QIPCRTR SMC XDP MCTP, one that is to come, and -1
    let families = "3 4 5 6 7 8 9 11 15 21 24 26 27 28 29 30 31 32 33 34 35 36 37 39 41 42 43 44 45 46 -1";
    for_each_caller(|caller| {
        let site = armed(caller);
        let script =
            format!("for f in {families}; do for k in 1 2 3 5; do ./probe raw socket $f $k 0; done; done");
        let output = attempt(&site, &script);
        assert_eq!(output.stdout.matches("-1 EPERM\n").count(), 31 * 4, "{output}");
        assert!(outside(&site, &["raw", "socket", "2", "1", "0"]).ends_with("ok"), "control");
    });
}

#[test]
fn rare_protocols_over_ip_cannot_be_used() {
    // SCTP, DCCP, UDP-Lite, MPTCP, IGMP, ESP
    for_each_caller(|caller| {
        let site = armed(caller);
        for (kind, protocol) in
            [("1", "132"), ("6", "33"), ("2", "136"), ("1", "262"), ("3", "2"), ("3", "50")]
        {
            let line = ["raw", "socket", "2", kind, protocol];
            assert_eq!(inside(&site, &line), "-1 EPERM", "{line:?}");
        }
    });
}

#[test]
fn a_raw_socket_cannot_be_had_with_flags_or_high_bits() {
    // SOCK_NONBLOCK | SOCK_CLOEXEC, and bits that the kernel drops
    for kind in ["0x80803", "0x100000003"] {
        Call::raw(&format!("socket 2 {kind} 255")).control_in_namespaces().expect_refusal("EPERM");
    }
}

#[test]
fn a_pair_of_a_rare_family_cannot_be_made() {
    // TIPC
    Call::raw("socketpair 30 5 0 buf:8").expect_refusal("EPERM");
}

#[test]
fn the_ping_program_gains_no_socket() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "ping -c 1 -W 1 127.0.0.1 2>&1");
        assert!(!output.stdout.contains("1 received"), "{output}");
    });
}
