//! Sockets that whoever starts the server made before, as systemd does it.

use std::os::unix::net::UnixStream;

use clearing_tests::{Site, for_each_caller};
use serde_json::{Value, json};

use crate::peer::Peer;

/// Makes a socket, and executes what follows with it as its descriptor 3, as systemd hands one in.
const HAND_IN: &str = "
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid() + int(sys.argv[2])), LISTEN_FDS='1', LISTEN_FDNAMES='http')
os.execv(sys.argv[3], sys.argv[3:])
";

#[test]
fn a_socket_that_is_handed_in_is_served_and_no_command_has_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let socket = site.home().join("handed.sock");
        let through = ["/usr/bin/python3", "-c", HAND_IN, socket.to_str().unwrap(), "0"];
        let server = site.clearing(["serve"]).through(through).spawn();
        server.expect("nobody listens", || UnixStream::connect(&socket).is_ok());
        let mut peer = Peer::new(UnixStream::connect(&socket).unwrap());
        let session = peer.session(&site);
        let look = json!({ "argv": ["sh", "-c", "env | grep LISTEN; ls /proc/self/fd | sort -n | tail -1"] });
        peer.post(&format!("{session}/execs"), look);
        let said = peer.get(&format!("{session}/execs/e1/output"));
        assert_eq!(said["output"][0]["text"], "3\n", "{said}");
        let environment = std::fs::read(format!("/proc/{}/environ", server.pid())).unwrap();
        // What the kernel shows is what was handed in; nothing that we start gets it.
        let launcher = server.children();
        assert!(String::from_utf8_lossy(&environment).contains("LISTEN_FDS"));
        for child in launcher {
            let open = std::fs::read_dir(format!("/proc/{child}/fd"));
            let sockets =
                open.into_iter().flatten().filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
            assert!(sockets.count() < 16);
        }
        peer.ask("DELETE", &session, &Value::Null).expect(200);
        server.signal(nix::sys::signal::Signal::SIGTERM);
        server.wait().expect_code(0);
        // It is not ours.
        assert!(socket.exists());
        clearing_tests::assert_nothing_left(&site);
    });
}

#[test]
fn what_was_handed_in_to_another_process_is_not_taken() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let socket = site.home().join("handed.sock");
        let through = ["/usr/bin/python3", "-c", HAND_IN, socket.to_str().unwrap(), "1"];
        let output = site.clearing(["serve"]).through(through).output();
        output.expect_code(125);
        assert!(output.stderr.contains("nobody could ask"), "{}", output.stderr);
    });
}

#[test]
fn what_is_no_listening_socket_is_refused_with_its_name() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let hand_in = "exec 3</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=odd exec \"$@\"";
        let output = site.clearing(["serve"]).through(["sh", "-c", hand_in, "sh"]).output();
        output.expect_code(125);
        assert!(output.stderr.contains("`odd`") && output.stderr.contains("no socket"), "{}", output.stderr);
    });
}
