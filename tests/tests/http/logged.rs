//! The server's log.

use clearing_tests::{Site, for_each_caller};
use serde_json::Value;

use crate::peer::House;

/// Starts the server as the journal's, if standard error is what the journal says.
const JOURNAL: &str = r#"export JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2); exec "$@""#;

#[test]
fn each_request_is_a_line_where_that_is_asked_for_and_no_client_begins_one() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let socket = site.home().join("serve.sock");
        let serve = site.clearing(["serve", "--socket"]).arg(&socket).env("RUST_LOG", "clearing=debug");
        let server = serve.through(["sh", "-c", JOURNAL, "sh"]).spawn();
        server.expect("nobody listens", || std::os::unix::net::UnixStream::connect(&socket).is_ok());
        let house = House { site: &site, server, socket };
        let mut peer = house.peer();
        peer.get("/v1/health");
        peer.ask("GET", "/v1/sessions/a%0a%3C0%3Eclearing:%20all%20is%20lost", &Value::Null).refused();
        house.server.signal(nix::sys::signal::Signal::SIGTERM);
        let said = house.server.wait();
        let is_of = |line: &&str, words: [&str; 2]| words.iter().all(|word| line.contains(word));
        let told = said.stderr.lines().find(|line| is_of(line, ["answered", "method=\"health\""]));
        assert!(told.is_some_and(|line| line.starts_with("<7>clearing: ")), "{}", said.stderr);
        assert!(said.stderr.lines().any(|line| is_of(&line, ["refused", "CLR-UNKNOWN"])), "{}", said.stderr);
        assert!(
            said.stderr
                .lines()
                .all(|line| line.starts_with("<7>clearing: ") || line.starts_with("<6>clearing: "))
        );
    });
}

#[test]
fn nobody_hears_of_requests_who_does_not_ask() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let house = House::open(&site);
        house.peer().get("/v1/health");
        house.server.signal(nix::sys::signal::Signal::SIGTERM);
        assert_eq!(house.server.wait().stderr, "");
    });
}
