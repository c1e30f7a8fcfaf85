//! Which resource stands for which method of the protocol: the whole of what HTTP adds is this table.

/// A verb of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

/// A verb on a resource, and the method that it is.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) verb: Verb,
    /// Names in braces are parameters of the method.
    pub(crate) path: &'static str,
    pub(crate) method: &'static str,
    /// Parameters of the method that stand after the `?`; all others are in the body, of a verb that has one.
    pub(crate) query: &'static [Field],
    /// Whether something is there that was not.
    pub(crate) makes: bool,
}

/// A parameter that stands after the `?`.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Its value where it does not stand there, in place of the method's own.
    pub(crate) otherwise: Option<u64>,
}

/// What kind of value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// A whole number.
    Whole,
    /// `true` or `false`.
    Truth,
    /// May stand there more than once.
    Many,
    /// `name[key]=value`, more than once.
    Pairs,
}

impl Verb {
    /// As a request has it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    pub(crate) fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put)
    }
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, otherwise: None }
}

const fn route(verb: Verb, path: &'static str, method: &'static str) -> Route {
    Route { verb, path, method, query: &[], makes: false }
}

impl Route {
    const fn asks(self, query: &'static [Field]) -> Self {
        Self { query, ..self }
    }

    const fn makes(self) -> Self {
        Self { makes: true, ..self }
    }
}

use Kind::{Many, Pairs, Text, Truth, Whole};
use Verb::{Delete, Get, Post, Put};

/// All of them.
pub(crate) const ROUTES: &[Route] = &[
    route(Get, "/v1/health", "health"),
    route(Get, "/v1/sessions", "session/list").asks(&[field("labels", Pairs)]),
    route(Post, "/v1/sessions", "session/create").makes(),
    route(Get, "/v1/sessions/{session}", "session/get"),
    route(Delete, "/v1/sessions/{session}", "session/destroy").asks(&[field("keep", Truth)]),
    route(Post, "/v1/sessions/{session}/fork", "session/fork").makes(),
    route(Post, "/v1/sessions/{session}/refresh", "session/refresh"),
    route(Get, "/v1/sessions/{session}/stats", "stats/get"),
    route(Post, "/v1/sessions/{session}/execs", "exec/start"),
    // What it is now, unless somebody wants to wait.
    route(Get, "/v1/sessions/{session}/execs/{exec}", "exec/wait").asks(&[Field {
        name: "waitMs",
        kind: Whole,
        otherwise: Some(0),
    }]),
    route(Get, "/v1/sessions/{session}/execs/{exec}/output", "exec/read").asks(&[
        field("afterSeq", Whole),
        field("waitMs", Whole),
        field("maxBytes", Whole),
    ]),
    route(Post, "/v1/sessions/{session}/execs/{exec}/input", "exec/write"),
    route(Delete, "/v1/sessions/{session}/execs/{exec}/input", "exec/closeStdin"),
    route(Post, "/v1/sessions/{session}/execs/{exec}/signal", "exec/signal"),
    route(Post, "/v1/sessions/{session}/execs/{exec}/resize", "exec/resize"),
    route(Get, "/v1/sessions/{session}/snapshots", "snapshot/list"),
    route(Post, "/v1/sessions/{session}/snapshots", "snapshot/create").makes(),
    route(Post, "/v1/sessions/{session}/rollback", "snapshot/rollback"),
    route(Get, "/v1/sessions/{session}/diff", "changes/diff").asks(&[
        field("from", Text),
        field("to", Text),
        field("paths", Many),
        field("patch", Truth),
    ]),
    route(Post, "/v1/sessions/{session}/commit", "changes/commit"),
    route(Post, "/v1/sessions/{session}/discard", "changes/discard"),
    route(Post, "/v1/sessions/{session}/patch/check", "patch/check"),
    route(Post, "/v1/sessions/{session}/patch/apply", "patch/apply"),
    route(Get, "/v1/sessions/{session}/files", "fs/read").asks(&[
        field("path", Text),
        field("offset", Whole),
        field("line", Whole),
        field("lines", Whole),
        field("maxBytes", Whole),
        field("sha256", Truth),
    ]),
    route(Put, "/v1/sessions/{session}/files", "fs/write"),
    route(Delete, "/v1/sessions/{session}/files", "fs/remove")
        .asks(&[field("path", Text), field("recursive", Truth)]),
    route(Get, "/v1/sessions/{session}/files/list", "fs/list").asks(&[
        field("path", Text),
        field("depth", Whole),
        field("limit", Whole),
        field("hidden", Truth),
    ]),
    route(Get, "/v1/sessions/{session}/files/stat", "fs/stat")
        .asks(&[field("path", Text), field("follow", Truth)]),
    route(Post, "/v1/sessions/{session}/files/edit", "fs/edit"),
    route(Post, "/v1/sessions/{session}/files/move", "fs/move"),
    route(Post, "/v1/sessions/{session}/files/mkdir", "fs/mkdir").makes(),
    route(Post, "/v1/policy/check", "policy/check"),
    route(Get, "/v1/audit/verify", "audit/verify").asks(&[field("expect", Text)]),
];

/// What is counted, for Prometheus.
pub(crate) const METRICS: &str = "/metrics";
/// The description of it all.
pub(crate) const OPENAPI: &str = "/v1/openapi.json";
/// What an exec says, as it comes.
pub(crate) const EVENTS: &str = "/v1/sessions/{session}/execs/{exec}/events";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ROUTES;
    use crate::protocol::METHODS;

    #[test]
    fn every_method_is_a_resource_and_no_resource_is_another_thing() {
        // A connection needs no beginning.
        let known: BTreeSet<_> =
            METHODS.iter().map(|method| method.name).filter(|name| *name != "initialize").collect();
        let there: BTreeSet<_> = ROUTES.iter().map(|route| route.method).collect();
        assert_eq!(there, known);
        let verbs: BTreeSet<_> = ROUTES.iter().map(|route| (route.verb.text(), route.path)).collect();
        assert_eq!((verbs.len(), there.len()), (ROUTES.len(), ROUTES.len()));
    }

    #[test]
    fn the_readme_has_every_resource_in_a_row_of_its_own() {
        let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
        let readme = std::fs::read_to_string(readme).expect("the README");
        for super::Route { verb, path, method, .. } in ROUTES {
            let row = format!("| `{}` | `{path}` | `{method}` |", verb.text());
            assert!(readme.contains(&row), "{row}");
        }
    }
}
