//! What was not written yet.

use std::collections::VecDeque;
use std::sync::Arc;

use super::BATCH;
use super::feed::Feed;
use super::notices::Notices;
use crate::protocol::SessionChanged;
use crate::server::store::Store;

/// Answers, notices, and how far the connection has come with the events of its execs.
#[derive(Default)]
pub(super) struct Unread {
    answers: VecDeque<Vec<u8>>,
    notices: Notices,
    feeds: Vec<Feed>,
    /// Of all answers and notices, whatever they wait for.
    bytes: usize,
}

impl Unread {
    /// How much of it is kept here.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is something beside events.
    pub(super) fn has_lines(&self) -> bool {
        !self.answers.is_empty() || !self.notices.is_empty()
    }

    pub(super) fn answer(&mut self, line: Vec<u8>) {
        self.bytes += line.len();
        self.answers.push_back(line);
    }

    /// After the event of this number, if that is to be told.
    pub(super) fn answer_after(&mut self, store: &Arc<Store>, seq: u64, line: Vec<u8>) {
        match self.feeds.iter_mut().find(|feed| feed.is_before(store, seq)) {
            Some(feed) => {
                self.bytes += line.len();
                feed.answer_after(seq, line);
            }
            None => self.answer(line),
        }
    }

    pub(super) fn notice(&mut self, changed: &SessionChanged, line: Vec<u8>) {
        self.bytes += line.len();
        self.bytes -= self.notices.push(changed, line).map_or(0, |before| before.len());
    }

    pub(super) fn follow(&mut self, store: &Arc<Store>) {
        self.feeds.push(Feed::new(store));
    }

    /// Takes out about as much as is written at a time.
    pub(super) fn gather(&mut self, batch: &mut Vec<u8>) {
        while batch.len() < BATCH
            && let Some(line) = self.answers.pop_front()
        {
            self.take(&line, batch);
        }
        // They are few and short, and wait for no end of the answers.
        while let Some(line) = self.notices.pop() {
            self.take(&line, batch);
        }
        while batch.len() < BATCH && self.gather_events(batch) {}
    }

    fn take(&mut self, line: &[u8], batch: &mut Vec<u8>) {
        self.bytes -= line.len();
        batch.extend_from_slice(line);
    }

    /// One event of each feed; whether there was any.
    fn gather_events(&mut self, batch: &mut Vec<u8>) -> bool {
        let (before, bytes) = (batch.len(), &mut self.bytes);
        self.feeds.retain_mut(|feed| feed.gather(batch, bytes));
        batch.len() > before
    }
}
