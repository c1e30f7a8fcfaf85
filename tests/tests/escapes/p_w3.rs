//! P-W3: no abstract unix socket of the host; no pathname socket lying in the workspace.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use clearing_tests::decoys::{AbstractSocket, PathSocket, secret};
use clearing_tests::{Site, for_each_caller};

use crate::attack::{armed, inside, outside};

#[test]
fn an_abstract_socket_of_the_host_is_not_reached() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let socket = AbstractSocket::listen();
        let line = ["connect-unix", &format!("@{}", socket.name())];
        assert_eq!(inside(&site, &line), "-1 ECONNREFUSED");
        assert!(!socket.was_reached());
        assert_eq!(outside(&site, &line), "0 ok", "control");
        assert!(socket.was_reached(), "control");
    });
}

#[test]
fn an_abstract_datagram_socket_of_the_host_is_not_reached() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let name = secret();
        let address = SocketAddr::from_abstract_name(&name).expect("a short name");
        let socket = UnixDatagram::bind_addr(&address).expect("a name that nobody has");
        socket.set_nonblocking(true).expect("non-blocking");
        let line = ["send-unix", &format!("@{name}")];
        assert_eq!(inside(&site, &line), "-1 ECONNREFUSED");
        assert!(socket.recv(&mut [0; 1]).is_err());
        assert_eq!(outside(&site, &line), "1 ok", "control");
        assert!(socket.recv(&mut [0; 1]).is_ok(), "control");
    });
}

#[test]
fn a_socket_lying_in_the_project_is_not_reached() {
    socket_in_the_project_is_not_reached("socket");
}

#[test]
fn a_socket_in_the_project_is_not_reached_by_another_way() {
    socket_in_the_project_is_not_reached("/proc/self/cwd/socket");
}

#[test]
fn a_socket_in_the_project_is_not_reached_by_a_link() {
    socket_in_the_project_is_not_reached("link");
}

#[test]
fn a_socket_in_the_project_is_not_reached_by_a_further_name() {
    // Made inside: a link copies the socket up, or fails.
    for_each_caller(|caller| {
        let site = armed(caller);
        let socket = in_the_project(&site);
        let script = "ln socket hard; mv socket moved; for s in hard moved; do ./probe connect-unix $s; done; echo made";
        let output = site.run(["sh", "-c", script]).output();
        output.expect_stdout("made");
        assert!(!output.stdout.contains("0 ok"), "{output}");
        assert!(!socket.was_reached());
        assert_eq!(outside(&site, &["connect-unix", "socket"]), "0 ok", "control");
    });
}

#[test]
fn a_socket_outside_is_not_reached_by_a_link_in_the_project() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let socket = PathSocket::listen(&site, &site.home().join("outside"));
        symlink("../outside", site.project().join("link")).expect("symlink");
        assert_eq!(inside(&site, &["connect-unix", "link"]), "-1 ENOENT");
        assert!(!socket.was_reached());
        assert_eq!(outside(&site, &["connect-unix", "link"]), "0 ok", "control");
    });
}

#[track_caller]
fn socket_in_the_project_is_not_reached(name: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let socket = in_the_project(&site);
        let answer = inside(&site, &["connect-unix", name]);
        assert!(answer.starts_with("-1 E"), "{answer}");
        assert!(!socket.was_reached());
        assert_eq!(outside(&site, &["connect-unix", name]), "0 ok", "control");
        assert!(socket.was_reached(), "control");
    });
}

fn in_the_project(site: &Site) -> PathSocket {
    symlink("socket", site.project().join("link")).expect("symlink");
    PathSocket::listen(site, &site.project().join("socket"))
}
