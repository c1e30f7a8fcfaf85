//! Sessions that are made before they are asked for: parked for what was asked for before, each on the thread
//! that will conduct it.
//!
//! ```text
//!   session/create ──▶ one that is parked ──given──▶ answered ──▶ conducted, on its own thread
//!         │  ▲ none, or the world has changed           │
//!         ▼  └── made anew ──▶ conducted                ▼
//!      remembered ──▶ the filler, when nobody asks for anything ──▶ parked
//! ```

mod state;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::conductor::Conductor;
use super::descriptors::{Promised, Taker, promise};
use super::seats::Seat;
use super::{Caller, Reply, Server};
use crate::audit::Audit;
use crate::live::{NotGiven, Parked, Parking, Remains};
use crate::protocol::{Created, Fault, SessionCreate};
use state::State;

/// So long nobody has to ask for anything before one is made.
const QUIET: Duration = Duration::from_millis(20);

/// After so long nothing that made it is too young to be told from what comes later: a little longer than clocks of file
/// systems need, and whoever asks next may ask soon.
const AGE: Duration = Duration::from_millis(60);

/// What is parked, and for whom more is to be.
pub(crate) struct Pool {
    most: usize,
    audit: Audit,
    state: Mutex<State>,
    /// There is something to be filled, or the end.
    changed: Condvar,
    /// When somebody asked for something, in milliseconds since `began`.
    asked: AtomicU64,
    began: Instant,
}

/// Where one is parked; dropped, it ends.
struct Place {
    parking: Parking,
    /// Its thread has it in hand for a moment.
    parked: Slot,
    thread: Sender<Given>,
}

type Slot = Arc<Mutex<Option<Box<Parked>>>>;

/// One that was taken out of the pool.
pub(super) struct Taken {
    parked: Slot,
    thread: Sender<Given>,
}

/// What the thread of one is told.
enum Given {
    /// Somebody asks for it.
    Asked(Box<Asked>),
    /// Whoever asked was answered.
    Answered(Then),
}

/// What is left to be done then.
enum Then {
    /// It was given.
    Conduct(Box<Conductor>, Remains),
    /// It could not be.
    End(Box<Parked>),
}

/// A request for a session, which has a place for it.
pub(super) struct Asked {
    pub(super) params: SessionCreate,
    pub(super) caller: Caller,
    pub(super) seat: Seat,
    /// Of one that is made anew.
    pub(super) promised: Option<Promised>,
    pub(super) reply: Reply<Created>,
}

impl Pool {
    pub(super) fn new(most: usize, audit: Audit) -> Self {
        let (state, changed, asked) = (Mutex::default(), Condvar::new(), AtomicU64::new(0));
        Self { most, audit, state, changed, asked, began: Instant::now() }
    }

    /// How many are parked.
    pub(crate) fn parked(&self) -> usize {
        self.lock().parked.len()
    }

    /// Somebody asks for something: whatever can wait waits.
    pub(super) fn put_off(&self) {
        if self.most > 0 {
            let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.asked.store(now, Ordering::Relaxed);
        }
    }

    /// Takes one that is parked for such a request, where there is one. That others may be parked is told to the filler
    /// after the answer: [`Pool::stir`].
    pub(super) fn take(&self, params: &SessionCreate) -> Option<Taken> {
        let parking = parking(params).filter(|_| self.most > 0)?;
        let mut state = self.lock();
        let at = state.parked.iter().position(|place| place.parking == parking)?;
        let Place { parked, thread, .. } = state.parked.remove(at);
        state.remember(parking, self.most);
        Some(Taken { parked, thread })
    }

    /// What was parked was given, or ended: others may be parked.
    pub(super) fn stir(&self) {
        self.changed.notify_all();
    }

    /// A session was made anew that the next one may be like.
    pub(super) fn remember(&self, params: &SessionCreate) {
        if let Some(parking) = parking(params).filter(|_| self.most > 0) {
            self.lock().remember(parking, self.most);
            self.changed.notify_all();
        }
    }

