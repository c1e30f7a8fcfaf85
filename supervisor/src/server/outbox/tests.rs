use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use clearing_profiles::Output;
use rustix::pipe::{PipeFlags, pipe_with};

use super::*;
use crate::protocol::{Change, StreamName};
use crate::server::store::{Room, Shelf};

const SHORT: Duration = Duration::from_millis(300);

/// More than there is room for in any pipe or socket.
fn much(byte: u8) -> Vec<u8> {
    let mut line = vec![byte; 4 << 20];
    line.push(b'\n');
    line
}

/// An outbox to somebody who reads nothing, and that one's end.
fn unread() -> (Arc<Outbox>, OwnedFd) {
    let (reading, writing) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
    let outbox = Outbox::new(writing);
    outbox.answer(much(b'x'));
    (outbox, reading)
}

fn store() -> Arc<Store> {
    let room = Room::new(&Arc::from(Path::new("/tmp")), 1 << 20);
    Arc::new(Store::new("s", "e", &Shelf::new(&room), Output { head: 1 << 20, tail: 1 << 20 }))
}

#[test]
fn answers_that_wait_behind_output_count_as_all_others() {
    let ((outbox, _reading), store) = (unread(), store());
    outbox.follow(&store);
    store.output(StreamName::Stdout, b"said first");
    for _ in 0..8 {
        assert!(outbox.has_room());
        outbox.answer_after(&store, much(b'y'));
    }
    assert!(!outbox.has_room());
}

#[test]
fn what_is_read_counts_no_more() {
    let ((outbox, reading), store) = (unread(), store());
    outbox.follow(&store);
    store.output(StreamName::Stdout, b"said first");
    (0..9).for_each(|_| outbox.answer_after(&store, much(b'y')));
    outbox.notice(&SessionChanged::new(Change::Committed), b"changed\n".to_vec());
    store.end();
    outbox.finish();
    let mut told = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| outbox.write_all());
        let mut from = std::fs::File::from(reading);
        while told.len() < 10 * much(b'x').len() {
            let mut piece = vec![0; 1 << 20];
            let read = from.read(&mut piece).expect("something");
            told.extend_from_slice(&piece[..read]);
        }
        outbox.await_end();
    });
    let lines: Vec<&[u8]> = told.split(|byte| *byte == b'\n').collect();
    let is_output = |line: &[u8]| line.starts_with(b"{") && line.len() < 1000;
    assert!(is_output(lines[2]) && lines[1] == b"changed" && lines[3..12].iter().all(|line| line[0] == b'y'));
    assert_eq!(outbox.lock().waiting(), 0);
}

#[test]
fn of_what_happens_several_times_to_a_session_the_last_is_told() {
    let (outbox, reading) = unread();
    let before = outbox.lock().waiting();
    let told = |session: &str, what, number: usize| {
        let changed = SessionChanged { session: session.to_owned(), ..SessionChanged::new(what) };
        outbox.notice(&changed, format!("{session} {what:?} {number}\n").into_bytes());
    };
    for number in 0..10_000 {
        told("one", Change::Committed, number);
        told("one", Change::Refreshed, number);
        told("two", Change::Committed, number);
    }
    assert!(outbox.lock().waiting() < before + 1000);
    outbox.finish();
    thread::scope(|scope| {
        scope.spawn(|| outbox.write_all());
        let told = "one Committed 9999\none Refreshed 9999\ntwo Committed 9999\n";
        let mut text = vec![0; much(b'x').len() + told.len()];
        std::fs::File::from(reading).read_exact(&mut text).expect("all of it");
        assert_eq!(String::from_utf8_lossy(&text[much(b'x').len()..]), told);
    });
}

#[test]
fn requests_that_nobody_has_dealt_with_make_the_next_one_wait() {
    let (_reading, writing) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
    let outbox = Outbox::new(writing);
    let mut one = Weight::new(&outbox, MOST / 2, 100);
    let two = Weight::new(&outbox, MOST / 2 + 1, 100);
    let (to, from) = channel();
    let reader = Arc::clone(&outbox);
    let reader = thread::spawn(move || {
        for _ in 0..2 {
            reader.await_room();
            to.send(()).expect("a hearer");
        }
    });
    assert_eq!(from.recv_timeout(SHORT), Err(RecvTimeoutError::Timeout));
    one.lighten();
    from.recv().expect("room");
    drop((one, two));
    reader.join().expect("room");
    assert_eq!(outbox.lock().waiting(), 0);
}

#[test]
fn what_commands_do_not_read_makes_nothing_wait_and_has_a_bound() {
    let (_reading, writing) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
    let outbox = Outbox::new(writing);
    let weight = || Weight::new(&outbox, 100, 0);
    let (mut one, mut two) = (weight(), weight());
    assert!(one.become_input(MOST) && !two.become_input(1));
    drop(two);
    outbox.await_room();
    drop(one);
    assert!(weight().become_input(MOST));
}

/// An outbox to a client that asks for nothing more, and that one's end.
fn finishing() -> (Arc<Outbox>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    ours.set_write_timeout(Some(SHORT / 10)).expect("a mode");
    theirs.set_read_timeout(Some(SHORT * 30)).expect("a mode");
    let outbox = Outbox::impatient(ours.into(), SHORT);
    outbox.answer(much(b'x'));
    outbox.finish();
    (outbox, theirs)
}

#[test]
fn who_asks_for_nothing_more_and_takes_nothing_is_given_up() {
    let (outbox, _theirs) = finishing();
    let begun = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| outbox.write_all());
        outbox.await_end();
    });
    assert!(outbox.is_gone() && begun.elapsed() >= SHORT);
}

#[test]
fn who_asks_for_nothing_more_and_takes_a_little_now_and_then_gets_all() {
    let (outbox, mut theirs) = finishing();
    thread::scope(|scope| {
        scope.spawn(|| outbox.write_all());
        let mut left = much(b'x').len();
        // Too little, each time, for there to be room again.
        for _ in 0..8 {
            thread::sleep(SHORT / 2);
            left -= theirs.read(&mut [0; 64 << 10]).expect("something");
        }
        while left > 0 {
            left -= theirs.read(&mut vec![0; 1 << 20]).expect("the rest");
        }
        outbox.await_end();
    });
    assert!(!outbox.is_gone());
}
