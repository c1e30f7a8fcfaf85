//! P-N1: own pid, net, mount, ipc, uts, user and cgroup namespace.

use std::fs;

use clearing_tests::{Site, for_each_caller};

use crate::attack::{attempt, control};

#[test]
fn the_pid_namespace_is_its_own() {
    is_its_own("pid");
}

#[test]
fn the_network_namespace_is_its_own() {
    is_its_own("net");
}

#[test]
fn the_mount_namespace_is_its_own() {
    is_its_own("mnt");
}

#[test]
fn the_ipc_namespace_is_its_own() {
    is_its_own("ipc");
}

#[test]
fn the_uts_namespace_is_its_own() {
    is_its_own("uts");
}

#[test]
fn the_user_namespace_is_its_own() {
    is_its_own("user");
}

#[test]
fn the_cgroup_namespace_is_its_own() {
    is_its_own("cgroup");
}

#[test]
fn two_runs_share_no_namespace() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let list = "readlink /proc/self/ns/pid /proc/self/ns/net /proc/self/ns/user; sleep 0.3";
        let first = site.run(["sh", "-c", list]).spawn();
        let second = attempt(&site, list);
        let first = first.wait();
        for line in first.stdout.lines() {
            assert!(!second.stdout.contains(line), "{first}\n{second}");
        }
    });
}

#[track_caller]
fn is_its_own(kind: &str) {
    let host = fs::read_link(format!("/proc/self/ns/{kind}")).expect("a namespace");
    let host = host.display().to_string();
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let read = format!("readlink /proc/self/ns/{kind}");
        let output = attempt(&site, &read);
        output.expect_stdout(&format!("{kind}:["));
        assert!(!output.stdout.contains(&host), "{output}");
        assert!(control(&site, &read).contains(&host), "control");
    });
}
