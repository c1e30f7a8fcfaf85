//! From the name of a method to its handler.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::oneshot;

use super::conductor::Conductor;
use super::connection::Connection;
use super::door;
use super::metrics::Observed;
use super::outbox::Weight;
use super::reply::{Cancellation, Reply};
use super::{Caller, Server};
use crate::files::Request;
use crate::protocol::{
    Change, ChangesCommit, ChangesDiscard, CloseStdin, ExecRead, ExecResize, ExecSignal, ExecStart, ExecWait,
    ExecWrite, Fault, Nothing, OfSession, PatchApply, PatchCheck, RequestId, SessionChanged, SessionFork,
    SessionRefresh, SnapshotCreate, SnapshotRollback, StatsGet, read, with_whole_numbers,
};

/// A request that is about to be carried out.
pub(super) struct Call<'a> {
    pub(super) server: &'a Arc<Server>,
    pub(super) caller: &'a Caller,
    pub(super) cancellation: Arc<Cancellation>,
    pub(super) back: Back,
    pub(super) observed: Observed,
}

/// Where the answer goes.
pub(super) enum Back {
    /// To a client that speaks JSON-RPC, with the number of its request and what it takes.
    Line(Arc<Connection>, RequestId, Weight),
    /// To another door of this process.
    Door(oneshot::Sender<door::Said>),
}

/// Carries out a request, or has it carried out.
pub(super) fn dispatch(call: Call<'_>, method: &str, params: Value) {
    call.server.pool.put_off();
    match method.split('/').next().unwrap_or_default() {
        "fs" => of_files(call, method, params),
        _ if is_of_server(method) => of_server(call, method, params),
        _ => of_session(call, method, params),
    }
}

/// Whether it needs no conductor.
fn is_of_server(method: &str) -> bool {
    const ALL: [&str; 9] = [
        "health",
        "session/create",
        "session/get",
        "session/list",
        "session/destroy",
        "snapshot/list",
        "changes/diff",
        "policy/check",
        "audit/verify",
    ];
    ALL.contains(&method)
}

/// What needs no conductor.
fn of_server(call: Call<'_>, method: &str, params: Value) {
    let server = call.server;
    match method {
        "health" => call.typed(params, |Nothing {}, reply| reply.send(Ok(server.health()))),
        "session/create" => {
            let caller = call.caller.clone();
            call.typed(params, |params, reply| server.session_create(params, &caller, reply));
        }
        "session/get" => call.typed(params, |params, reply| server.session_get(params, reply)),
        "session/list" => call.typed(params, |params, reply| server.session_list(params, reply)),
        "session/destroy" => {
            let caller = call.caller.connection;
            call.typed(params, |params, reply| server.session_destroy(params, caller, reply));
        }
        "snapshot/list" => call.typed(params, |params, reply| server.snapshot_list(params, reply)),
        "changes/diff" => call.typed(params, |params, reply| server.changes_diff(params, reply)),
        "policy/check" => call.typed(params, |params, reply| server.policy_check(params, reply)),
        "audit/verify" => call.typed(params, |params, reply| server.audit_verify(params, reply)),
        _ => call.reply::<()>().send(Err(Fault::unknown_method(method))),
    }
}

/// What is done with files: the parameters are those of the file, and the session.
fn of_files(call: Call<'_>, method: &str, params: Value) {
    let mut params = with_whole_numbers(params);
    let session = params.as_object_mut().and_then(|params| params.remove("session"));
    let server = call.server;
    let reply = call.reply();
    let asked = match (session, Request::of(method, params)) {
        (_, None) => Err(Fault::unknown_method(method)),
        (_, Some(Err(error))) => Err(Fault::params(error.to_string())),
        (Some(Value::String(session)), Some(Ok(request))) => {
            server.held(&session).map(|handle| (handle, request))
        }
        _ => Err(Fault::params("`session`: a text is wanted")),
    };
    match asked {
        Ok((handle, request)) => handle.order(move |conductor| {
            conductor.when_whole(move |conductor| reply.if_wanted(|reply| conductor.files(&request, reply)));
        }),
        Err(fault) => reply.send(Err(fault)),
    }
}

