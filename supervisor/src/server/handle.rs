//! A session that the server holds, as everybody but its conductor knows it.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use nix::sys::eventfd::{EfdFlags, EventFd};

use super::Caller;
use super::conductor::Conductor;
use super::outbox::Outbox;
use crate::error::Error;
use crate::protocol::{Notification, SessionChanged};

/// Something for a conductor to do.
pub(crate) type Order = Box<dyn FnOnce(&mut Conductor) + Send>;

/// A session that is held.
pub(crate) struct Handle {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    labels: Mutex<BTreeMap<String, String>>,
    pub(crate) since: Instant,
    /// Commands that run.
    pub(crate) running: AtomicUsize,
    orders: Orders,
    hearers: Mutex<Vec<Hearer>>,
}

/// Who hears what becomes of it: a connection, and where.
type Hearer = (u64, Weak<Outbox>);

/// What a conductor is to do, in order.
struct Orders {
    queue: Mutex<Queue>,
    wake: EventFd,
}

#[derive(Default)]
struct Queue {
    orders: VecDeque<Order>,
    /// Nothing is taken any more.
    is_closed: bool,
}

impl Handle {
    pub(crate) fn new(
        id: String,
        name: Option<String>,
        labels: BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .map_err(|errno| Error::System("eventfd", errno.into()))?;
        let orders = Orders { queue: Mutex::default(), wake };
        let (since, running, hearers) = (Instant::now(), AtomicUsize::new(0), Mutex::default());
        Ok(Self { id, name, labels: labels.into(), since, running, orders, hearers })
    }

    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        self.labels.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on it is known by these.
    pub(super) fn label(&self, labels: BTreeMap<String, String>) {
        *self.labels.lock().unwrap_or_else(PoisonError::into_inner) = labels;
    }

    /// Whoever made or took it hears from now on what others make of it.
    pub(crate) fn heard_by(&self, caller: &Caller) {
        let Some(outbox) = &caller.outbox else { return };
        let mut hearers = self.hearers();
        hearers.retain(|(connection, outbox)| *connection != caller.connection && outbox.strong_count() > 0);
        hearers.push((caller.connection, Arc::downgrade(outbox)));
    }

    /// Tells what has become of it, but to the connection that asked for that.
    pub(crate) fn tell(&self, changed: SessionChanged, asked: Option<u64>) {
        let changed = SessionChanged { session: self.id.clone(), ..changed };
        let line = Notification::line("session/changed", &changed);
        let hearers = self.hearers().clone();
        let others = hearers.iter().filter(|(connection, _)| Some(*connection) != asked);
        let others = others.filter_map(|(_, outbox)| outbox.upgrade());
        others.for_each(|outbox| outbox.notice(&changed, line.clone()));
    }

    fn hearers(&self) -> MutexGuard<'_, Vec<Hearer>> {
        self.hearers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has its conductor do something, after all that was ordered before. What comes too late is dropped, and
    /// with it the replies in it, which answers them.
    pub(crate) fn order(&self, order: impl FnOnce(&mut Conductor) + Send + 'static) {
        let mut queue = self.orders.lock();
        if queue.is_closed {
            drop(queue);
            return drop(order);
        }
        queue.orders.push_back(Box::new(order));
        drop(queue);
        self.remind();
    }

    /// Wakes the conductor: there may be orders.
    pub(super) fn remind(&self) {
        // A counter that is full wakes as well.
        let _ = self.orders.wake.write(1);
    }

    /// How many commands run.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// What is to be done next.
    pub(super) fn next_order(&self) -> Option<Order> {
        self.orders.lock().orders.pop_front()
    }

    /// Takes note of having been woken.
    pub(super) fn heed(&self) {
        let _ = self.orders.wake.read();
    }

    /// Takes no more orders, and gives back those that nobody will carry out.
    pub(super) fn close(&self) -> VecDeque<Order> {
        let mut queue = self.orders.lock();
        queue.is_closed = true;
        std::mem::take(&mut queue.orders)
    }
}

impl AsFd for Handle {
    /// Readable when there are orders.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.orders.wake.as_fd()
    }
}

impl Orders {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
