//! A client: its requests are read here, and each is answered once.

use std::collections::HashMap;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::dispatch::{Back, Call, dispatch};
use super::lines::{Line, Lines};
use super::metrics::Observed;
use super::outbox::{Outbox, Weight};
use super::reply::{Cancellation, Reply};
use super::{Caller, OnEof, Server};
use crate::protocol::{self, Answer, Cancel, Fault, Frame, Initialize, Initialized, RequestId};

/// The longest line that is taken.
pub(crate) const LONGEST_LINE: usize = 16 << 20;
/// How many requests may be unanswered at a time.
pub(crate) const MOST_IN_FLIGHT: usize = 1024;

/// A client.
pub(crate) struct Connection {
    pub(super) server: Arc<Server>,
    pub(super) outbox: Arc<Outbox>,
    caller: Caller,
    is_initialized: AtomicBool,
    on_eof: Mutex<OnEof>,
    in_flight: Mutex<HashMap<RequestId, Arc<Cancellation>>>,
    /// A request was answered.
    answered: Condvar,
}

impl Connection {
    /// Begins to talk to a client, who hears of it there; who it is has been found out.
    pub(super) fn new(server: &Arc<Server>, outbox: Arc<Outbox>) -> Arc<Self> {
        server.connections.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self {
            server: Arc::clone(server),
            caller: Caller { connection: server.number(), outbox: Some(Arc::clone(&outbox)), follower: None },
            outbox,
            is_initialized: AtomicBool::new(false),
            on_eof: Mutex::new(server.options.on_eof),
            in_flight: Mutex::default(),
            answered: Condvar::new(),
        })
    }

    /// Tells the client what there is to tell, until there is nothing more or it is gone.
    pub(super) fn write(&self) {
        self.outbox.write_all();
    }

    /// Takes requests until their end.
    pub(super) fn read(self: &Arc<Self>, from: impl Read) {
        let mut lines = Lines::new(from, LONGEST_LINE);
        loop {
            self.outbox.await_room();
            match lines.next() {
                Ok(Some(Line::Whole(line))) if line.trim_ascii().is_empty() => {}
                Ok(Some(Line::Whole(line))) => match Frame::read(&line) {
                    Ok(frame) => self.take(frame, line.len()),
                    Err(no) => self.refuse(no.id.as_ref(), &no.fault),
                },
                Ok(Some(Line::TooLong)) => self.refuse(None, &Fault::too_long(LONGEST_LINE)),
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// The client asks for nothing more: does with what it has asked for what it, or the server, wants.
    pub(super) fn end(&self) {
        let on_eof = *self.on_eof.lock().unwrap_or_else(PoisonError::into_inner);
        if on_eof == OnEof::Kill || self.outbox.is_gone() {
            self.cancel_all();
        }
        let mut in_flight = self.in_flight();
        while !in_flight.is_empty() && !self.outbox.is_gone() {
            in_flight = self.answered.wait(in_flight).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The client is no more.
    pub(super) fn close(&self) {
        self.outbox.give_up();
        self.server.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Nobody wants any more what it asked for.
    pub(super) fn cancel_all(&self) {
        for handle in self.server.all() {
            let connection = self.caller.connection;
            handle.order(move |conductor| conductor.cancel_all_of(Some(connection)));
        }
        let all: Vec<_> = self.in_flight().values().map(Arc::clone).collect();
        all.iter().for_each(|cancellation| cancellation.cancel());
        self.answered.notify_all();
    }

    fn take(self: &Arc<Self>, frame: Frame, length: usize) {
        let Frame { id, method, params } = frame;
        let Some(id) = id else { return self.notice(&method, params) };
        let cancellation = match self.begin(&id) {
            Ok(cancellation) => cancellation,
            Err(fault) => return self.refuse(Some(&id), &fault),
        };
        if method == "initialize" {
            let said = protocol::read(params).and_then(|params| self.initialize(&params));
            return self.reply(id, cancellation).send(said);
        }
        if !self.is_initialized.load(Ordering::Relaxed) {
            return self.reply::<()>(id, cancellation).send(Err(Fault::before_initialize()));
        }
        let weight = Weight::new(&self.outbox, length + longest_answer(&method, &params), 2 * id.length());
        let back = Back::Line(Arc::clone(self), id, weight);
        let observed = Observed::begin(&self.server, &method);
        let call = Call { server: &self.server, caller: &self.caller, cancellation, back, observed };
        dispatch(call, &method, params);
    }

    /// A notification has no answer, whatever is wrong with it.
    fn notice(&self, method: &str, params: serde_json::Value) {
        match method {
            "$/cancelRequest" => match protocol::read::<Cancel>(params) {
                Ok(Cancel { id }) => {
                    let cancellation = self.in_flight().get(&id).map(Arc::clone);
                    cancellation.iter().for_each(|cancellation| cancellation.cancel());
                }
                Err(fault) => super::log(&format!("$/cancelRequest: {}", fault.message)),
            },
            _ => super::log(&format!("a client said `{method}`, which is no notification that is known")),
        }
    }

    fn initialize(&self, params: &Initialize) -> Result<Initialized, Fault> {
        let said = super::handlers::initialize(params)?;
        if self.is_initialized.swap(true, Ordering::Relaxed) {
            return Err(Fault::invalid("the connection is initialized already"));
        }
        if let Some(on_eof) = params.on_eof {
            *self.on_eof.lock().unwrap_or_else(PoisonError::into_inner) = on_eof;
        }
        if let Some(client) = &params.client {
            super::log(&format!("connection {} is `{}`", self.caller.connection, client.text()));
        }
        Ok(said)
    }

    fn begin(&self, id: &RequestId) -> Result<Arc<Cancellation>, Fault> {
        let mut in_flight = self.in_flight();
        if in_flight.contains_key(id) {
            return Err(Fault::duplicate());
        }
        if in_flight.len() >= MOST_IN_FLIGHT {
            return Err(Fault::too_many(MOST_IN_FLIGHT));
        }
        let cancellation = Arc::new(Cancellation::default());
        in_flight.insert(id.clone(), Arc::clone(&cancellation));
        Ok(cancellation)
    }

    /// The way back of the answer to a request that was begun.
    pub(super) fn reply<T: Serialize>(
        self: &Arc<Self>,
        id: RequestId,
        cancellation: Arc<Cancellation>,
    ) -> Reply<T> {
        let connection = Arc::clone(self);
        Reply::new(cancellation, move |said: Result<T, Fault>, after| {
            let line = Answer::line(Some(&id), said.as_ref());
            let mut in_flight = connection.in_flight();
            // Before the client can have the answer, after which it may use the id again.
            in_flight.remove(&id);
            match after {
                Some(store) => connection.outbox.answer_after(store, line),
                None => connection.outbox.answer(line),
            }
            drop(in_flight);
            connection.answered.notify_all();
        })
    }

    fn refuse(&self, id: Option<&RequestId>, fault: &Fault) {
        self.outbox.answer(Answer::<()>::line(id, Err(fault)));
    }

    fn in_flight(&self) -> MutexGuard<'_, HashMap<RequestId, Arc<Cancellation>>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long an answer may be that is made at once, whoever reads it; the others are short, or are made to fit.
fn longest_answer(method: &str, params: &serde_json::Value) -> usize {
    const LONG: usize = 1 << 20;
    const LONGEST: usize = 8 << 20;
    let wanted = || params.get("maxBytes").and_then(serde_json::Value::as_u64);
    match method {
        "fs/read" => wanted().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(LONG).min(LONGEST),
        "changes/diff" => LONGEST,
        "fs/list" | "session/list" | "snapshot/list" => LONG,
        _ => 0,
    }
}
