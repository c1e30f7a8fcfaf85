//! A client that reads late, or never: what waits for it has a bound, nobody else notices, and it loses no answer.

use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use clearing_tests::{Client, DEADLINE, Site, assert_nothing_left, code_of, for_each_caller, patience};
use serde_json::{Value, json};

/// Another client of a server, on its socket.
struct Other {
    stream: UnixStream,
    next: usize,
    /// The rest of what was to be sent.
    unsent: Vec<u8>,
}

impl Other {
    fn of(site: &Site, client: &Client) -> Self {
        let socket = site.state().join("servers").join(format!("{}.sock", client.pid()));
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(patience(DEADLINE))).unwrap();
        stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        let mut other = Self { stream, next: 0, unsent: Vec::new() };
        assert!(other.ask("initialize", &json!({}), 1));
        other
    }

    /// Asks for the same so often; false if the server takes no more.
    fn ask(&mut self, method: &str, params: &Value, times: usize) -> bool {
        for _ in 0..times {
            self.next += 1;
            let request = json!({ "jsonrpc": "2.0", "id": self.next, "method": method, "params": params });
            writeln!(self.unsent, "{request}").unwrap();
        }
        self.send()
    }

    fn send(&mut self) -> bool {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) => panic!("{error}"),
            }
        }
        true
    }

    /// Sends what is left, and reads all that is said until the end; gives the answers.
    fn finish(mut self) -> Vec<Value> {
        let reading = BufReader::new(self.stream.try_clone().unwrap());
        let lines = std::thread::spawn(move || {
            let lines = reading.lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
            lines.filter(|said| said.get("id").is_some()).collect::<Vec<_>>()
        });
        while !self.send() {}
        self.stream.shutdown(Shutdown::Write).unwrap();
        let answers = lines.join().unwrap();
        let mut ids: Vec<u64> = answers.iter().map(|answer| answer["id"].as_u64().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, (1..=self.next as u64).collect::<Vec<_>>());
        answers
    }
}

/// kB that the server may have in memory with all that waits for a client.
const MOST: u64 = 150_000;

#[test]
fn answers_behind_output_that_nobody_reads_fill_no_memory() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let mut other = Other::of(&site, &client);
        // More than a socket takes.
        let script = ["sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"];
        other.ask("exec/start", &json!({ "session": session, "exec": "x", "argv": script }), 1);
        let wait = json!({ "session": session, "exec": "x" });
        let mut waited = json!({ "error": {} });
        while waited.get("error").is_some() {
            let id = client.ask("exec/wait", wait.clone());
            waited = client.answer(&json!(id));
        }
        let mut is_heard = true;
        while is_heard && other.next < 100_000 {
            is_heard = other.ask("exec/wait", &wait, 500);
            // No more than may be unanswered at a time.
            client.call("exec/wait", wait.clone());
            std::thread::sleep(Duration::from_millis(10));
        }
        let taken = crate::bad_input::resident(&client);
        assert!(!is_heard && taken < MOST, "{taken} kB after {} requests", other.next);
        assert_eq!(client.exec(&session, &["true"])["exitCode"], 0);
        let answers = other.finish();
        // How many are unanswered at a time depends on who is quicker; whoever has too many is told so.
        let is_known =
            |answer: &Value| answer.get("error").is_none_or(|_| code_of(answer).1 == "CLR-TOO-MANY");
        assert!(answers.iter().all(is_known), "{:?}", answers.iter().find(|answer| !is_known(answer)));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

/// Two clients of a server, and what names a file of a mebibyte there.
fn with_a_large_file(site: &Site) -> (Client, Other, Value) {
    site.write("large", "x".repeat(1 << 20));
    let mut client = site.serve([] as [&str; 0]);
    let session = client.session(site);
    let other = Other::of(site, &client);
    (client, other, json!({ "session": session, "path": "large" }))
}

#[test]
fn files_that_nobody_reads_fill_no_memory() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let (mut client, mut other, large) = with_a_large_file(&site);
        let is_heard = other.ask("fs/read", &large, 300);
        // What is asked for by now is carried out.
        client.call("fs/stat", large);
        std::thread::sleep(Duration::from_millis(500));
        let taken = crate::bad_input::resident(&client);
        assert!(taken < MOST, "{taken} kB, heard: {is_heard}");
        let answers = other.finish();
        let is_whole =
            |answer: &Value| answer["result"]["text"].as_str().is_some_and(|it| it.len() == 1 << 20);
        assert!(answers.iter().skip(1).all(is_whole));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn who_has_asked_for_everything_gets_every_answer_and_then_the_end() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let (mut client, mut other, large) = with_a_large_file(&site);
        assert!(other.ask("fs/read", &large, 20));
        other.stream.shutdown(Shutdown::Write).unwrap();
        // All is answered by now, and little of it taken.
        std::thread::sleep(Duration::from_millis(1000));
        assert_eq!(other.finish().len(), 21);
        while client.call("health", json!({}))["connections"] != 1 {}
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_commands_do_not_read_has_one_bound_for_all_that_a_client_has() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        for exec in ["one", "two"] {
            let open = json!({ "exec": exec, "stdin": "open", "yieldMs": 0 });
            client.exec_with(&session, &["sleep", "1000"], open);
        }
        let text = "x".repeat(12 << 20);
        let piece = |exec: &str| json!({ "session": session, "exec": exec, "text": text });
        let first: Vec<i64> = ["one", "two"].map(|exec| client.ask("exec/write", piece(exec))).into();
        assert_eq!(client.refused("exec/write", piece("one")).1, "CLR-STDIN-FULL");
        // Whoever ends the one has room for the other.
        client.call("exec/signal", json!({ "session": session, "exec": "one", "signal": "KILL" }));
        assert_eq!(client.error(first[0]).1, "CLR-STDIN-CLOSED");
        let more = client.ask("exec/write", piece("two"));
        client.call("exec/signal", json!({ "session": session, "exec": "two", "signal": "KILL" }));
        for id in [first[1], more] {
            assert_eq!(client.error(id).1, "CLR-STDIN-CLOSED");
        }
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
