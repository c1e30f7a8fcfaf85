//! Who takes nothing of what waits for it: it is hung up on, and what waits has a bound.

use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use clearing_tests::{DEADLINE, Site, for_each_caller, patience};
use serde_json::json;

use crate::events::{follow, resident};
use crate::gates::{TOKEN, open_to_the_network};
use crate::peer::{House, for_each_house};

/// How long a client may take nothing of what waits for it.
const PATIENCE: Duration = Duration::from_secs(30);
/// More than the kernel has room for on the way.
const LARGE: usize = 8 << 20;
/// Too little for there to be room again, if so much is taken a few times.
const LITTLE: usize = 40 << 10;

/// Asks for a resource, and says that it will ask for nothing more.
fn ask(house: &House<'_>, target: &str) -> UnixStream {
    let mut stream = UnixStream::connect(&house.socket).unwrap();
    stream.set_read_timeout(Some(patience(DEADLINE))).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    stream
}

#[test]
fn who_takes_nothing_for_half_a_minute_is_hung_up_on_and_who_takes_little_is_not() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("large", "x".repeat(LARGE));
        let house = open_to_the_network(&site);
        let mut peer = house.peer();
        let session = peer.session(&site);
        for (exec, script) in [("loud", "yes | head -c 8M; read x"), ("quiet", "read x")] {
            let start = json!({ "exec": exec, "argv": ["sh", "-c", script], "stdin": "open", "stream": false,
                "yieldMs": 0 });
            peer.post(&format!("{session}/execs"), start);
        }
        let events = |exec: &str| format!("{session}/execs/{exec}/events");
        let large = format!("{session}/files?path=large&maxBytes={LARGE}");
        let mut network = TcpStream::connect(house.address()).unwrap();
        let said = format!(
            "GET {large} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 0\r\n\r\n"
        );
        network.write_all(said.as_bytes()).unwrap();
        let silent = (ask(&house, &events("loud")), ask(&house, &large), network);
        let mut slow = [ask(&house, &events("loud")), ask(&house, &large)];
        let mut quiet = follow(&house, &format!("{session}/execs/quiet"), "");
        assert_eq!(quiet.event().unwrap().name, "exec/started");

        let begun = Instant::now();
        let mut taken = [Vec::new(), Vec::new()];
        for _ in 0..4 {
            std::thread::sleep(PATIENCE * 4 / 15);
            for (stream, taken) in slow.iter_mut().zip(&mut taken) {
                stream.take(LITTLE as u64).read_to_end(taken).unwrap();
            }
            let connected = peer.get("/v1/health")["connections"].as_u64().unwrap();
            assert!(connected == 7 || begun.elapsed() >= PATIENCE, "{connected} are connected");
        }
        let end = begun + PATIENCE + patience(DEADLINE);
        while peer.get("/v1/health")["connections"] != 4 {
            assert!(Instant::now() < end, "{}", peer.get("/v1/health"));
            std::thread::sleep(Duration::from_millis(100));
        }
        // The others get all of it, to the end.
        for exec in ["loud", "quiet"] {
            peer.post(&format!("{session}/execs/{exec}/input"), json!({ "text": "x\n" }));
        }
        for (stream, taken) in slow.iter_mut().zip(&mut taken) {
            stream.read_to_end(taken).unwrap();
        }
        let [told, answered] = taken.map(|taken| String::from_utf8(taken).unwrap());
        assert!(told.contains("event: exec/exited") && told.ends_with("\r\n0\r\n\r\n"), "{}", told.len());
        assert!(answered.len() > LARGE && answered.ends_with('}'), "{}", answered.len());
        assert_eq!(quiet.event().unwrap().name, "exec/exited");
        drop(silent);
        house.close();
    });
}

/// So many kilobytes are held for all clients.
const HELD: u64 = 256 << 10;

#[test]
fn answers_that_nobody_takes_have_a_bound_together_and_who_takes_its_own_gets_it() {
    for_each_house(|house| {
        // Six characters of JSON each.
        house.site.write("large", "\u{1}".repeat(LARGE));
        let session = house.peer().session(house.site);
        let large = format!("{session}/files?path=large&maxBytes={LARGE}");
        let before = resident(house);
        let silent: Vec<_> = (0..8)
            .map(|_| {
                let mut peer = house.peer();
                peer.send(format!("GET {large} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
                assert!(peer.head().starts_with("HTTP/1.1 200"));
                peer
            })
            .collect();
        let after = resident(house);
        assert!(after < before + HELD + (64 << 10), "{before} kB, then {after} kB");
        assert_eq!(house.peer().get(&large)["text"].as_str().map(str::len), Some(LARGE));
        let connected = house.peer().get("/v1/health")["connections"].as_u64().unwrap();
        assert!(connected < 8, "{connected} are connected");
        drop(silent);
    });
}

#[test]
fn halves_of_requests_have_a_bound_together() {
    for_each_house(|house| {
        house.peer().get("/v1/health");
        let before = resident(house);
        let half = vec![b' '; 15 << 20];
        let halves: Vec<UnixStream> = (0..30)
            .map(|_| {
                let mut stream = UnixStream::connect(&house.socket).unwrap();
                stream
                    .write_all(b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 16777216\r\n\r\n")
                    .unwrap();
                stream.write_all(&half).unwrap();
                stream
            })
            .collect();
        let after = resident(house);
        assert!(after < before + HELD + (64 << 10), "{before} kB, then {after} kB");
        // One that goes on in time is taken to its end.
        let mut whole = vec![b' '; 15 << 20];
        whole.extend(json!({ "workspace": house.site.project() }).to_string().into_bytes());
        let mut peer = house.peer();
        peer.send(
            format!("POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", whole.len())
                .as_bytes(),
        );
        peer.send(&whole);
        assert_eq!(peer.answer().status, 201);
        drop(halves);
    });
}
