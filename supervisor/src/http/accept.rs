//! Clients come, are let in or not, and are served; all of it in one thread.

use std::convert::Infallible;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};

use super::crowd::{Busy, Crowd, Guest};
use super::gate::Gate;
use super::held::Held;
use super::impatient::{Impatient, PATIENCE};
use super::listeners::{Accepted, Listener};
use super::visits::{Bell, Visit};
use super::{answer, router};
use crate::server::{Door, Server, Taker, promise_descriptors};

/// How long a client may take to say what it wants, also after an answer.
const SILENCE: Duration = Duration::from_secs(30);
/// How long the answers that are on their way hold up the end.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// More of a head is not read.
const LONGEST_HEAD: usize = 64 * 1024;
/// While there are no descriptors.
const PAUSE: Duration = Duration::from_millis(10);

/// What all connections have in common.
struct House {
    server: Arc<Server>,
    router: Router,
    crowd: Arc<Crowd>,
    /// Says when there will be nothing more.
    closing: watch::Receiver<bool>,
    /// Held by whoever is served.
    _served: mpsc::Sender<()>,
}

/// Where clients come from.
pub(super) struct Entries {
    pub(super) listeners: Vec<Listener>,
    /// From the first thread.
    pub(super) visitors: mpsc::UnboundedReceiver<Visit>,
    pub(super) bell: Arc<Bell>,
}

/// Serves clients until there shall be no more of it.
pub(super) async fn serve(server: Arc<Server>, entries: Entries, closing: watch::Receiver<bool>) {
    let Entries { listeners, visitors, bell } = entries;
    let (served, mut all_gone) = mpsc::channel(1);
    let house = House {
        server,
        router: router::router(),
        crowd: Crowd::new(),
        closing: closing.clone(),
        _served: served,
    };
    let house = Arc::new(house);
    for listener in listeners {
        tokio::spawn(listen(Arc::clone(&house), listener));
    }
    tokio::spawn(attend(Arc::clone(&house), visitors, bell));
    drop(house);
    closed(closing).await;
    let _ = tokio::time::timeout(LAST_WORDS, all_gone.recv()).await;
}

async fn closed(mut closing: watch::Receiver<bool>) {
    // Whoever could say so is no more: that is the same.
    let _ = closing.wait_for(|closing| *closing).await;
}

async fn listen(house: Arc<House>, listener: Listener) {
    let closing = house.closing.clone();
    tokio::select! {
        () = closed(closing) => {}
        () = take_in(house, &listener) => {}
    }
}

/// Whoever could come that way is gone with the process, or before.
async fn attend(house: Arc<House>, mut visitors: mpsc::UnboundedReceiver<Visit>, bell: Arc<Bell>) {
    let gate = Arc::new(Gate::own());
    let mut closing = house.closing.clone();
    loop {
        let visit = tokio::select! {
            _ = closing.wait_for(|closing| *closing) => return,
            visit = visitors.recv() => visit,
        };
        match visit {
            None => return,
            Some(Visit::Knock) => drop(tokio::spawn(answer_bell(Arc::clone(&house), Arc::clone(&bell)))),
            Some(Visit::Connection(connection)) => {
                let stream = connection.set_nonblocking(true).and_then(|()| UnixStream::from_std(connection));
                if let Ok(stream) = stream {
                    let_in(&house, &gate, Accepted::Unix(stream));
                }
            }
        }
    }
}

/// By the way that a request goes.
async fn answer_bell(house: Arc<House>, bell: Arc<Bell>) {
    if Door::open(&house.server).ask("health", serde_json::json!({})).await.is_ok() {
        bell.answer();
    }
}

async fn take_in(house: Arc<House>, listener: &Listener) {
    loop {
        let Ok(accepted) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let_in(&house, listener.gate(), accepted);
    }
}

fn let_in(house: &Arc<House>, gate: &Arc<Gate>, accepted: Accepted) {
    // Dropped, it hears that nobody is there.
    if promise_descriptors(Taker::Client).is_err() {
        return;
    }
    let Some(guest) = house.crowd.enter() else { return };
    let (house, gate) = (Arc::clone(house), Arc::clone(gate));
    match accepted {
        Accepted::Unix(stream) => {
            let is_let_in = gate.of_peer(&stream);
            if is_let_in {
                guest.is_known();
            }
            tokio::spawn(talk(house, guest, is_let_in, gate, stream))
        }
        Accepted::Tcp(stream) => tokio::spawn(talk(house, guest, true, gate, stream)),
    };
}

async fn talk<I>(house: Arc<House>, guest: Arc<Guest>, is_let_in: bool, gate: Arc<Gate>, stream: I)
where
    I: AsyncRead + AsyncWrite + AsFd + Unpin + Send + 'static,
{
    let door = Arc::new(Door::open(&house.server));
    let inner = TowerToHyperService::new(house.router.clone());
    let service = service_fn(|request: Request<Incoming>| {
        let (busy, door, inner) = (Arc::new(house.crowd.begin(&guest)), Arc::clone(&door), inner.clone());
        if request.body().is_end_stream() {
            busy.has_come();
        }
        let refused = if is_let_in { gate.refuses(&request) } else { Some(Gate::keeps_out()) };
        if refused.is_none() {
            guest.is_known();
        }
        async move {
            let response = match refused {
                Some((status, fault)) => answer::faulty(status, &fault),
                None => routed(inner, door, Arc::clone(&busy), request).await,
            };
            Ok::<_, Infallible>(response.map(|body| Held::new(body, busy)))
        }
    });
    let stream = Impatient::new(stream, PATIENCE);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(SILENCE).max_buf_size(LONGEST_HEAD);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // What goes wrong is the client's, who hears of it or is gone.
        _ = connection.as_mut() => {}
        () = guest.is_asked_to_leave() => {}
        () = closed(house.closing.clone()) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.as_mut().await;
        }
    }
    house.crowd.leave(&guest);
}

async fn routed(
    router: TowerToHyperService<Router>,
    door: Arc<Door>,
    busy: Arc<Busy>,
    request: Request<Incoming>,
) -> Response<Body> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(door);
    request.extensions_mut().insert(busy);
    match hyper::service::Service::call(&router, request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
