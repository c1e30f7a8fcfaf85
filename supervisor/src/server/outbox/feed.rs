//! The events of one exec, on their way to one connection.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::server::event::{Line, told};
use crate::server::store::{Cursor, Next, Store};

/// How far the connection has come with them.
pub(super) struct Feed {
    store: Arc<Store>,
    cursor: Cursor,
    /// Answers that come after the event of this number.
    after: VecDeque<(u64, Vec<u8>)>,
}

impl Feed {
    /// From the first event on.
    pub(super) fn new(store: &Arc<Store>) -> Self {
        Self { store: Arc::clone(store), cursor: Cursor::default(), after: VecDeque::new() }
    }

    /// Whether this one is of that exec, and has not told the event of that number.
    pub(super) fn is_before(&self, store: &Arc<Store>, seq: u64) -> bool {
        Arc::ptr_eq(&self.store, store) && self.cursor.seq < seq
    }

    /// Tells a line after that event.
    pub(super) fn answer_after(&mut self, seq: u64, line: Vec<u8>) {
        self.after.push_back((seq, line));
    }

    /// Tells the next event and what comes after it, which waits no more; false when there will be no more.
    pub(super) fn gather(&mut self, batch: &mut Vec<u8>, waiting: &mut usize) -> bool {
        let Self { store, cursor, after } = self;
        let next = store.next(cursor);
        let is_end = matches!(next, Next::End);
        if let Some(line) = told::<Line>(store, next) {
            batch.extend_from_slice(&line);
        }
        while let Some((_, line)) = after.pop_front_if(|(seq, _)| *seq <= cursor.seq || is_end) {
            *waiting -= line.len();
            batch.extend_from_slice(&line);
        }
        !is_end
    }
}
