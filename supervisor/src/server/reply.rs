//! The way back of an answer: sent later, from any thread, once.

use std::sync::{Arc, Mutex, PoisonError};

use super::metrics::Observed;
use super::outbox::Weight;
use super::store::Store;
use crate::protocol::Fault;

type Send<T> = Box<dyn FnOnce(Result<T, Fault>, Option<&Arc<Store>>) + std::marker::Send>;

/// Where an answer goes. Dropped unsent, the request is answered all the same: the session is no more.
pub(crate) struct Reply<T> {
    send: Option<Send<T>>,
    observed: Option<Observed>,
    /// Of the request, where somebody asks who may ask for too much.
    weight: Option<Weight>,
    cancellation: Arc<Cancellation>,
}

/// A reply that whoever cancels the request takes away: he has his answer at once, and what comes later is dropped.
/// Dropped unsent, it is answered as any other.
pub(crate) struct Cancellable<T>(Arc<Mutex<Option<Reply<T>>>>);

/// Whether whoever asked does not want it any more.
#[derive(Default)]
pub(crate) struct Cancellation(Mutex<Cancelled>);

#[derive(Default)]
struct Cancelled {
    is_cancelled: bool,
    act: Option<Box<dyn FnOnce() + std::marker::Send>>,
}

impl<T> Reply<T> {
    pub(crate) fn new(
        cancellation: Arc<Cancellation>,
        send: impl FnOnce(Result<T, Fault>, Option<&Arc<Store>>) + std::marker::Send + 'static,
    ) -> Self {
        Self { send: Some(Box::new(send)), observed: None, weight: None, cancellation }
    }

    /// Has it counted how it went.
    pub(super) fn observed(mut self, observed: Observed) -> Self {
        self.observed = Some(observed);
        self
    }

    /// Has the request weigh so much until it is answered.
    pub(super) fn weighing(mut self, weight: Weight) -> Self {
        self.weight = Some(weight);
        self
    }

    /// What was asked for is kept no longer, though the answer may be long in coming.
    pub(super) fn lighten(&mut self) {
        self.weight.iter_mut().for_each(Weight::lighten);
    }

    /// The same, but for so many bytes that wait for a command; false where that is too much.
    pub(super) fn become_input(&mut self, bytes: usize) -> bool {
        self.weight.as_mut().is_none_or(|weight| weight.become_input(bytes))
    }

    /// For whoever keeps what was asked for even if the answer is sent before.
    pub(super) fn take_weight(&mut self) -> Option<Weight> {
        self.weight.take()
    }

    /// Answers.
    pub(crate) fn send(mut self, said: Result<T, Fault>) {
        self.deliver(said, None);
    }

    /// Answers once everything that the store has now was told to whoever hears of it.
    pub(crate) fn send_after(mut self, store: &Arc<Store>, said: Result<T, Fault>) {
        self.deliver(said, Some(store));
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancellation.lock().is_cancelled
    }

    /// Does it, unless the request was cancelled by now: then that is the answer.
    pub(super) fn if_wanted(self, act: impl FnOnce(Self)) {
        match self.is_cancelled() {
            true => self.send(Err(Fault::cancelled())),
            false => act(self),
        }
    }

    /// Does this when it is cancelled; at once if it was. The answer is still to be sent.
    pub(crate) fn when_cancelled(&self, act: impl FnOnce() + std::marker::Send + 'static) {
        self.cancellation.when_cancelled(act);
    }

    fn deliver(&mut self, said: Result<T, Fault>, after: Option<&Arc<Store>>) {
        if let Some(send) = self.send.take() {
            self.observed.take().into_iter().for_each(|observed| observed.end(said.as_ref().err()));
            send(said, after);
        }
    }
}

impl<T: 'static> Reply<T> {
    /// Has a cancelled request answered at once. For work that changes nothing: it may go on for a while.
    pub(crate) fn cancellable(self) -> Cancellable<T> {
        let cancellation = Arc::clone(&self.cancellation);
        let kept = Arc::new(Mutex::new(Some(self)));
        let theirs = Arc::clone(&kept);
        cancellation.when_cancelled(move || {
            take(&theirs).into_iter().for_each(|reply| reply.send(Err(Fault::cancelled())));
        });
        Cancellable(kept)
    }
}

impl<T> Cancellable<T> {
    /// Whether somebody waits for the answer.
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Answers, unless it was cancelled.
    pub(crate) fn send(self, said: Result<T, Fault>) {
        if let Some(reply) = take(&self.0) {
            reply.send(said);
        }
    }
}

impl<T> Drop for Cancellable<T> {
    fn drop(&mut self) {
        // The other half of it is kept for as long as the request can be cancelled.
        drop(take(&self.0));
    }
}

fn take<T>(reply: &Mutex<Option<Reply<T>>>) -> Option<Reply<T>> {
    reply.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        self.deliver(Err(Fault::session_ended()), None);
    }
}

impl Cancellation {
    fn when_cancelled(&self, act: impl FnOnce() + std::marker::Send + 'static) {
        let mut state = self.lock();
        if state.is_cancelled {
            drop(state);
            act();
        } else {
            state.act = Some(Box::new(act));
        }
    }

    /// Tells whoever works on it.
    pub(crate) fn cancel(&self) {
        let mut state = self.lock();
        state.is_cancelled = true;
        let act = state.act.take();
        drop(state);
        act.into_iter().for_each(|act| act());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Cancelled> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_reply_that_nobody_sends_is_an_answer() {
        let (to, from) = channel();
        drop(Reply::<()>::new(Arc::default(), move |said, _| to.send(said).expect("a hearer")));
        assert_eq!(from.recv().expect("an answer").expect_err("a fault").data.code, "CLR-SESSION-ENDED");
    }

    #[test]
    fn what_can_be_cancelled_is_answered_at_once_and_once() {
        let (to, from) = channel();
        let reply = |cancellation: &Arc<Cancellation>| {
            let to = to.clone();
            Reply::new(Arc::clone(cancellation), move |said, _| to.send(said).expect("a hearer"))
                .cancellable()
        };
        let cancellation = Arc::<Cancellation>::default();
        let cancelled = reply(&cancellation);
        assert!(cancelled.is_wanted());
        cancellation.cancel();
        assert!(!cancelled.is_wanted());
        cancelled.send(Ok(1));
        let answered = Arc::<Cancellation>::default();
        reply(&answered).send(Ok(2));
        answered.cancel();
        let forgotten = Arc::<Cancellation>::default();
        drop(reply(&forgotten));
        let said: Vec<_> = from.try_iter().map(|said| said.map_err(|fault| fault.data.code)).collect();
        assert_eq!(said, [Err("CLR-CANCELLED"), Ok(2), Err("CLR-SESSION-ENDED")]);
    }

    #[test]
    fn who_works_on_a_cancelled_request_hears_of_it_once_before_or_after() {
        let cancellation = Arc::new(Cancellation::default());
        let reply = Reply::<()>::new(Arc::clone(&cancellation), |_, _| {});
        let (to, from) = channel();
        let early = to.clone();
        reply.when_cancelled(move || early.send(1).expect("a hearer"));
        cancellation.cancel();
        cancellation.cancel();
        reply.when_cancelled(move || to.send(2).expect("a hearer"));
        assert_eq!(from.iter().take(2).collect::<Vec<_>>(), [1, 2]);
        assert!(reply.is_cancelled() && from.try_recv().is_err());
    }
}
