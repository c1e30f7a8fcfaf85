//! P-F9: no daemon socket of the host (docker, dbus, containerd, X) is reachable.

use std::fs;
use std::path::Path;

use clearing_tests::decoys::{PathSocket, secret};
use clearing_tests::{Caller, Site, for_each_caller};

use crate::attack::{armed, attempt, control, inside, outside};

#[test]
fn an_agent_socket_in_tmp_is_not_reachable() {
    is_not_reachable("/tmp");
}

#[test]
fn an_agent_socket_in_var_tmp_is_not_reachable() {
    is_not_reachable("/var/tmp");
}

#[test]
fn a_socket_in_shared_memory_is_not_reachable() {
    is_not_reachable("/dev/shm");
}

#[test]
fn a_daemon_s_socket_below_run_is_not_reachable() {
    if nix_is_root() {
        is_not_reachable("/run");
    } else {
        clearing_tests::skip("only root can make a socket below /run");
    }
}

#[test]
fn a_socket_in_the_home_is_not_reachable() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let socket = PathSocket::listen(&site, &site.home().join("agent"));
        refuses(&site, &socket);
    });
}

#[test]
fn a_socket_that_a_variable_names_is_not_reachable() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let socket = PathSocket::listen(&site, &site.home().join("agent"));
        let run = site.run(["./probe", "connect-unix", "../agent"]);
        let output = run.env("SSH_AUTH_SOCK", socket.path()).output();
        assert!(output.stdout.starts_with("-1 "), "{output}");
        assert!(!socket.was_reached());
        outside(&site, &["connect-unix", "../agent"]);
        assert!(socket.was_reached(), "control");
    });
}

#[test]
fn no_socket_of_a_daemon_is_seen_anywhere() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let _agent = PathSocket::listen(&site, &site.home().join("agent"));
        let search = "find / -xdev -type s 2>/dev/null; find /run /var/run /tmp -type s 2>/dev/null";
        let output = attempt(&site, search);
        assert_eq!(output.stdout.lines().count(), 1, "{output}");
        assert!(control(&site, "find .. -type s").contains("agent"), "control");
    });
}

#[test]
fn the_places_of_daemons_are_empty() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let places = "ls -d /run/* /var/run/* /tmp/.X11-unix /var/lib/docker 2>/dev/null";
        let output = attempt(&site, places);
        assert_eq!(output.stdout.lines().count(), 1, "{output}");
        assert!(control(&site, places).lines().count() > 1, "control");
    });
}

#[track_caller]
fn is_not_reachable(directory: &str) {
    for_each_caller(|caller: Caller| {
        let site = armed(caller);
        let path = format!("{directory}/{}", secret());
        let socket = PathSocket::listen(&site, Path::new(&path));
        refuses(&site, &socket);
        fs::remove_file(&path).expect("remove");
    });
}

#[track_caller]
fn refuses(site: &Site, socket: &PathSocket) {
    let connect = ["connect-unix", socket.path().to_str().expect("text")];
    assert_eq!(inside(site, &connect), "-1 ENOENT");
    assert!(!socket.was_reached());
    assert_eq!(outside(site, &connect), "0 ok", "control");
    assert!(socket.was_reached(), "control");
}

fn nix_is_root() -> bool {
    Caller::all().contains(&Caller::Root)
}
