//! From a request to what is asked through the door, and back.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{Extension, RawPathParams, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use axum::http::{Response, StatusCode};
use axum::routing::{MethodFilter, get, on};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::crowd::Busy;
use super::routes::{EVENTS, METRICS, OPENAPI, ROUTES, Route, Verb};
use super::{answer, call, events};
use crate::protocol::Fault;
use crate::server::Door;

/// The longest body that is taken: as long as a line of JSON-RPC may be.
const LONGEST_BODY: usize = crate::server::LONGEST_LINE;
/// How long it may take to come.
const BODY: Duration = Duration::from_secs(60);

/// All resources.
pub(super) fn router() -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let handler = move |door, path, request| answer(route, door, path, request);
        router = router.route(route.path, on(filter(route.verb), handler));
    }
    router =
        router.route(EVENTS, get(events::answer)).route(OPENAPI, get(openapi)).route(METRICS, get(metrics));
    router.fallback(nowhere).method_not_allowed_fallback(no_verb)
}

fn filter(verb: Verb) -> MethodFilter {
    match verb {
        Verb::Get => MethodFilter::GET,
        Verb::Post => MethodFilter::POST,
        Verb::Put => MethodFilter::PUT,
        Verb::Delete => MethodFilter::DELETE,
    }
}

/// Dropped, it is cancelled: hyper drops it when the client hangs up.
async fn answer(
    route: &'static Route,
    Extension(door): Extension<Arc<Door>>,
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Response<Body> {
    let path = match path {
        Ok(path) => path,
        Err(_) => return answer::fault(&Fault::params("the path is not UTF-8")),
    };
    let (head, body) = request.into_parts();
    let body = match whole(&head.headers, body).await {
        Ok(body) => body,
        Err((status, fault)) => return answer::faulty(status, &fault),
    };
    // Who has said only half of it makes room for others.
    head.extensions.get::<Arc<Busy>>().into_iter().for_each(|busy| busy.has_come());
    let params = call::params(route, path.iter(), head.uri.query().unwrap_or_default(), &body);
    drop(body);
    let said = match params {
        Ok(params) => door.ask(route.method, params).await,
        Err(fault) => Err(fault),
    };
    match said {
        Ok(json) if route.makes => answer::result(StatusCode::CREATED, json),
        Ok(json) => answer::result(StatusCode::OK, json),
        Err(fault) => answer::fault(&fault),
    }
}

/// Reads a body to its end.
async fn whole(headers: &HeaderMap, body: Body) -> Result<Bytes, (StatusCode, Fault)> {
    let too_long = || {
        let why = format!("the body is longer than {LONGEST_BODY} bytes");
        (StatusCode::PAYLOAD_TOO_LARGE, Fault::refused("CLR-BODY-TOO-LONG", why))
    };
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > LONGEST_BODY) {
        return Err(too_long());
    }
    let kind = headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes());
    if kind.is_some_and(|kind| !is_json(kind)) {
        let fault = Fault::refused("CLR-BODY-TYPE", "the body is not `application/json`");
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, fault));
    }
    match tokio::time::timeout(BODY, Limited::new(body, LONGEST_BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(error)) => Err((StatusCode::BAD_REQUEST, Fault::no_json("the body", &error.to_string()))),
        Err(_) => {
            let fault = Fault::refused("CLR-BODY-SLOW", "the body did not come in time");
            Err((StatusCode::REQUEST_TIMEOUT, fault))
        }
    }
}

fn is_json(kind: &[u8]) -> bool {
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

async fn openapi() -> Response<Body> {
    answer::result(StatusCode::OK, super::openapi().to_string().into_bytes())
}

async fn metrics(Extension(door): Extension<Arc<Door>>) -> Response<Body> {
    answer::of_type(StatusCode::OK, "text/plain; version=0.0.4", Body::from(door.metrics()))
}

async fn nowhere() -> Response<Body> {
    let fault = Fault::refused("CLR-RESOURCE", "there is no such resource");
    answer::faulty(StatusCode::NOT_FOUND, &fault.with_hint("/v1/openapi.json names all that there are"))
}

async fn no_verb() -> Response<Body> {
    let fault = Fault::refused("CLR-VERB", "this cannot be done with this resource");
    answer::faulty(StatusCode::METHOD_NOT_ALLOWED, &fault.with_hint("`Allow` names what can be done"))
}
