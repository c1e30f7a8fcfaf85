//! A stream that is read while the proof does something else.

use std::io::Read;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What came on a stream, read to its end on a thread of its own, so that waiting for it can be bounded.
pub(crate) struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Collected {
    pub(crate) fn of(stream: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = channel();
        let into = Arc::clone(&bytes);
        thread::spawn(move || {
            stream.into_iter().for_each(|stream| collect(stream, &into));
            let _ = end.send(());
        });
        Self { bytes, ended }
    }

    /// What has come until now.
    pub(crate) fn so_far(&self) -> Vec<u8> {
        self.bytes.lock().expect("the reader does not panic").clone()
    }

    /// All of it, if the stream ends within `patience`.
    pub(crate) fn to_its_end(&self, patience: Duration) -> Option<Vec<u8>> {
        self.ended.recv_timeout(patience).ok()?;
        Some(self.so_far())
    }
}

fn collect(mut stream: impl Read, into: &Mutex<Vec<u8>>) {
    let mut part = [0; 64 << 10];
    while let Ok(count @ 1..) = stream.read(&mut part) {
        into.lock().expect("nobody panics with the lock").extend_from_slice(&part[..count]);
    }
}
