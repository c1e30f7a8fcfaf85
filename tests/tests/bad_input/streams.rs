//! Standard streams that are closed, directories, or of any other kind.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use clearing_tests::{Site, assert_nothing_left, for_each_caller};

use crate::refusal::fails_with;

#[test]
fn a_directory_in_place_of_a_stream_is_refused() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for stream in [0, 1, 2] {
            let wrapper = format!(r#"exec "$@" {stream}<."#);
            let output = site.run(["echo", "ran"]).through(["sh", "-c", &wrapper, "sh"]).output();
            output.expect_code(125);
            let told = output.outcome()["error"]["message"].as_str().unwrap();
            assert!(told.contains(&format!("descriptor {stream} is a directory")), "{output}");
        }
        assert_nothing_left(&site);
    });
}

#[test]
fn a_closed_stream_is_an_empty_one() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "cat; echo out; echo error >&2; exit 6";
        for closed in ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"] {
            let wrapper = format!(r#"exec "$@" {closed}"#);
            let output = site.run(["sh", "-c", script]).through(["sh", "-c", &wrapper, "sh"]).output();
            output.expect_code(6);
        }
    });
}

#[test]
fn a_file_a_pipe_and_a_socket_are_read_from_where_they_are() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let path = site.write("input", "first\nsecond\n");
        let (socket, mut peer) = UnixStream::pair().unwrap();
        peer.write_all(b"first\nsecond\n").unwrap();
        drop(peer);
        for input in [OwnedFd::from(File::open(&path).unwrap()), OwnedFd::from(socket)] {
            let mut bare = site.host(site.binary());
            bare.args(["run", "--", "sh", "-c", "read line; echo got $line; cat"]).stdin(input);
            bare.env("CLEARING_STATE_DIR", site.state());
            let output = bare.output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), "got first\nsecond\n");
        }
        let output =
            site.run(["sh", "-c", "read line; echo got $line; cat"]).stdin("first\nsecond\n").output();
        assert_eq!(output.stdout, "got first\nsecond\n");
    });
}

#[test]
fn a_file_is_left_where_the_command_stopped_reading() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("input", "first\nsecond\n");
        let twice = ["sh", "-c", r#"exec <input; "$@"; cat"#, "sh"];
        site.run(["sh", "-c", "read line"]).through(twice).output().expect_stdout("second\n");
    });
}

#[test]
fn descriptors_that_are_handed_in_are_not_the_command_s() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let many = [
            "bash",
            "-c",
            r#"for n in 3 4 5 9 10 200 255; do eval "exec $n</etc/passwd"; done; exec "$@""#,
            "bash",
        ];
        let output = site.run(["sh", "-c", "ls /proc/self/fd | wc -l"]).through(many).output();
        // 0, 1, 2 and that of the listing.
        output.expect_code(0).expect_stdout("4\n");
    });
}

#[test]
fn output_to_a_full_device_is_the_command_s_matter() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let full = ["sh", "-c", r#"exec "$@" >/dev/full"#, "sh"];
        let output = site.run(["sh", "-c", "echo told || exit 6"]).through(full).output();
        output.expect_code(6);
    });
}

#[test]
fn the_same_socket_is_input_and_output() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let (socket, mut peer) = UnixStream::pair().unwrap();
        let mut bare = site.host(site.binary());
        bare.args(["run", "--", "sh", "-c", "read line; echo got $line"]);
        bare.env("CLEARING_STATE_DIR", site.state());
        bare.stdin(OwnedFd::from(socket.try_clone().unwrap())).stdout(OwnedFd::from(socket));
        let mut child = bare.spawn().unwrap();
        drop(bare);
        peer.write_all(b"asked\n").unwrap();
        let mut answer = String::new();
        peer.read_to_string(&mut answer).unwrap();
        assert_eq!((answer.as_str(), child.wait().unwrap().code()), ("got asked\n", Some(0)));
    });
}

#[test]
fn a_message_that_cannot_be_written_is_no_crash() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let full = ["sh", "-c", r#""$@" 2>/dev/full; code=$?; echo code $code >&2; exit $code"#, "sh"];
        fails_with(&site.run(["echo", "ran"]).args(["-w", "/"]).through(full).output(), 125, "code 125");
    });
}
