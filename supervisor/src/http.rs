//! The HTTP door: the same methods as resources, on a socket of the file system, or on one that somebody hands in.
//!
//! # Terms
//!
//! - **listener**: where clients come in, with the gate that says which of them may.
//! - **route**: a verb on a resource, and the method of the protocol that it is ([`routes`]).
//! - **house**: what all connections have in common; it has so much room and no more ([`crowd`]).

mod accept;
mod answer;
mod bound;
mod call;
mod crowd;
mod gate;
mod group;
mod held;
mod listeners;
mod router;
mod routes;
mod token;

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::watch;

use crate::error::Error;
use crate::server::Server;

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
}

/// The door while it is open. Dropped, it is closed, after what was asked for is answered.
pub(crate) struct Http {
    closing: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    /// Removed at last.
    _bound: Vec<bound::Bound>,
}

impl Doors {
    /// Whether there is none.
    pub(crate) fn is_none(&self) -> bool {
        self.socket.is_none() && self.listen.is_none() && self.inherited.is_empty()
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
    let server = Arc::clone(server);
    let serve = move || runtime.block_on(accept::serve(server, listeners, closed));
    let thread = std::thread::Builder::new().name("http".into()).spawn(serve).map_err(failed)?;
    Ok(Some(Http { closing, thread: Some(thread), _bound: bound }))
}

impl Drop for Http {
    fn drop(&mut self) {
        self.closing.send_replace(true);
        // A thread that panicked has told so.
        self.thread.take().map(JoinHandle::join);
    }
}
