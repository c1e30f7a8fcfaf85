//! The body of an answer, handed on piece by piece as it is taken, and what holds its client's place until then.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use super::crowd::Busy;

/// The body. Its client is busy until all but a last piece was taken, or nobody wants it.
pub(super) struct Held {
    body: Body,
    /// Has come of it, and was not handed on.
    rest: Bytes,
    busy: Arc<Busy>,
}

/// About as much is handed on at a time as one write takes.
const PIECE: usize = 64 * 1024;

impl Held {
    pub(super) fn new(body: Body, busy: Arc<Busy>) -> Self {
        // What says of itself how long it is, is there as a whole.
        let length = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
        busy.is_answered(length.unwrap_or_default());
        Self { body, rest: Bytes::new(), busy }
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        // It is asked for when there is room for it: what was handed on before was taken.
        self.busy.goes_on();
        let length = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (body, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + rest);
        body.upper().into_iter().for_each(|upper| hint.set_upper(upper + rest));
        hint
    }
}
