//! Connections that are open: so many and no more, and so many bytes of requests and answers. Who does nothing makes
//! room, and first of all a stranger.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::process::{Resource, getrlimit};
use tokio::sync::Notify;

/// Nobody needs more at a time.
const MOST: u64 = 512;
/// So many bytes of requests and answers are held for all of them.
const MOST_BYTES: usize = 256 << 20;
/// Nobody has to go for less.
const LITTLE: usize = 64 << 10;

/// Those who are connected.
pub(super) struct Crowd {
    guests: Mutex<Vec<Arc<Guest>>>,
    most: usize,
    most_bytes: usize,
    /// Bytes of requests that are being carried out.
    carried: AtomicUsize,
}

/// A connection.
pub(super) struct Guest {
    /// Nobody knows yet whether it may ask for anything: so far whoever likes can come.
    is_stranger: AtomicBool,
    /// Requests that have come as a whole and are not answered to their end.
    busy: AtomicUsize,
    /// Bytes of a request that is still coming, or of an answer that is not taken.
    held: AtomicUsize,
    used: Mutex<Instant>,
    /// It is asked to go.
    leave: Notify,
}

/// A request that is not answered to its end, and makes busy once it has come as a whole.
pub(super) struct Busy {
    crowd: Arc<Crowd>,
    guest: Arc<Guest>,
    request: Mutex<Request>,
}

/// How far it is.
#[derive(Default)]
struct Request {
    has_come: bool,
    is_answered: bool,
    /// Of the request, and once it is answered of the answer.
    bytes: usize,
}

impl Crowd {
    /// As many as leave descriptors for the sessions.
    pub(super) fn new() -> Arc<Self> {
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let most = usize::try_from((descriptors / 4).clamp(8, MOST)).unwrap_or(8);
        Self::of(most, MOST_BYTES)
    }

    fn of(most: usize, most_bytes: usize) -> Arc<Self> {
        Arc::new(Self { guests: Mutex::default(), most, most_bytes, carried: AtomicUsize::new(0) })
    }

    /// Lets one in, as a stranger; where there are too many, who has done nothing for longest has to go, and no other
    /// one before the last stranger. None if all are busy.
    pub(super) fn enter(&self) -> Option<Arc<Guest>> {
        let mut guests = self.lock();
        if guests.len() >= self.most {
            dismiss(&mut guests, |guest| guest.busy.load(Ordering::Relaxed) == 0)?;
        }
        let guest = Arc::new(Guest::new());
        guests.push(Arc::clone(&guest));
        Some(guest)
    }

    /// A request of a guest's has begun to come.
    pub(super) fn begin(self: &Arc<Self>, guest: &Arc<Guest>) -> Busy {
        Busy { crowd: Arc::clone(self), guest: Arc::clone(guest), request: Mutex::default() }
    }

    /// It has gone.
    pub(super) fn leave(&self, gone: &Arc<Guest>) {
        self.lock().retain(|guest| !Arc::ptr_eq(guest, gone));
    }

