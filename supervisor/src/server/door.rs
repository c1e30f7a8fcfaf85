//! How a door of this process that does not speak JSON-RPC asks the handlers, by the same methods, parameters and
//! results.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::oneshot;

use super::dispatch::{Back, Call, dispatch};
use super::follower::Follower;
use super::metrics::Observed;
use super::reply::{Cancellation, Reply};
use super::store::Store;
use super::{Caller, Server};
use crate::protocol::Fault;

/// What is answered: the text of a JSON value, or what is wrong.
pub(crate) type Said = Result<Vec<u8>, Fault>;

/// A client of another door, and what it started.
pub(crate) struct Door {
    server: Arc<Server>,
    caller: Caller,
}

impl Door {
    /// Lets a client in; who it is has been found out.
    pub(crate) fn open(server: &Arc<Server>) -> Self {
        server.connections.fetch_add(1, Ordering::Relaxed);
        let caller = Caller { connection: server.number(), outbox: None, follower: None };
        Self { server: Arc::clone(server), caller }
    }

    /// Whether the server holds this session now.
    pub(crate) fn holds(&self, session: &str) -> bool {
        self.server.find(session).is_some()
    }

    /// Asks for what a method of the protocol does. Whoever drops this before the answer is there has cancelled it.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Said {
        self.ask_as(&self.caller, method, params).await
    }

    /// The same of `exec/start`; what the command says is heard by the follower.
    pub(crate) async fn start(&self, params: Value, follower: &Arc<Follower>) -> Said {
        let caller = Caller { follower: Some(Arc::clone(follower)), ..self.caller.clone() };
        self.ask_as(&caller, "exec/start", params).await
    }

    async fn ask_as(&self, caller: &Caller, method: &str, params: Value) -> Said {
        let (to, answer) = oneshot::channel();
        let cancellation = Arc::<Cancellation>::default();
        let mut unanswered = Unanswered(Some(Arc::clone(&cancellation)));
        let (back, observed) = (Back::Door(to), Observed::begin(&self.server, method));
        let call = Call { server: &self.server, caller, cancellation, back, observed };
        dispatch(call, method, params);
        let said = answer.await;
        unanswered.0 = None;
        // A reply that is dropped has been sent.
        said.unwrap_or_else(|_| Err(Fault::ending()))
    }
}

impl Door {
    /// What is counted, as text for Prometheus.
    pub(crate) fn metrics(&self) -> String {
        self.server.metrics()
    }

    /// Where an exec says everything.
    pub(crate) async fn store(&self, session: &str, exec: &str) -> Result<Arc<Store>, Fault> {
        let handle = self.server.held(session)?;
        let (to, store) = oneshot::channel();
        let exec = exec.to_owned();
        // A session that ends meanwhile drops it.
        handle.order(move |conductor| drop(to.send(conductor.store_of(&exec))));
        store.await.map_err(|_| Fault::session_ended())?
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.server.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request that is cancelled with this.
struct Unanswered(Option<Arc<Cancellation>>);

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.iter().for_each(|cancellation| cancellation.cancel());
    }
}

/// The way back through a door.
pub(super) fn reply<T: Serialize>(to: oneshot::Sender<Said>, cancellation: Arc<Cancellation>) -> Reply<T> {
    Reply::new(cancellation, move |said: Result<T, Fault>, _| {
        // Plain data: there is nothing in it that cannot be written. Nobody hears who has cancelled.
        let _ = to.send(said.map(|result| serde_json::to_vec(&result).unwrap_or_default()));
    })
}