    /// Ends all that are parked, and parks no more.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        (state.is_over, state.parked) = (true, Vec::new());
        self.changed.notify_all();
    }

    /// From now on it can be given; not where it came too late.
    fn park(&self, parking: Parking, parked: &Slot) -> Receiver<Given> {
        let (thread, given) = channel();
        let mut state = self.lock();
        if !state.is_over {
            state.parked.push(Place { parking, parked: Arc::clone(parked), thread });
        }
        given
    }

    /// None can be had of these.
    fn give_up(&self, parking: &Parking) {
        self.lock().wanted.retain(|wanted| wanted != parking);
    }

    /// Waits until one is to be made, and nobody asks for anything; nothing at the end.
    fn next(&self) -> Option<Parking> {
        let mut state = self.lock();
        loop {
            if state.is_over {
                return None;
            }
            state.end_superfluous(self.most);
            let Some(missing) = state.missing(self.most) else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let asked = Duration::from_millis(self.asked.load(Ordering::Relaxed));
            let left = (asked + QUIET).saturating_sub(self.began.elapsed());
            if left.is_zero() {
                return Some(missing);
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request for a new session is alike in with others.
fn parking(params: &SessionCreate) -> Option<Parking> {
    let directory = params.workspace.as_deref().filter(|_| params.session.is_none())?;
    let profile = params.profile.as_deref().unwrap_or(crate::permission::DEFAULT_PROFILE);
    Some(Parking { directory: directory.into(), profile: profile.to_owned() })
}

impl Server {
    /// Parks sessions until the end, one after the other.
    pub(super) fn fill_pool(self: &Arc<Self>) {
        // What a killed server had parked.
        let _ = crate::session::sessions().map(|sessions| sessions.collect());
        while let Some(parking) = self.pool.next() {
            let (done, made) = channel::<()>();
            let wanted = parking.clone();
            if self.begin_session(move |server| server.park(parking, done)).is_err() {
                // For one more thread there is room later.
                self.pool.give_up(&wanted);
                continue;
            }
            // Nothing is sent: it is done, one way or the other.
            let _ = made.recv();
            if self.pool.lock().missing(self.pool.most).is_none() {
                super::rest::give_back();
            }
        }
    }

    /// On the session's own thread: makes one, and waits until it is given or the end.
    fn park(self: &Arc<Self>, parking: Parking, done: Sender<()>) {
        let audit = self.pool.audit.clone();
        let wanted = parking.clone();
        let made = promise(Taker::Session)
            .and_then(|_promised| super::aside(|| Parked::make(wanted, &audit).map_err(Fault::from)));
        let parked = match made {
            Ok(parked) => parked,
            Err(fault) => {
                self.pool.give_up(&parking);
                return super::log(&format!(
                    "no session is parked for `{}`: {}",
                    parking.directory.display(),
                    fault.message
                ));
            }
        };
        let slot: Slot = Arc::new(Mutex::new(Some(Box::new(parked))));
        let given = self.pool.park(parking, &slot);
        drop(done);
        let given = given.recv_timeout(AGE).or_else(|end| match end {
            RecvTimeoutError::Timeout => {
                lock(&slot).iter_mut().for_each(|parked| parked.look_ahead());
                given.recv().map_err(|_| RecvTimeoutError::Disconnected)
            }
            RecvTimeoutError::Disconnected => Err(end),
        });
        // Here and not below: the lock is not to be held for as long as the session lives.
        let parked = lock(&slot).take();
        match (given, parked) {
            (Ok(Given::Answered(then)), _) => then.carry_out(),
            (Ok(Given::Asked(asked)), Some(parked)) => self.give_on_its_own(parked, *asked),
            (Err(_), Some(parked)) => parked.end(),
            // Who took it has told what is to be done with it, or has nothing to tell.
            (_, None) => {}
        }
    }

    /// Gives one to whoever asks, on the asking thread: to wake its own takes as long as all else that there is to do.
    /// Back, where it cannot be given. A door has one thread for all who come by it: there its own does it, as where that
    /// has it in hand.
    pub(super) fn give(self: &Arc<Self>, taken: Taken, asked: Asked) -> Option<Asked> {
        let Taken { parked, thread } = taken;
        // It waits for what it is told.
        let tell = |given| drop(thread.send(given));
        // Names are given out one at a time, by all who are on this machine.
        let may_here = asked.caller.outbox.is_some() && asked.params.name.is_none();
        let at_hand =
            if may_here { parked.try_lock().ok().and_then(|mut parked| parked.take()) } else { None };
        let Some(parked) = at_hand else {
            tell(Given::Asked(Box::new(asked)));
            return None;
        };
        let (then, back) = self.give_here(parked, asked);
        then.into_iter().map(Given::Answered).for_each(tell);
        // Whoever was answered comes first.
        self.pool.stir();
        back
    }

    /// Answers whoever asks, unless a new one would be another one by now: then the request comes back. Tells what is
    /// to be done next.
    fn give_here(self: &Arc<Self>, parked: Box<Parked>, asked: Asked) -> (Option<Then>, Option<Asked>) {
        match parked.give(asked.params.name.as_deref()) {
            Ok((live, remains)) => {
                let conductor = self.conductor_for(live, asked).map(Box::new);
                (conductor.map(|conductor| Then::Conduct(conductor, remains)), None)
            }
            Err(NotGiven::Failed(parked, error)) => {
                asked.reply.send(Err(error.into()));
                (Some(Then::End(parked)), None)
            }
            Err(NotGiven::Stale(parked)) => (Some(Then::End(parked)), Some(asked)),
        }
    }

    fn give_on_its_own(self: &Arc<Self>, parked: Box<Parked>, asked: Asked) {
        let (then, back) = self.give_here(parked, asked);
        self.pool.stir();
        let carry_out = move |_: &Arc<Self>| then.into_iter().for_each(Then::carry_out);
        match back {
            None => carry_out(self),
            Some(asked) => {
                // Nobody waits for its end, except the server's own.
                let _ = self.begin_session(carry_out);
                match promise(Taker::Session) {
                    Ok(promised) => self.begin(Asked { promised: Some(promised), ..asked }),
                    Err(fault) => asked.reply.send(Err(fault)),
                }
            }
        }
    }
}

impl Then {
    fn carry_out(self) {
        match self {
            Self::Conduct(conductor, remains) => {
                drop(remains);
                conductor.conduct();
            }
            Self::End(parked) => parked.end(),
        }
    }
}

fn lock(slot: &Slot) -> MutexGuard<'_, Option<Box<Parked>>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
