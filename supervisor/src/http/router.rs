//! From a request to what is asked through the door, and back.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{Extension, RawPathParams, Request};
use axum::http::{Response, StatusCode};
use axum::routing::{MethodFilter, get, on};

use super::crowd::Busy;
use super::routes::{EVENTS, METRICS, OPENAPI, ROUTES, Route, Verb};
use super::{answer, body, call, events};
use crate::protocol::Fault;
use crate::server::Door;

/// All resources.
pub(super) fn router() -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let handler = move |door, busy, path, request| answer(route, door, busy, path, request);
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
    Extension(busy): Extension<Arc<Busy>>,
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Response<Body> {
    let path = match path {
        Ok(path) => path,
        Err(_) => return answer::fault(&Fault::params("the path is not UTF-8")),
    };
    let (head, body) = request.into_parts();
    let body = match body::whole(&head.headers, body, &busy).await {
        Ok(body) => body,
        Err((status, fault)) => return answer::faulty(status, &fault),
    };
    // Who has said only half of it makes room for others.
    busy.has_come();
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
