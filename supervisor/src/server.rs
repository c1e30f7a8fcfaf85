//! A process that holds sessions for others, and answers what they ask for.
//!
//! # Terms
//!
//! - **connection**: a client, on standard streams or on the server's socket; one thread reads, one writes.
//! - **conductor**: the thread of a session, which alone works with its sandbox ([`conductor`]).
//! - **store**: what an exec has said, kept for whoever reads slowly or later ([`store`]).
//! - **handler**: does what a method says. It knows nothing of JSON-RPC: it takes typed parameters and a
//!   [`reply::Reply`], so that other doors lead to the same.
//! - **door**: how HTTP and MCP ask the handlers ([`door`]).
//! - **pool**: sessions that are made before they are asked for ([`pool`]).
//! - **front**: of a service of several users, what hands each to a server of their own ([`front`]).

mod begun;
mod conductor;
mod connection;
mod descriptors;
mod dispatch;
mod done;
mod door;
mod event;
mod follower;
mod following;
mod front;
mod handle;
mod handlers;
mod lines;
mod logging;
mod metrics;
mod outbox;
mod pool;
mod reply;
mod rest;
mod seats;
mod service;
mod socket;
mod stdio;
mod store;
mod workers;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clearing_rootfs::Store;

use crate::audit::Audit;
use crate::error::Error;
use crate::protocol::Fault;
use conductor::Leaving;
use handle::Handle;
use metrics::Metrics;
use pool::Pool;
use seats::Seats;
use store::Room;
use workers::Workers;

pub(crate) use begun::{Begun, Woken};
pub(crate) use conductor::{Called, Conductor};
pub(crate) use connection::{LONGEST_LINE, MOST_IN_FLIGHT};
pub(crate) use descriptors::{Taker, promise as promise_descriptors};
pub(crate) use done::{Done, LAST_WORDS};
pub(crate) use door::{Door, Said};
pub(crate) use follower::Follower;
pub(crate) use following::{Batch, Following};
pub(crate) use front::serve as serve_each_user;
pub(crate) use lines::{Line, Lines};
pub(crate) use outbox::Outbox;
pub(crate) use reply::Reply;
pub(crate) use service::{Service, take_front};
pub(crate) use stdio::{serve as serve_stdio, spawn, streams};
pub(crate) use store::{Cursor, Next, Store as Events};

/// So many sessions are held at most, unless somebody says otherwise.
pub(crate) const MAX_SESSIONS: usize = 1024;
/// With so many bytes of output on disk no exec is begun, unless somebody says otherwise.
pub(crate) const MAX_SPOOL: u64 = 16 << 30;

/// How a server is to be.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// What becomes of commands whose client is no more.
    pub(crate) on_eof: OnEof,
    /// After so long without use a session is given up, unless it says otherwise.
    pub(crate) idle: Option<Duration>,
    /// After so long it is given up in any case.
    pub(crate) lifetime: Option<Duration>,
    /// So many sessions are made before they are asked for.
    pub(crate) pool: usize,
    /// So many are held at most.
    pub(crate) max_sessions: usize,
    /// With so many bytes of output on disk no exec is begun.
    pub(crate) max_spool: u64,
}

/// What becomes of commands whose client is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum OnEof {
    /// They come to their end.
    Finish,
    /// They are ended.
    Kill,
}

/// The server.
pub(crate) struct Server {
    pub(crate) options: Options,
    pub(crate) started: Instant,
    /// The state directory.
    pub(crate) state: Arc<Path>,
    pub(crate) room: Arc<Room>,
    registry: Mutex<Registry>,
    /// A session has been given up.
    left: Condvar,
    connections: AtomicUsize,
    numbers: AtomicU64,
    is_ending: AtomicBool,
    pub(crate) workers: Workers,
    metrics: Metrics,
    pub(crate) pool: Pool,
    seats: Arc<Seats>,
}

#[derive(Default)]
struct Registry {
    /// By their ids.
    held: HashMap<String, Arc<Handle>>,
    /// On their way here or away from here: those that have a conductor's thread.
    threads: usize,
}

/// Who asks.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) connection: u64,
    /// Where it hears what nobody asked for; nowhere unless it speaks JSON-RPC.
    pub(crate) outbox: Option<Arc<Outbox>>,
    /// Who hears of what one call starts.
    pub(crate) follower: Option<Arc<Follower>>,
}

