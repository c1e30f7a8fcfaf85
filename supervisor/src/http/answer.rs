//! From a result or a fault to an answer.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::http::{Response, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::files::FileDetail;
use crate::protocol::Fault;

/// The body of an answer that is no result.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Wrong<'a> {
    /// Stable: `CLR-…`.
    code: &'a str,
    /// For a person.
    message: &'a str,
    /// A way forward.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    /// Of files alone.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    file: Option<&'a FileDetail>,
}

/// A result, which is JSON already.
pub(super) fn result(status: StatusCode, json: Vec<u8>) -> Response<Body> {
    of_type(status, "application/json", Body::from(json))
}

/// What is wrong, with the status that goes with it.
pub(super) fn fault(fault: &Fault) -> Response<Body> {
    faulty(status_of(fault), fault)
}

/// The same with a status of HTTP's own.
pub(super) fn faulty(status: StatusCode, fault: &Fault) -> Response<Body> {
    result(status, Wrong::of(fault).json())
}

impl<'a> Wrong<'a> {
    pub(crate) fn of(fault: &'a Fault) -> Self {
        let Fault { message, data, .. } = fault;
        Self { code: data.code, message, hint: data.hint.as_deref(), file: data.file.as_deref() }
    }

    pub(crate) fn json(&self) -> Vec<u8> {
        // Plain data: there is nothing in it that cannot be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Anything else.
pub(super) fn of_type(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The status of a fault: what programs go by is its code.
fn status_of(fault: &Fault) -> StatusCode {
    match fault.data.code {
        "CLR-UNKNOWN" | "CLR-EXEC-UNKNOWN" | "CLR-SESSION-NOT-HELD" | "CLR-FILE-MISSING" | "CLR-METHOD" => {
            StatusCode::NOT_FOUND
        }
        "CLR-PARAMS" | "CLR-MALFORMED" | "CLR-INVALID" | "CLR-REQUEST" | "CLR-PROFILE" | "CLR-PROJECT" => {
            StatusCode::BAD_REQUEST
        }
        "CLR-POLICY-CMD" | "CLR-FILE-OUTSIDE" | "CLR-FILE-DENIED" => StatusCode::FORBIDDEN,
        "CLR-FILE-SIZE" => StatusCode::PAYLOAD_TOO_LARGE,
        "CLR-TOO-MANY" | "CLR-STDIN-FULL" => StatusCode::TOO_MANY_REQUESTS,
        "CLR-ENDING" => StatusCode::SERVICE_UNAVAILABLE,
        "CLR-FILE-FULL" => StatusCode::INSUFFICIENT_STORAGE,
        "CLR-INTERNAL" | "CLR-SYSTEM" | "CLR-STATE" | "CLR-AUDIT" | "CLR-DAMAGED" | "CLR-SETUP"
        | "CLR-FILE-FAILED" => StatusCode::INTERNAL_SERVER_ERROR,
        // Refused, because of what is there.
        _ => StatusCode::CONFLICT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_the_status_that_a_client_of_http_expects() {
        let of = |fault: &Fault| status_of(fault).as_u16();
        assert_eq!(of(&Fault::params("")), 400);
        assert_eq!(of(&Fault::unknown_exec("e")), 404);
        assert_eq!(of(&Fault::refused("CLR-BUSY", "")), 409);
        assert_eq!(of(&Fault::too_many(1)), 429);
        assert_eq!(of(&Fault::internal("")), 500);
        assert_eq!(of(&Fault::ending()), 503);
    }
}
