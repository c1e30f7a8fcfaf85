//! What a connection has yet to hear: answers, which are never lost, and the events of its execs, which wait
//! where they are kept until the reader takes more.
//!
//! Whoever has something to say writes it where that needs no waiting: a thread that is woken for it takes longer than
//! the rest. What the reader does not take at once is left to the writer.
//!
//! All that waits for one connection has one bound, from where on none of its requests is read: what it has not read, and
//! what it asked for that nobody has dealt with ([`Weight`]).

mod feed;
mod notices;
mod patience;
#[cfg(test)]
mod tests;
mod unread;
mod weight;

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::io::Errno;

use super::store::{Store, Wake};
use crate::at_once::write_at_once;
use crate::protocol::SessionChanged;
use patience::Standstill;
use unread::Unread;
pub(crate) use weight::Weight;
use weight::Weights;

/// The outgoing side of a connection.
pub(crate) struct Outbox {
    to: OwnedFd,
    /// How long one who asks for nothing more may take nothing of what is said; for ever where there is none.
    patience: Option<Duration>,
    /// Whether the kernel refuses to write there without waiting.
    waits: AtomicBool,
    inner: Mutex<Inner>,
    /// Something is to be written, or nothing more will be.
    ready: Condvar,
    /// Something that waited does so no more, or nothing more will be written.
    room: Condvar,
}

#[derive(Default)]
struct Inner {
    unread: Unread,
    weights: Weights,
    /// What was taken out to be written and was not.
    rest: Vec<u8>,
    /// The writer writes what it took out: whatever else there is comes later.
    is_writing: bool,
    /// Whether somebody waits until there is room.
    is_awaited: bool,
    /// A change that the writer has not looked at.
    is_woken: bool,
    /// All that there is to say was said; the writer ends when it is written.
    is_finishing: bool,
    /// All was written, or nobody reads.
    is_over: bool,
    /// Nobody reads.
    is_gone: bool,
}

/// How many bytes wait before no more requests are read.
const MOST: usize = 32 << 20;
/// As much is written at a time.
const BATCH: usize = 64 * 1024;

impl Outbox {
    pub(crate) fn new(to: OwnedFd) -> Arc<Self> {
        Self::with_patience(to, None)
    }

    /// The same of a socket of which each write waits for no longer than a while: once all was said, one who takes nothing
    /// for so long is given up.
    pub(crate) fn impatient(to: OwnedFd, patience: Duration) -> Arc<Self> {
        Self::with_patience(to, Some(patience))
    }

    fn with_patience(to: OwnedFd, patience: Option<Duration>) -> Arc<Self> {
        let (waits, inner) = (AtomicBool::new(false), Mutex::default());
        Arc::new(Self { to, patience, waits, inner, ready: Condvar::new(), room: Condvar::new() })
    }

    /// Tells a line as soon as possible.
    pub(crate) fn answer(&self, line: Vec<u8>) {
        self.change(|unread| unread.answer(line));
    }

    /// Tells a line once all was told that the store has now.
    pub(crate) fn answer_after(&self, store: &Arc<Store>, line: Vec<u8>) {
        let last = store.last();
        self.change(|unread| unread.answer_after(store, last, line));
    }

    /// Tells what has become of a session, unless the same becomes of it once more before that is written.
    pub(crate) fn notice(&self, changed: &SessionChanged, line: Vec<u8>) {
        self.change(|unread| unread.notice(changed, line));
    }

    /// Tells the events of an exec from the first on.
    pub(crate) fn follow(self: &Arc<Self>, store: &Arc<Store>) {
        self.lock().unread.follow(store);
        let hearer: Weak<Self> = Arc::downgrade(self);
        store.heard_by(hearer);
    }