impl Server {
    pub(crate) fn new(options: Options) -> Result<Arc<Self>, Error> {
        let state = Store::default_path(&|name| std::env::var_os(name))?;
        let store = Store::open(&state)?;
        let state = Arc::from(store.path());
        let (room, seats) = (Room::new(&state, options.max_spool), Seats::new(options.max_sessions));
        let pool = Pool::new(options.pool, Audit::at(store.path()));
        Ok(Arc::new(Self {
            options,
            started: Instant::now(),
            state,
            room,
            seats,
            registry: Mutex::default(),
            left: Condvar::new(),
            connections: AtomicUsize::new(0),
            numbers: AtomicU64::new(1),
            is_ending: AtomicBool::new(false),
            workers: Workers::default(),
            metrics: Metrics::default(),
            pool,
        }))
    }

    /// A session that is held, by id or name.
    pub(crate) fn held(&self, name: &str) -> Result<Arc<Handle>, Fault> {
        self.find(name).ok_or_else(|| {
            let fault = Fault::refused("CLR-SESSION-NOT-HELD", format!("no session `{name}` is held here"));
            fault.with_hint("`session/create` with \"session\" takes one that is on disk")
        })
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Handle>> {
        let registry = self.registry();
        let by_name = || registry.held.values().find(|handle| handle.name.as_deref() == Some(name));
        registry.held.get(name).or_else(by_name).map(Arc::clone)
    }

    /// All sessions that are held.
    pub(crate) fn all(&self) -> Vec<Arc<Handle>> {
        self.registry().held.values().map(Arc::clone).collect()
    }

    /// Has each session's profile read again.
    fn reload(&self) {
        log("profiles are read again");
        self.all().iter().for_each(|handle| handle.order(Conductor::reload));
    }

    /// A number that no connection has had.
    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Relaxed)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Has one session more on a thread of its own, unless the server is about to end.
    fn begin_session(
        self: &Arc<Self>,
        session: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) -> Result<(), Fault> {
        let mut registry = self.registry();
        if self.is_ending() {
            return Err(Fault::ending());
        }
        registry.threads += 1;
        drop(registry);
        let server = Arc::clone(self);
        let body = move || {
            session(&server);
            server.one_has_left();
        };
        let begun = std::thread::Builder::new().name("session".into()).spawn(body);
        begun.map(drop).map_err(|error| {
            self.one_has_left();
            Error::System("starting a thread", error).into()
        })
    }

    /// Whoever waits for the last one hears of it.
    fn one_has_left(&self) {
        self.registry().threads -= 1;
        self.left.notify_all();
    }

    /// It can be found from now on.
    fn hold(&self, handle: &Arc<Handle>) {
        self.registry().held.insert(handle.id.clone(), Arc::clone(handle));
    }

    /// It cannot be found any more.
    fn forget(&self, handle: &Handle) {
        self.registry().held.remove(&handle.id);
    }

    /// Gives up all sessions, and waits for that; false if it took longer than `patience`.
    fn give_up(&self, leaving: Leaving, patience: Option<Duration>) -> bool {
        self.is_ending.store(true, Ordering::Relaxed);
        self.pool.end();
        for handle in self.all() {
            handle.order(move |conductor| conductor.give_up(leaving, drop));
        }
        let until = patience.map(|patience| Instant::now() + patience);
        let mut registry = self.registry();
        while registry.threads > 0 {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return false;
            }
            let left = left.unwrap_or(Duration::from_secs(3600));
            registry = self.left.wait_timeout(registry, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what takes a deep stack, which the thread that goes on would keep for as long as it lives.
fn aside<T: Send, E: From<Error> + Send>(act: impl FnOnce() -> Result<T, E> + Send) -> Result<T, E> {
    std::thread::scope(|scope| {
        let opening = std::thread::Builder::new().name("opening".into()).spawn_scoped(scope, act);
        let opening = opening.map_err(|error| Error::System("starting a thread", error))?;
        opening.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Tells whoever reads the log, in one line: a client chooses some of its words.
pub(crate) fn log(text: &str) {
    tracing::info!("{text}");
}
