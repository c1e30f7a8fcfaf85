use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Instant;

use super::*;

const SHORT: Duration = Duration::from_millis(300);

/// More than there is room for in any pipe or socket.
fn much(byte: u8) -> Vec<u8> {
    let mut line = vec![byte; 4 << 20];
    line.push(b'\n');
    line
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
