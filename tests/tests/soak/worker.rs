//! What one client does with its sessions.

use std::path::Path;

use clearing_tests::Random;
use serde_json::{Value, json};

use crate::peer::Peer;

/// How often what happened.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    answers: u64,
    exited: u64,
    bytes: u64,
    cancelled: u64,
    vanished: u64,
    killed: u64,
    rolled_back: u64,
}

/// A client at work.
pub(crate) struct Worker<'a> {
    socket: &'a Path,
    project: &'a Path,
    random: Random,
    peer: Peer,
    tally: Tally,
    execs: u64,
}

impl Tally {
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            answers: self.answers + other.answers,
            exited: self.exited + other.exited,
            bytes: self.bytes + other.bytes,
            cancelled: self.cancelled + other.cancelled,
            vanished: self.vanished + other.vanished,
            killed: self.killed + other.killed,
            rolled_back: self.rolled_back + other.rolled_back,
        }
    }

    /// Whether each kind of thing has happened.
    pub(crate) fn has_everything(&self) -> bool {
        let all = [self.exited, self.bytes, self.cancelled, self.vanished, self.killed, self.rolled_back];
        all.iter().all(|number| *number > 0)
    }
}

impl<'a> Worker<'a> {
    pub(crate) fn new(socket: &'a Path, project: &'a Path, random: Random) -> Self {
        let (peer, tally) = (Peer::connect(socket), Tally::default());
        Self { socket, project, random, peer, tally, execs: 0 }
    }

    pub(crate) fn work(mut self, sessions: usize, commands: usize) -> Tally {
        let sessions: Vec<String> = (0..sessions).map(|_| self.create()).collect();
        for _ in 0..commands {
            for session in &sessions {
                match self.random.below(20) {
                    0..2 => self.cancel(session),
                    2 => self.vanish(session),
                    3 => self.kill(session),
                    4 => self.roll_back(session),
                    _ => self.print(session),
                }
            }
        }
        for session in &sessions {
            self.peer.call("session/destroy", json!({"session": session})).unwrap();
        }
        self.tally.answers += self.peer.answered;
        self.tally
    }

    fn create(&mut self) -> String {
        let made = self.peer.call("session/create", json!({"workspace": self.project})).unwrap();
        made["session"].as_str().unwrap().to_owned()
    }

    fn start(&mut self, session: &str, script: &str) -> (String, u64) {
        self.execs += 1;
        let exec = format!("e{}", self.execs);
        let argv = json!(["sh", "-c", script]);
        let id = self.peer.send("exec/start", json!({"session": session, "exec": exec, "argv": argv}));
        (format!("{session}/{exec}"), id)
    }

    /// Two commands at once, whose output is known.
    fn print(&mut self, session: &str) {
        let sizes = [self.random.below(20_000), self.random.below(300)];
        let started = sizes.map(|size| {
            let script = format!("seq 1 {size}; seq {size} {} >&2; exit {}", size + 100, size % 7);
            (size, self.start(session, &script))
        });
        for (size, (exec, id)) in started {
            let answer = self.peer.answer(id).unwrap();
            assert_eq!(answer["exitCode"], json!(size % 7), "{answer}");
            let said = self.peer.said.remove(&exec).unwrap();
            assert!(said.exited, "answered before it was told: {answer}");
            assert_eq!(checksum(&said.stdout), checksum(&numbers(1, size)), "{answer}");
            assert_eq!(checksum(&said.stderr), checksum(&numbers(size, size + 100)), "{answer}");
            self.tally.bytes += (said.stdout.len() + said.stderr.len()) as u64;
            self.tally.exited += 1;
        }
    }

    fn cancel(&mut self, session: &str) {
        let (_, id) = self.start(session, "sleep 600 & sleep 600");
        (0..self.random.below(3)).for_each(|_| drop(self.peer.call("health", json!({})).unwrap()));
        self.peer.cancel(id);
        let error = self.peer.answer(id).unwrap_err();
        assert_eq!(error["code"], -32800, "{error}");
        self.tally.cancelled += 1;
        self.expect_idle(session);
    }

    /// Hangs up while a command runs; the server ends that, and the session goes on.
    fn vanish(&mut self, session: &str) {
        self.start(session, "echo begun; sleep 600");
        self.tally.answers += self.peer.answered;
        self.peer = Peer::connect(self.socket);
        self.tally.vanished += 1;
        self.expect_idle(session);
    }

    fn kill(&mut self, session: &str) {
        let (_, id) = self.start(session, "kill -KILL $$");
        let answer = self.peer.answer(id).unwrap();
        assert_eq!(answer["outcome"]["signal"], 9, "{answer}");
        self.tally.killed += 1;
    }

    fn roll_back(&mut self, session: &str) {
        let (_, id) = self.start(session, "echo more >> note.txt; echo new > new");
        assert_eq!(self.peer.answer(id).unwrap()["exitCode"], 0);
        let back = json!({"session": session, "snapshot": "initial", "processes": "stop"});
        self.peer.call("snapshot/rollback", back).unwrap();
        let (exec, id) = self.start(session, "cat note.txt; ls new");
        assert_ne!(self.peer.answer(id).unwrap()["exitCode"], 0);
        assert_eq!(self.peer.said.remove(&exec).unwrap().stdout, b"of the project\n");
        self.tally.rolled_back += 1;
    }

    /// Waits until nothing runs there, which the session tells.
    fn expect_idle(&mut self, session: &str) {
        while self.told(session)["running"] != json!([]) {}
    }

    fn told(&mut self, session: &str) -> Value {
        self.peer.call("session/get", json!({"session": session})).unwrap()
    }
}

/// What `seq` prints.
fn numbers(first: u64, last: u64) -> Vec<u8> {
    (first..=last).flat_map(|number| format!("{number}\n").into_bytes()).collect()
}

/// So that a failure can be read: how much, and FNV-1a.
fn checksum(bytes: &[u8]) -> (usize, u64) {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    (bytes.len(), bytes.iter().fold(0xcbf2_9ce4_8422_2325, step))
}