    /// Has room for so many bytes more; where there is none, who has neither said nor taken anything for longest has to
    /// go. False if nobody can.
    fn make_room(&self, bytes: usize, guest: &Guest) -> bool {
        let mut guests = self.lock();
        loop {
            let held: usize = guests.iter().map(|guest| guest.held()).sum();
            if held + self.carried.load(Ordering::Relaxed) + bytes <= self.most_bytes {
                return true;
            }
            let may_go = |other: &Guest| other.held() > LITTLE && !std::ptr::eq(other, guest);
            if dismiss(&mut guests, may_go).is_none() {
                return false;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Guest>>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the one to go that has done nothing for longest, of those who may, or of the strangers among them.
fn dismiss(guests: &mut Vec<Arc<Guest>>, may_go: impl Fn(&Guest) -> bool) -> Option<()> {
    let may_go = guests.iter().enumerate().filter(|(_, guest)| may_go(guest));
    let (at, _) = may_go.min_by_key(|(_, guest)| (!guest.is_stranger(), *guest.used()))?;
    guests.swap_remove(at).leave.notify_one();
    Some(())
}

impl Guest {
    fn new() -> Self {
        let (busy, held) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (is_stranger, used) = (AtomicBool::new(true), Mutex::new(Instant::now()));
        Self { is_stranger, busy, held, used, leave: Notify::new() }
    }

    /// It may ask: it is no stranger from now on.
    pub(super) fn is_known(&self) {
        self.is_stranger.store(false, Ordering::Relaxed);
    }

    fn is_stranger(&self) -> bool {
        self.is_stranger.load(Ordering::Relaxed)
    }

    /// Comes when somebody else needs its place, or what is held for it.
    pub(super) async fn is_asked_to_leave(&self) {
        self.leave.notified().await;
    }

    fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn used(&self) -> MutexGuard<'_, Instant> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Busy {
    /// So many bytes more of it have come. False if there is no room for them.
    pub(super) fn comes(&self, bytes: usize) -> bool {
        self.goes_on();
        let has_room = self.crowd.make_room(bytes, &self.guest);
        if has_room {
            self.change(|request| request.bytes += bytes);
        }
        has_room
    }

    /// It has come as a whole: until this is dropped its client has something to do here.
    pub(super) fn has_come(&self) {
        self.change(|request| request.has_come = true);
    }

    /// It is answered: nothing is left of it, and so many bytes are to be taken.
    pub(super) fn is_answered(&self, bytes: usize) {
        self.change(|request| (request.is_answered, request.bytes) = (true, 0));
        // Where nobody can go there is one answer too many, and no second one.
        self.crowd.make_room(bytes, &self.guest);
        self.change(|request| request.bytes = bytes);
        self.goes_on();
    }

    /// Its client has said or taken something.
    pub(super) fn goes_on(&self) {
        *self.guest.used() = Instant::now();
    }

    fn change(&self, change: impl FnOnce(&mut Request)) {
        let mut request = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        let before = request.counts();
        change(&mut request);
        let counters = [&self.guest.busy, &self.guest.held, &self.crowd.carried];
        for ((counter, before), now) in counters.into_iter().zip(before).zip(request.counts()) {
            // Each takes away only what it has added.
            counter.fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
        }
    }
}

impl Request {
    /// What it adds to who is busy, to what is held, and to what is carried out.
    fn counts(&self) -> [usize; 3] {
        let is_carried_out = self.has_come && !self.is_answered;
        let (held, carried) = if is_carried_out { (0, self.bytes) } else { (self.bytes, 0) };
        [usize::from(self.has_come), held, carried]
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.goes_on();
        self.change(|request| *request = Request::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it is let in still.
    fn is_in(crowd: &Crowd, guest: &Arc<Guest>) -> bool {
        crowd.lock().iter().any(|other| Arc::ptr_eq(other, guest))
    }

    #[test]
    fn who_does_nothing_for_longest_makes_room_and_who_is_busy_never_does() {
        let crowd = Crowd::of(2, MOST_BYTES);
        let (first, second) = (crowd.enter().expect("room"), crowd.enter().expect("room"));
        let busy = crowd.begin(&first);
        busy.has_come();
        let third = crowd.enter().expect("the second one goes");
        assert!(!is_in(&crowd, &second));
        let also_busy = crowd.begin(&third);
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
    fn a_stranger_makes_room_before_anybody_who_may_ask() {
        let crowd = Crowd::of(3, MOST_BYTES);
        let (known, stranger) = (crowd.enter().expect("room"), crowd.enter().expect("room"));
        let other = crowd.enter().expect("room");
        known.is_known();
        crowd.enter().expect("the older stranger goes");
        assert!(is_in(&crowd, &known) && !is_in(&crowd, &stranger) && is_in(&crowd, &other));
        crowd.enter().expect("the next one goes");
        assert!(is_in(&crowd, &known) && !is_in(&crowd, &other));
        crowd.lock().iter().for_each(|guest| guest.is_known());
        crowd.enter().expect("who has done nothing for longest goes");
        assert!(!is_in(&crowd, &known));
    }

    #[test]
    fn who_has_said_half_of_what_it_wants_makes_room() {
        let crowd = Crowd::of(1, MOST_BYTES);
        let half = crowd.begin(&crowd.enter().expect("room"));
        let whole = crowd.begin(&crowd.enter().expect("the first one goes"));
        whole.has_come();
        drop(half);
        assert!(crowd.enter().is_none());
    }

    /// As many guests, each with a request.
    fn guests<const N: usize>(crowd: &Arc<Crowd>) -> [(Arc<Guest>, Busy); N] {
        std::array::from_fn(|_| {
            let guest = crowd.enter().expect("room");
            let request = crowd.begin(&guest);
            (guest, request)
        })
    }

    #[test]
    fn who_takes_nothing_for_longest_makes_room_for_what_others_are_answered() {
        let crowd = Crowd::of(8, 10 * LITTLE);
        let [(first, one), (second, two), (third, three), (fourth, four)] = guests(&crowd);
        [&one, &two, &three].into_iter().for_each(Busy::has_come);
        one.is_answered(4 * LITTLE);
        two.is_answered(4 * LITTLE);
        one.goes_on();
        three.is_answered(2 * LITTLE);
        assert!([&first, &second, &third].into_iter().all(|guest| is_in(&crowd, guest)));
        assert!(four.comes(LITTLE));
        assert!(is_in(&crowd, &first) && !is_in(&crowd, &second));
        // What it has taken is held no more.
        drop(one);
        assert!(four.comes(7 * LITTLE));
        assert!(is_in(&crowd, &first) && is_in(&crowd, &third) && is_in(&crowd, &fourth));
        drop((two, three, four));
        assert_eq!((fourth.held(), crowd.carried.load(Ordering::Relaxed)), (0, 0));
    }

    #[test]
    fn what_is_carried_out_is_not_given_up_and_more_is_refused() {
        let crowd = Crowd::of(8, 10 * LITTLE);
        let [(first, one), (second, two), (third, three)] = guests(&crowd);
        assert!(one.comes(8 * LITTLE));
        one.has_come();
        assert!(two.comes(2 * LITTLE) && !two.comes(1));
        assert!(is_in(&crowd, &first) && is_in(&crowd, &second));
        // An answer is not: who has said half of what it wants goes for it.
        three.has_come();
        three.is_answered(LITTLE);
        assert!(is_in(&crowd, &first) && !is_in(&crowd, &second) && is_in(&crowd, &third));
        one.is_answered(LITTLE);
        assert!(crowd.begin(&crowd.enter().expect("room")).comes(8 * LITTLE));
    }
}
