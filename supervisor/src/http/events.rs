//! What an exec says, as it comes: server-sent events. A client that does not read them is told what it has missed
//! when it does, and stops nobody.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request};
use axum::http::header::HeaderMap;
use axum::http::{Response, StatusCode};
use hyper::body::Frame;
use tokio::sync::mpsc;

use super::answer;
use crate::protocol::Fault;
use crate::server::{Batch, Door, Following};

/// So often a client that hears nothing hears that: one that is gone is noticed then.
const SILENCE: Duration = Duration::from_secs(15);
/// A comment, which says nothing.
const NOTHING: &[u8] = b":\n\n";
/// The last event that a client has heard, as browsers say it when they come again.
const LAST: &str = "last-event-id";

/// Tells what an exec says until its end. A client that has heard all is told so by 204, and need not come again.
pub(super) async fn answer(
    Extension(door): Extension<Arc<Door>>,
    names: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Response<Body> {
    let Ok(Path((session, exec))) = names else {
        return answer::fault(&Fault::params("the path is not UTF-8"));
    };
    let following = match after(request.headers(), request.uri().query().unwrap_or_default()) {
        Ok(after) => door.store(&session, &exec).await.map(|store| Following::after(store, after)),
        Err(fault) => Err(fault),
    };
    let mut following = match following {
        Ok(following) => following,
        Err(fault) => return answer::fault(&fault),
    };
    let first = following.take();
    if first.is_end && first.events.is_empty() {
        return answer::of_type(StatusCode::NO_CONTENT, TYPE, Body::empty());
    }
    let (to, from) = mpsc::channel(1);
    tokio::spawn(tell(following, first, to));
    answer::of_type(StatusCode::OK, TYPE, Body::new(Told(from)))
}

const TYPE: &str = "text/event-stream";

/// The last event that the client has heard.
fn after(headers: &HeaderMap, query: &str) -> Result<u64, Fault> {
    let said = match (headers.get(LAST), query.split_once('=')) {
        (Some(last), _) => last.to_str().ok(),
        (None, Some(("afterSeq", last))) => Some(last),
        (None, None) if query.is_empty() => return Ok(0),
        _ => return Err(Fault::params("only `afterSeq` may stand after the `?` here")),
    };
    let number = said.and_then(|said| said.parse().ok());
    number.ok_or_else(|| Fault::params("the last event that is known is a whole number"))
}

async fn tell(mut following: Following, mut batch: Batch, to: mpsc::Sender<Bytes>) {
    loop {
        let is_end = batch.is_end;
        // Whoever does not read holds up this task and nobody else.
        if !batch.events.is_empty() && to.send(batch.events.into()).await.is_err() || is_end {
            return;
        }
        batch = following.take();
        if !batch.events.is_empty() || batch.is_end {
            continue;
        }
        tokio::select! {
            () = following.news() => batch = following.take(),
            () = tokio::time::sleep(SILENCE) => batch.events = NOTHING.to_vec(),
            () = to.closed() => return,
        }
    }
}

/// A body of what is sent to it.
struct Told(mpsc::Receiver<Bytes>);

impl HttpBody for Told {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_goes_on_after_the_last_event_that_it_names() {
        let headers = |last: &'static str| {
            HeaderMap::from_iter([(
                axum::http::HeaderName::from_static(LAST),
                axum::http::HeaderValue::from_static(last),
            )])
        };
        let none = HeaderMap::new();
        assert_eq!(after(&none, "").expect("a number"), 0);
        assert_eq!(after(&none, "afterSeq=7").expect("a number"), 7);
        assert_eq!(after(&headers("9"), "afterSeq=7").expect("a number"), 9);
        for (headers, query) in [(none.clone(), "afterSeq=x"), (none, "before=1"), (headers("-1"), "")] {
            after(&headers, query).expect_err("a fault");
        }
    }
}
