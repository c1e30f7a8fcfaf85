//! P-W7: the sandbox can't configure interfaces.

use clearing_tests::{Site, for_each_caller};

use crate::attack::{Call, attempt, control};

#[test]
fn an_interface_cannot_be_taken_down() {
    Call::probe("interface-flags lo 0").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn an_interface_cannot_listen_to_everything() {
    // IFF_UP | IFF_PROMISC
    Call::probe("interface-flags lo 0x101").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn an_interface_cannot_be_given_an_address() {
    Call::probe("interface-address lo 127.0.0.5").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn an_interface_cannot_be_taken_down_by_netlink() {
    Call::probe("route-request link").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn an_interface_cannot_be_given_an_address_by_netlink() {
    Call::probe("route-request address").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_route_cannot_be_added() {
    Call::probe("route-request route").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_tunnel_cannot_be_opened() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(
            &site,
            "mkdir -p /dev/net; mknod /dev/net/tun c 10 200; (true <>/dev/net/tun) && echo open",
        );
        assert!(!output.stdout.contains("open"), "{output}");
    });
}

#[test]
fn loopback_is_up_and_stays_up() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "ip link set lo down; ip addr flush dev lo; ip route add default dev lo; ip link add x type dummy;
            ip -o link show up";
        let output = attempt(&site, script);
        if output.stderr.contains("ip: not found") {
            return clearing_tests::skip("no `ip` here; the calls themselves are proved above");
        }
        output.expect_stdout("lo:");
        assert!(!output.stdout.contains("x:"), "{output}");
        let own = "unshare --user --map-root-user --net sh -c 'ip link set lo up; ip -o link show up'";
        assert!(control(&site, own).contains("lo:"), "control");
    });
}
