//! P-W1: no host loopback TCP, UDP, IPv6, nor the host's own addresses.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use clearing_tests::decoys::{TcpPort, UdpPort};
use clearing_tests::{Site, for_each_caller, skip};

use crate::attack::{armed, assert_keeps, attempt, control, inside, outside};

#[test]
fn a_tcp_port_of_the_host_s_loopback_is_not_reached() {
    tcp_is_not_reached("127.0.0.1");
}

#[test]
fn a_tcp_port_of_the_host_s_ipv6_loopback_is_not_reached() {
    tcp_is_not_reached("::1");
}

#[test]
fn another_loopback_address_of_the_host_is_not_reached() {
    tcp_is_not_reached("127.83.7.1");
}

#[test]
fn a_tcp_port_at_the_host_s_own_address_is_not_reached() {
    match own_address() {
        Some(address) => tcp_is_not_reached(&address.to_string()),
        None => skip("this host has no address but loopback"),
    }
}

#[test]
fn a_loopback_port_written_as_mapped_ipv6_is_not_reached() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let port = TcpPort::listen("127.0.0.1").expect("a port");
        let line = ["connect", "::ffff:127.0.0.1", &port.address().port().to_string()];
        assert!(inside(&site, &line).starts_with("-1 E"));
        assert!(!port.was_reached());
        assert_eq!(outside(&site, &line), "0 ok", "control");
        assert!(port.was_reached(), "control");
    });
}

#[test]
fn the_unspecified_address_does_not_mean_the_host() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let port = TcpPort::listen("127.0.0.1").expect("a port");
        let line = ["connect", "0.0.0.0", &port.address().port().to_string()];
        assert_eq!(inside(&site, &line), "-1 ECONNREFUSED");
        assert_eq!(outside(&site, &line), "0 ok", "control");
    });
}

#[test]
fn a_udp_port_of_the_host_s_loopback_is_not_reached() {
    udp_is_not_reached("127.0.0.1");
}

#[test]
fn a_udp_port_of_the_host_s_ipv6_loopback_is_not_reached() {
    udp_is_not_reached("::1");
}

#[test]
fn a_udp_port_at_the_host_s_own_address_is_not_reached() {
    match own_address() {
        Some(address) => udp_is_not_reached(&address.to_string()),
        None => skip("this host has no address but loopback"),
    }
}

#[test]
fn the_shell_s_own_network_reaches_nothing() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let port = TcpPort::listen("127.0.0.1").expect("a port");
        let number = port.address().port();
        let script = format!("bash -c 'echo x >/dev/tcp/127.0.0.1/{number}'");
        attempt(&site, &script);
        assert!(!port.was_reached());
        control(&site, &script);
        assert!(port.was_reached(), "control");
    });
}

#[test]
fn no_interface_but_loopback_is_there() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "grep -o '^ *[^ ]*:' /proc/net/dev | tr -d ' '");
        let names: Vec<_> = output.stdout.lines().filter(|line| line.ends_with(':')).collect();
        assert_eq!(names, ["lo:"], "{output}");
    });
}

#[test]
fn no_route_leads_out() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "tail -n +2 /proc/net/route; grep -v ' lo$' /proc/net/ipv6_route");
        assert_eq!(output.stdout.lines().count(), 1, "{output}");
    });
}

#[test]
fn connections_of_the_host_are_not_listed() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let port = TcpPort::listen("127.0.0.1").expect("a port");
        let number = format!(":{:04X} ", port.address().port());
        assert_keeps(&site, &number, "cat /proc/net/tcp");
    });
}

#[test]
fn an_empty_network_option_is_no_way_out() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let port = TcpPort::listen("127.0.0.1").expect("a port");
        let number = port.address().port().to_string();
        let line = ["./probe", "connect", "127.0.0.1", &number];
        // CVE-2025-66479 of another tool: an empty list meant "no limits".
        site.run(line).args(["--network", ""]).output();
        assert!(!port.was_reached());
        site.run(line).args(["--network", "none"]).output().expect_code(0);
        assert!(!port.was_reached());
        control(&site, &line.join(" "));
        assert!(port.was_reached(), "control");
    });
}

/// The address that the host would send from; nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[track_caller]
fn tcp_is_not_reached(host: &str) {
    for_each_caller(|caller| {
        let Ok(port) = TcpPort::listen(host) else {
            return skip(&format!("this host has no {host}"));
        };
        let is_reached = || port.was_reached();
        is_not_reached(&armed(caller), "connect", port.address(), is_reached);
    });
}

#[track_caller]
fn udp_is_not_reached(host: &str) {
    for_each_caller(|caller| {
        let Ok(port) = UdpPort::listen(host) else {
            return skip(&format!("this host has no {host}"));
        };
        let is_reached = || port.was_reached();
        is_not_reached(&armed(caller), "send", port.address(), is_reached);
    });
}

#[track_caller]
fn is_not_reached(site: &Site, way: &str, address: SocketAddr, is_reached: impl Fn() -> bool) {
    let line = [way, &address.ip().to_string(), &address.port().to_string()];
    // A datagram may be taken by the sandbox's own loopback; what counts is who gets it.
    let answer = inside(site, &line);
    assert!(way == "send" || answer.starts_with("-1 E"), "{answer}");
    assert!(!is_reached(), "{line:?}");
    assert!(outside(site, &line).ends_with("ok"), "control");
    std::thread::sleep(std::time::Duration::from_millis(5));
    assert!(is_reached(), "control: {line:?}");
}
