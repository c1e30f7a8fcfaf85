//! The body of a request, read to its end.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::crowd::Busy;
use crate::protocol::Fault;

/// The longest that is taken: as long as a line of JSON-RPC may be.
const LONGEST: usize = crate::server::LONGEST_LINE;
/// How long it may take to come.
const TIME: Duration = Duration::from_secs(60);

type Refused = (StatusCode, Fault);

/// Reads JSON to its end, as far as there is room for it.
pub(super) async fn whole(headers: &HeaderMap, body: Body, busy: &Busy) -> Result<Vec<u8>, Refused> {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > LONGEST) {
        return Err(too_long());
    }
    let kind = headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes());
    if kind.is_some_and(|kind| !is_json(kind)) {
        let fault = Fault::refused("CLR-BODY-TYPE", "the body is not `application/json`");
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, fault));
    }
    let read = tokio::time::timeout(TIME, collect(Limited::new(body, LONGEST), busy)).await;
    read.unwrap_or_else(|_| {
        let fault = Fault::refused("CLR-BODY-SLOW", "the body did not come in time");
        Err((StatusCode::REQUEST_TIMEOUT, fault))
    })
}

async fn collect(mut body: Limited<Body>, busy: &Busy) -> Result<Vec<u8>, Refused> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        // What comes behind it says nothing here.
        let Ok(data) = frame.map_err(|error| broken(&*error))?.into_data() else { continue };
        if !busy.comes(data.len()) {
            return Err(no_room());
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}

fn broken(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Refused {
    if error.is::<LengthLimitError>() {
        return too_long();
    }
    (StatusCode::BAD_REQUEST, Fault::no_json("the body", &error.to_string()))
}

fn too_long() -> Refused {
    let why = format!("the body is longer than {LONGEST} bytes");
    (StatusCode::PAYLOAD_TOO_LARGE, Fault::refused("CLR-BODY-TOO-LONG", why))
}

fn no_room() -> Refused {
    let fault = Fault::refused("CLR-TOO-MANY", "there is no room for this beside what is being carried out");
    (StatusCode::TOO_MANY_REQUESTS, fault.with_hint("ask again later"))
}

fn is_json(kind: &[u8]) -> bool {
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}
