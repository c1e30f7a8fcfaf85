//! The socket's path: what is there already is nobody's loss.

use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;

use clearing_tests::{Site, for_each_caller};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket};

use crate::peer::{House, for_each_house, refused};

#[test]
fn the_socket_is_for_its_owner_alone() {
    for_each_house(|house| {
        let found = std::fs::symlink_metadata(&house.socket).unwrap();
        assert!(found.file_type().is_socket());
        assert_eq!(found.permissions().mode() & 0o777, 0o600);
    });
}

#[test]
fn a_server_that_was_killed_leaves_a_socket_that_the_next_one_replaces() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let house = House::open(&site);
        house.server.signal(nix::sys::signal::Signal::SIGKILL);
        house.server.wait();
        assert!(house.socket.exists());
        House::open(&site).close();
    });
}

#[test]
fn a_live_servers_socket_is_left_to_it() {
    for_each_house(|house| {
        let said = refused(house.site, &house.socket);
        assert!(said.contains("a server listens at") && said.contains("already"), "{said}");
        assert_eq!(house.peer().get("/v1/health")["state"], "ok");
    });
}

#[test]
fn who_listens_and_lets_nobody_in_holds_up_no_server() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let path = site.home().join("serve.sock");
        let stream = || socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_NONBLOCK, None).unwrap();
        let (listener, at) = (stream(), UnixAddr::new(&path).unwrap());
        bind(listener.as_raw_fd(), &at).unwrap();
        listen(&listener, Backlog::new(0).unwrap()).unwrap();
        site.own(&path);
        let one_too_many = || connect(stream().as_raw_fd(), &at).err();
        assert_eq!((0..8).find_map(|_| one_too_many()), Some(Errno::EAGAIN));
        let said = refused(&site, &path);
        assert!(said.contains("a server listens at"), "{said}");
        assert!(path.exists());
    });
}

#[test]
fn who_holds_the_lock_of_the_directory_holds_up_no_server_for_ever() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let socket = site.project().join("socket");
        let held = std::fs::File::open(site.project()).unwrap();
        held.lock().unwrap();
        assert!(refused(&site, &socket).contains("holds the lock of"));
        drop(held);
        House::open(&site).close();
    });
}

#[test]
fn what_is_no_socket_is_never_removed() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let file = site.write("precious", "words\n");
        assert!(refused(&site, &file).contains("no socket"));
        assert!(refused(&site, &site.project()).contains("no socket"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "words\n");
        // Not even where it is behind a link, to whatever.
        let link = site.project().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(refused(&site, &link).contains("no socket"));
    });
}

#[test]
fn another_ones_socket_that_took_the_place_is_left() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let house = House::open(&site);
        std::fs::remove_file(&house.socket).unwrap();
        let _other = UnixListener::bind(&house.socket).unwrap();
        house.server.signal(nix::sys::signal::Signal::SIGTERM);
        house.server.wait().expect_code(0);
        assert!(house.socket.exists());
    });
}

#[test]
fn a_path_that_is_too_long_is_told_with_what_fits() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let said = refused(&site, &site.home().join("x".repeat(120)));
        assert!(said.contains("107 at most"), "{said}");
        let said = refused(&site, &site.home().join("no-such-directory/serve.sock"));
        assert!(said.contains("no-such-directory"), "{said}");
    });
}

#[test]
fn a_server_that_nobody_could_ask_is_refused() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.clearing(["serve"]).output();
        output.expect_code(125);
        assert!(output.stderr.contains("--socket"), "{}", output.stderr);
    });
}