/// What a session's conductor does.
fn of_session(call: Call<'_>, method: &str, params: Value) {
    match method {
        "session/fork" => call.on::<SessionFork, _>(params, Conductor::fork),
        "session/refresh" => call.changing::<SessionRefresh, _>(params, Conductor::refresh, |_| {
            Some(SessionChanged::new(Change::Refreshed))
        }),
        "snapshot/create" => {
            call.changing::<SnapshotCreate, _>(params, Conductor::snapshot_create, |made| {
                Some(SessionChanged::on_snapshot(Change::Snapshot, &made.snapshot))
            });
        }
        "snapshot/rollback" => {
            call.changing::<SnapshotRollback, _>(params, Conductor::snapshot_rollback, |rolled| {
                Some(SessionChanged::on_snapshot(Change::RolledBack, &rolled.snapshot))
            });
        }
        "changes/commit" => {
            call.changing::<ChangesCommit, _>(params, Conductor::changes_commit, |report| {
                report.landed.then(|| SessionChanged::new(Change::Committed))
            });
        }
        "changes/discard" => {
            call.changing::<ChangesDiscard, _>(params, Conductor::changes_discard, |_| {
                Some(SessionChanged::new(Change::Discarded))
            });
        }
        "stats/get" => call.on::<StatsGet, _>(params, |conductor, _| conductor.stats()),
        "patch/check" => call.beginning::<PatchCheck, _>(params, Conductor::patch_check),
        "patch/apply" => {
            let caller = call.caller.connection;
            call.ordered::<PatchApply, _>(params, move |conductor, params, reply| {
                conductor.patch_apply(params, caller, reply);
            });
        }
        _ => of_exec(call, method, params),
    }
}

/// What is done with commands.
fn of_exec(call: Call<'_>, method: &str, params: Value) {
    let caller = call.caller.clone();
    match method {
        "exec/start" => call.beginning::<ExecStart, _>(params, move |conductor, params, reply| {
            conductor.exec_start(&params, &caller, reply);
        }),
        "exec/wait" => call.ordered::<ExecWait, _>(params, Conductor::exec_wait),
        "exec/read" => call.ordered::<ExecRead, _>(params, move |conductor, params, reply| {
            conductor.exec_read(params, &caller, reply);
        }),
        "exec/write" => call.ordered::<ExecWrite, _>(params, Conductor::exec_write),
        "exec/closeStdin" => call.ordered::<CloseStdin, _>(params, Conductor::exec_close_stdin),
        "exec/resize" => call.on::<ExecResize, _>(params, Conductor::exec_resize),
        "exec/signal" => call.on::<ExecSignal, _>(params, Conductor::exec_signal),
        _ => call.reply::<()>().send(Err(Fault::unknown_method(method))),
    }
}

impl Call<'_> {
    fn reply<T: Serialize>(self) -> Reply<T> {
        let reply = match self.back {
            Back::Line(connection, id, weight) => connection.reply(id, self.cancellation).weighing(weight),
            Back::Door(to) => door::reply(to, self.cancellation),
        };
        reply.observed(self.observed)
    }

    /// Reads the parameters and does something with them.
    fn typed<P: DeserializeOwned, R: Serialize + 'static>(
        self,
        params: Value,
        act: impl FnOnce(P, Reply<R>),
    ) {
        let reply = self.reply();
        match read(params) {
            Ok(params) => act(params, reply),
            Err(fault) => reply.send(Err(fault)),
        }
    }

    /// The same on the thread of the session that they name.
    fn ordered<P: OfSession, R: Serialize + 'static>(
        self,
        params: Value,
        act: impl FnOnce(&mut Conductor, P, Reply<R>) + Send + 'static,
    ) {
        let server = self.server;
        self.typed(params, |params: P, reply: Reply<R>| match server.held(params.session()) {
            Ok(handle) => {
                handle.order(move |conductor| reply.if_wanted(|reply| act(conductor, params, reply)));
            }
            Err(fault) => reply.send(Err(fault)),
        });
    }

    /// The same of what begins something in the sandbox, which waits for the end of a patch that is being applied.
    fn beginning<P: OfSession, R: Serialize + 'static>(
        self,
        params: Value,
        act: impl FnOnce(&mut Conductor, P, Reply<R>) + Send + 'static,
    ) {
        self.ordered(params, |conductor, params, reply| {
            conductor.when_whole(move |conductor| reply.if_wanted(|reply| act(conductor, params, reply)));
        });
    }

    /// The same where the answer is there at once.
    fn on<P: OfSession, R: Serialize + 'static>(
        self,
        params: Value,
        act: impl FnOnce(&mut Conductor, &P) -> Result<R, Fault> + Send + 'static,
    ) {
        self.ordered(params, |conductor, params, reply| {
            let said = act(conductor, &params);
            reply.send(said);
        });
    }

    /// The same of what others who have the session hear of, once it is done.
    fn changing<P: OfSession, R: Serialize + 'static>(
        self,
        params: Value,
        act: impl FnOnce(&mut Conductor, &P) -> Result<R, Fault> + Send + 'static,
        changed: impl FnOnce(&R) -> Option<SessionChanged> + Send + 'static,
    ) {
        let caller = self.caller.connection;
        self.on::<P, R>(params, move |conductor, params| {
            let said = act(conductor, params)?;
            changed(&said).into_iter().for_each(|changed| conductor.handle.tell(changed, Some(caller)));
            Ok(said)
        });
    }
}
