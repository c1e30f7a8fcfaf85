//! Who may not ask for anything takes the place of nobody who may.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use clearing_tests::{Site, for_each_caller};

use crate::gates::token;
use crate::peer::House;

/// A quarter of so many descriptors is for connections.
const DESCRIPTORS: &str = "--nofile=128:128";
const PLACES: usize = 32;

/// A server with few places that listens on the network as well.
fn small_house(site: &Site) -> House<'_> {
    let socket = site.home().join("serve.sock");
    let serve = site.clearing(["serve", "--listen", "127.0.0.1:0", "--token-file"]).arg(token(site, 0o600));
    let server = serve.arg("--socket").arg(&socket).through(["prlimit", DESCRIPTORS]).spawn();
    server.expect("nobody listens", || UnixStream::connect(&socket).is_ok());
    House { site, server, socket }
}

#[test]
fn who_has_not_shown_the_token_takes_the_place_of_nobody_who_may_ask() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let house = small_house(&site);
        let mut resting = house.peer();
        resting.get("/v1/health");
        let mut silent = house.peer();
        let mut half = house.peer();
        half.send(b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n{");
        let strangers: Vec<_> =
            (0..2 * PLACES).map(|_| TcpStream::connect(house.address()).unwrap()).collect();
        // Whoever comes later has a place as well, and by then all of them have come.
        assert!(house.peer().get("/v1/health")["connections"].as_u64() <= Some(PLACES as u64));
        assert_eq!(resting.get("/v1/health")["state"], "ok");
        assert_eq!(silent.get("/v1/health")["state"], "ok");
        half.send(b" }");
        assert_eq!(half.answer().refused().0, 400);
        drop(strangers);
        house.close();
    });
}
