//! P-W2: no DNS beyond what the policy names: DNS is a way out.

use std::fs;
use std::time::Duration;

use clearing_tests::decoys::UdpPort;
use clearing_tests::{Site, for_each_caller, in_time, skip};

use crate::attack::{armed, attempt, control, inside};

#[test]
fn a_query_to_a_resolver_of_the_host_does_not_arrive() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let Ok(resolver) = UdpPort::listen("127.0.0.53") else {
            return skip("this host has no 127.0.0.53");
        };
        let number = resolver.address().port();
        let query = format!("bash -c 'printf question >/dev/udp/127.0.0.53/{number}'");
        attempt(&site, &query);
        assert!(!resolver.was_reached());
        control(&site, &query);
        assert!(resolver.was_reached(), "control");
    });
}

#[test]
fn the_host_s_resolvers_are_not_named() {
    let host = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers: Vec<_> = host
        .lines()
        .filter_map(|line| line.strip_prefix("nameserver "))
        .map(str::trim)
        .filter(|server| !server.starts_with("127."))
        .collect();
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "cat /etc/resolv.conf 2>/dev/null");
        for server in &servers {
            assert!(!output.stdout.contains(server), "{output}");
        }
        let told = control(&site, "cat /etc/resolv.conf");
        assert!(servers.iter().all(|server| told.contains(server)), "control");
    });
}

#[test]
fn a_lookup_fails_at_once() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        // A lookup waits for nobody.
        let output = in_time(Duration::ZERO, Duration::from_secs(3), || {
            attempt(&site, "getent hosts name.invalid && echo resolved")
        });
        assert!(!output.stdout.contains("resolved"), "{output}");
    });
}

#[test]
fn resolver_daemons_of_the_host_have_no_socket() {
    for_each_caller(|caller| {
        let site = armed(caller);
        for path in [
            "/run/nscd/socket",
            "/var/run/nscd/socket",
            "/run/systemd/resolve/io.systemd.Resolve",
            "/run/dbus/system_bus_socket",
            "/run/avahi-daemon/socket",
        ] {
            assert_eq!(inside(&site, &["connect-unix", path]), "-1 ENOENT", "{path}");
        }
    });
}

#[test]
fn names_of_the_host_s_own_table_are_not_told() {
    let table = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let own = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let own = own.trim();
    let names: Vec<_> = table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split_whitespace().skip(1))
        .filter(|name| !name.starts_with("localhost") && !name.starts_with("ip6-") && *name != own)
        .collect();
    if names.is_empty() {
        return skip("the host's table names nobody");
    }
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "cat /etc/hosts");
        for name in &names {
            assert!(!output.stdout.contains(name), "{name}: {output}");
        }
    });
}
