//! Connections that are open: so many and no more, and who does nothing makes room.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::process::{Resource, getrlimit};
use tokio::sync::Notify;

/// Nobody needs more at a time.
const MOST: u64 = 512;

/// Those who are connected.
pub(super) struct Crowd {
    guests: Mutex<Vec<Arc<Guest>>>,
    most: usize,
}

/// A connection.
pub(super) struct Guest {
    /// Requests that are not answered to their end.
    busy: AtomicUsize,
    used: Mutex<Instant>,
    /// It is asked to go.
    leave: Notify,
}

/// A request that is not answered to its end, and makes busy once it has come as a whole.
pub(super) struct Busy {
    guest: Arc<Guest>,
    has_come: AtomicBool,
}

impl Crowd {
    /// As many as leave descriptors for the sessions.
    pub(super) fn new() -> Self {
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let most = usize::try_from((descriptors / 4).clamp(8, MOST)).unwrap_or(8);
        Self { guests: Mutex::default(), most }
    }

    /// Lets one in; where there are too many, who has done nothing for longest has to go. None if all are busy.
    pub(super) fn enter(&self) -> Option<Arc<Guest>> {
        let mut guests = self.lock();
        if guests.len() >= self.most {
            let idle = guests.iter().enumerate().filter(|(_, guest)| guest.busy.load(Ordering::Relaxed) == 0);
            let (at, _) = idle.min_by_key(|(_, guest)| *guest.used())?;
            guests.swap_remove(at).leave.notify_one();
        }
        let guest =
            Guest { busy: AtomicUsize::new(0), used: Mutex::new(Instant::now()), leave: Notify::new() };
        let guest = Arc::new(guest);
        guests.push(Arc::clone(&guest));
        Some(guest)
    }

    /// It has gone.
    pub(super) fn leave(&self, gone: &Arc<Guest>) {
        self.lock().retain(|guest| !Arc::ptr_eq(guest, gone));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Guest>>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    /// A request has begun to come.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        Busy { guest: Arc::clone(self), has_come: AtomicBool::new(false) }
    }

    /// Comes when somebody else needs its place.
    pub(super) async fn is_asked_to_leave(&self) {
        self.leave.notified().await;
    }

    fn used(&self) -> MutexGuard<'_, Instant> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Busy {
    /// It has come as a whole: until this is dropped its client has something to do here.
    pub(super) fn has_come(&self) {
        if !self.has_come.swap(true, Ordering::Relaxed) {
            self.guest.busy.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if *self.has_come.get_mut() {
            *self.guest.used() = Instant::now();
            self.guest.busy.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_nothing_for_longest_makes_room_and_who_is_busy_never_does() {
        let crowd = Crowd { guests: Mutex::default(), most: 2 };
        let (first, second) = (crowd.enter().expect("room"), crowd.enter().expect("room"));
        let busy = first.begin();
        busy.has_come();
        let third = crowd.enter().expect("the second one goes");
        assert!(!crowd.lock().iter().any(|guest| Arc::ptr_eq(guest, &second)));
        let also_busy = third.begin();
        also_busy.has_come();
        also_busy.has_come();
        assert!(crowd.enter().is_none());
        drop(busy);
        crowd.enter().expect("the first one goes");
        drop(also_busy);
        crowd.leave(&third);
        assert_eq!(crowd.lock().len(), 1);
    }

    #[test]
    fn who_has_said_half_of_what_it_wants_makes_room() {
        let crowd = Crowd { guests: Mutex::default(), most: 1 };
        let half = crowd.enter().expect("room").begin();
        let whole = crowd.enter().expect("the first one goes").begin();
        whole.has_come();
        drop(half);
        assert!(crowd.enter().is_none());
    }
}
