//! Somebody who follows what an exec says, as a task: at its own pace, and the command is never stopped by it.

use std::sync::{Arc, Weak};

use tokio::sync::Notify;

use super::event::{ServerSent, told};
use super::store::{Cursor, Next, Store, Wake};

/// What an exec has said and says.
pub(crate) struct Following {
    store: Arc<Store>,
    cursor: Cursor,
    news: Arc<News>,
}

/// Woken when there may be something new.
#[derive(Default)]
struct News(Notify);

/// About as much is told at a time.
const BATCH: usize = 64 * 1024;

/// What there is to tell.
pub(crate) struct Batch {
    /// Server-sent events.
    pub(crate) events: Vec<u8>,
    /// Whether there will be no more.
    pub(crate) is_end: bool,
}

impl Following {
    /// From there on.
    pub(crate) fn new(store: Arc<Store>, cursor: Cursor) -> Self {
        let news = Arc::<News>::default();
        let hearer: Weak<News> = Arc::downgrade(&news);
        store.heard_by(hearer);
        Self { store, cursor, news }
    }

    /// From the event after this number on.
    pub(crate) fn after(store: Arc<Store>, seq: u64) -> Self {
        let cursor = store.after(seq);
        Self::new(store, cursor)
    }

    /// What there is to tell now, and no more than about so much.
    pub(crate) fn take(&mut self) -> Batch {
        let mut events = Vec::new();
        while events.len() < BATCH {
            let next = self.store.next(&mut self.cursor);
            let is_end = matches!(next, Next::End);
            match told::<ServerSent>(&self.store, next) {
                Some(event) => events.extend(event),
                None => return Batch { events, is_end },
            }
        }
        Batch { events, is_end: false }
    }

    /// All that had been said when this was called, and whether it has ended by then: whoever reads slower than a command
    /// speaks comes to an end, too.
    pub(crate) fn take_all(&mut self, mut hear: impl FnMut(Next)) -> bool {
        let (last, is_ended) = self.store.so_far();
        while self.cursor.seq < last {
            hear(self.store.next(&mut self.cursor));
        }
        is_ended
    }

    /// Stops here; the place from which somebody may go on.
    pub(crate) fn leave(self) -> Cursor {
        self.store.leave(self.cursor);
        self.cursor
    }

    /// Comes when there may be more.
    pub(crate) async fn news(&self) {
        self.news.0.notified().await;
    }
}

impl Wake for News {
    fn wake(&self) {
        // Kept for whoever does not wait yet.
        self.0.notify_one();
    }
}
