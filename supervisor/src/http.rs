//! The HTTP door: the same methods as resources, on a socket of the file system, or on one that somebody hands in.
//!
//! # Terms
//!
//! - **listener**: where clients come in, with the gate that says which of them may.
//! - **route**: a verb on a resource, and the method of the protocol that it is ([`routes`]).
//! - **house**: what all connections have in common; it has so much room and no more ([`crowd`]).

mod accept;
mod answer;
mod body;
mod bound;
mod call;
mod crowd;
mod events;
#[cfg(test)]
mod fuzz;
mod gate;
mod group;
mod held;
mod impatient;
mod listeners;
mod openapi;
mod router;
mod routes;
mod token;
mod visits;

pub(crate) use openapi::document as openapi;

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, watch};

use crate::error::Error;
use crate::server::Server;
use visits::{Bell, Visit};

pub(crate) use answer::Wrong;
pub(crate) use impatient::PATIENCE;
pub(crate) use listeners::listening_family;

/// Where clients may come in.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    /// Path of a socket to make.
    pub(crate) socket: Option<PathBuf>,
    /// Those in this group may talk as well.
    pub(crate) group: Option<String>,
    pub(crate) listen: Option<SocketAddr>,
    /// Whether that may be an address that other hosts reach.
    pub(crate) anywhere: bool,
    /// Holds what clients of `listen` have to know.
    pub(crate) token: Option<PathBuf>,
    /// Sockets that listen already, with the names that they were handed in by.
    pub(crate) inherited: Vec<(OwnedFd, String)>,
    /// Whether connections are handed in one by one ([`Http::take`]).
    pub(crate) handed: bool,
}

/// The door while it is open. Dropped, it is closed, after what was asked for is answered.
pub(crate) struct Http {
    closing: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    visits: mpsc::UnboundedSender<Visit>,
    bell: Arc<Bell>,
    /// Removed at last.
    _bound: Vec<bound::Bound>,
}

impl Doors {
    /// Whether there is none.
    pub(crate) fn is_none(&self) -> bool {
        self.socket.is_none() && self.listen.is_none() && self.inherited.is_empty() && !self.handed
    }
}

/// Opens the doors to a server, on a thread of their own; none if there are none.
pub(crate) fn open(server: &Arc<Server>, doors: Doors) -> Result<Option<Http>, Error> {
    if doors.is_none() {
        return Ok(None);
    }
    let failed = |error| Error::System("starting what serves HTTP", error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (bound, listeners) = {
        let _inside = runtime.enter();
        listeners::all(doors)?
    };
    let (closing, closed) = watch::channel(false);
    let (visits, visitors) = mpsc::unbounded_channel();
    let bell = Arc::<Bell>::default();
    let entries = accept::Entries { listeners, visitors, bell: Arc::clone(&bell) };
    let server = Arc::clone(server);
    let serve = move || runtime.block_on(accept::serve(server, entries, closed));
    let thread = std::thread::Builder::new().name("http".into()).spawn(serve).map_err(failed)?;
    Ok(Some(Http { closing, thread: Some(thread), visits, bell, _bound: bound }))
}

impl Http {
    /// Serves a connection that somebody else has accepted, whose peer is of the server's own user.
    pub(crate) fn take(&self, connection: UnixStream) {
        // Fails where the end has begun: then it is closed.
        let _ = self.visits.send(Visit::Connection(connection));
    }

    /// Asks, as a client would, whether all is well; the answer of an earlier time counts no more.
    pub(crate) fn knock(&self) {
        self.bell.knock();
        let _ = self.visits.send(Visit::Knock);
    }

    /// Whether there was an answer since.
    pub(crate) fn has_answered(&self) -> bool {
        self.bell.has_answered()
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.closing.send_replace(true);
        // A thread that panicked has told so.
        self.thread.take().map(JoinHandle::join);
    }
}
