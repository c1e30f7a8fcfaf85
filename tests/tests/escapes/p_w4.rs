//! P-W4: a port opened inside is not reachable from the host unless declared.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use clearing_tests::{Site, for_each_caller};
use nix::sys::signal::Signal;

use crate::attack::{armed, outside};

#[test]
fn a_tcp_port_opened_inside_is_not_reached_from_the_host() {
    is_not_reached("tcp", &free_port(), |port| TcpStream::connect(("127.0.0.1", port)).is_ok());
}

#[test]
fn a_udp_port_opened_inside_is_not_reached_from_the_host() {
    is_not_reached("udp", &free_port(), |port| {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.send_to(b"x", ("127.0.0.1", port)).is_ok()
    });
}

#[test]
fn an_abstract_socket_opened_inside_is_not_reached_from_the_host() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let name = format!("@{}", clearing_tests::decoys::secret());
        assert_eq!(
            serve_inside(&site, "unix", &name, || {
                outside(&site, &["connect-unix", &name]);
            }),
            "alone"
        );
        assert_eq!(
            serve_outside(&site, "unix", &name, || {
                outside(&site, &["connect-unix", &name]);
            }),
            "reached",
            "control"
        );
    });
}

#[test]
fn a_socket_made_in_the_workspace_is_not_in_the_project() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let path = site.project().join("socket");
        let connect = || {
            let _ = UnixStream::connect(&path);
        };
        assert_eq!(serve_inside(&site, "unix", "socket", connect), "alone");
        assert!(!path.exists());
        assert_eq!(serve_outside(&site, "unix", "socket", connect), "reached", "control");
    });
}

#[test]
fn a_port_taken_on_the_host_is_free_inside() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let taken = TcpListener::bind("0.0.0.0:0").expect("a port");
        let port = taken.local_addr().expect("bound").port().to_string();
        let output = site.run(["./probe", "serve", "tcp", &port]).output();
        output.expect_stdout("ready");
    });
}

#[track_caller]
fn is_not_reached(kind: &str, port: &str, reach: impl Fn(u16) -> bool) {
    let number = port.parse().expect("a port");
    for_each_caller(|caller| {
        let site = armed(caller);
        let connect = || {
            reach(number);
        };
        assert_eq!(serve_inside(&site, kind, port, connect), "alone");
        assert_eq!(serve_outside(&site, kind, port, connect), "reached", "control");
    });
}

/// None of those that the kernel gives to who asks for any, as other proofs do meanwhile.
fn free_port() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begun = 20_000 + u16::try_from(std::process::id() % 10_000).expect("less than that");
    let mut ports = std::iter::repeat_with(|| begun + NEXT.fetch_add(1, Ordering::Relaxed));
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.find(is_free).expect("there is always a next one").to_string()
}

/// What the probe says of who came while `meanwhile` was done: inside, it waits on a FIFO.
#[track_caller]
fn serve_inside(site: &Site, kind: &str, port: &str, meanwhile: impl Fn()) -> &'static str {
    // The signal that closes the gate goes to the server as well.
    let script = format!(
        "trap 'exec 9>&-' USR1; mkfifo gate
        (trap '' USR1; exec ./probe serve {kind} {port} <gate) & exec 9>gate; until wait; do :; done"
    );
    let running = site.run(["sh", "-c", &script]).spawn();
    running.expect_printed("ready");
    meanwhile();
    running.signal(Signal::SIGUSR1);
    judge(&running.wait().stdout)
}

#[track_caller]
fn serve_outside(site: &Site, kind: &str, port: &str, meanwhile: impl Fn()) -> &'static str {
    let mut command = site.host("./probe");
    command.args(["serve", kind, port]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the probe runs");
    let mut said = BufReader::new(child.stdout.take().expect("piped"));
    let mut text = String::new();
    said.read_line(&mut text).expect("ready");
    meanwhile();
    said.read_line(&mut text).expect("an answer");
    end(child);
    judge(&text)
}

fn end(mut child: Child) {
    drop(child.stdin.take());
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(5) {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[track_caller]
fn judge(said: &str) -> &'static str {
    match said.lines().collect::<Vec<_>>()[..] {
        ["ready", "alone"] => "alone",
        ["ready", "reached"] => "reached",
        _ => panic!("the server said: {said}"),
    }
}