    /// Waits until there is room for one more request and for what it is answered.
    pub(crate) fn await_room(&self) {
        let mut inner = self.lock();
        while inner.waiting() > MOST && !inner.is_over {
            inner.is_awaited = true;
            inner = self.room.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether there is room for a long answer.
    pub(crate) fn has_room(&self) -> bool {
        self.lock().unread() <= MOST
    }

    /// Lets the writer end when all is written that there is to say by now.
    pub(crate) fn finish(&self) {
        self.lock().is_finishing = true;
        self.ready.notify_one();
    }

    /// Waits for the writer's end.
    pub(crate) fn await_end(&self) {
        let ended = self.room.wait_while(self.lock(), |inner| !inner.is_over);
        drop(ended.unwrap_or_else(PoisonError::into_inner));
    }

    /// Nobody reads any more.
    pub(crate) fn give_up(&self) {
        let mut inner = self.lock();
        (inner.is_gone, inner.is_over) = (true, true);
        let unread = std::mem::take(&mut inner.unread);
        drop(inner);
        drop(unread);
        self.ready.notify_one();
        self.room.notify_all();
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.lock().is_gone
    }

    /// Writes until there is nothing more to say, or nobody who reads it.
    pub(crate) fn write_all(&self) {
        let mut batch = Vec::new();
        while self.await_batch(&mut batch) {
            if self.write(&batch).is_err() {
                // One that is gone is told nothing.
                return self.give_up();
            }
            batch.clear();
        }
        self.lock().is_over = true;
        self.room.notify_all();
    }

    fn write(&self, mut left: &[u8]) -> Result<(), Errno> {
        let mut standstill = Standstill::default();
        while !left.is_empty() {
            match rustix::io::write(&self.to, left) {
                Ok(written) => {
                    left = &left[written..];
                    standstill = Standstill::default();
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if self.is_patient(&mut standstill) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Whether one who takes nothing now is waited for.
    fn is_patient(&self, standstill: &mut Standstill) -> bool {
        let Some(patience) = self.patience else { return self.await_reader() };
        !self.lock().is_finishing || standstill.lasts_less_than(patience, &self.to)
    }

    /// Waits until something is taken, where whoever shares the descriptor has set `O_NONBLOCK`; one who is gone is
    /// found by the next write.
    fn await_reader(&self) -> bool {
        let mut polled = [PollFd::new(self.to.as_fd(), PollFlags::POLLOUT)];
        !matches!(poll(&mut polled, PollTimeout::NONE), Err(errno) if errno != nix::errno::Errno::EINTR)
    }

    fn change(&self, change: impl FnOnce(&mut Unread)) {
        let mut inner = self.lock();
        if !inner.is_gone {
            change(&mut inner.unread);
            self.say(inner);
        }
    }

    /// Writes what there is to say as far as that needs no waiting.
    fn say(&self, mut inner: MutexGuard<'_, Inner>) {
        let may = !inner.is_writing && inner.rest.is_empty() && !self.waits.load(Ordering::Relaxed);
        if may && !inner.is_gone {
            let mut batch = inner.gather();
            let is_all = batch.len() < BATCH;
            self.tell_of_room(&mut inner);
            match if batch.is_empty() { Ok(0) } else { write_at_once(&self.to, &batch) } {
                Ok(written) => drop(batch.drain(..written)),
                Err(Errno::AGAIN | Errno::INTR) => {}
                // The writer finds out what is wrong, if anything is.
                Err(_) => self.waits.store(true, Ordering::Relaxed),
            }
            inner.rest = batch;
            if is_all && inner.rest.is_empty() && !inner.is_finishing {
                return;
            }
        }
        inner.is_woken = true;
        self.ready.notify_one();
    }

    fn tell_of_room(&self, inner: &mut Inner) {
        if std::mem::take(&mut inner.is_awaited) {
            self.room.notify_all();
        }
    }

    /// Waits for something to write; false when there will be nothing.
    fn await_batch(&self, batch: &mut Vec<u8>) -> bool {
        let mut inner = self.lock();
        inner.is_writing = false;
        loop {
            if inner.is_gone {
                return false;
            }
            inner.is_woken = false;
            *batch = inner.gather();
            self.tell_of_room(&mut inner);
            if !batch.is_empty() {
                inner.is_writing = true;
                return true;
            }
            if inner.is_finishing {
                return false;
            }
            inner = self
                .ready
                .wait_while(inner, |inner| !inner.has_news())
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Outbox {
    fn wake(&self) {
        self.say(self.lock());
    }
}

impl Inner {
    /// Bytes that wait for whoever reads, and for whoever does what was asked for.
    fn waiting(&self) -> usize {
        self.unread() + self.weights.requests()
    }

    /// The same for whoever reads.
    fn unread(&self) -> usize {
        self.unread.bytes() + self.rest.len()
    }

    fn has_news(&self) -> bool {
        self.is_woken || self.is_gone || self.is_finishing || !self.rest.is_empty() || self.unread.has_lines()
    }

    /// About as much as is written at a time of what there is to say.
    fn gather(&mut self) -> Vec<u8> {
        let mut batch = std::mem::take(&mut self.rest);
        self.unread.gather(&mut batch);
        batch
    }
}
