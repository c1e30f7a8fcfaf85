//! Why a request got no result.

use clearing_profiles::ProfileError;
use serde::Serialize;

use crate::error::Error;
use crate::files::FileDetail;

/// What an answer has in place of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) struct Fault {
    /// What kind of thing went wrong, as JSON-RPC numbers them.
    pub(crate) code: i32,
    /// For a person.
    pub(crate) message: String,
    pub(crate) data: FaultData,
}

/// What programs may tell it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) struct FaultData {
    /// Stable: `CLR-…`.
    pub(crate) code: &'static str,
    /// A way forward.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    /// Of `fs/*` alone.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<Box<FileDetail>>,
}

impl Fault {
    fn new(code: i32, stable: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: FaultData { code: stable, hint: None, file: None } }
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { data: FaultData { hint: Some(hint.into()), ..self.data }, ..self }
    }

    /// The line is no JSON.
    pub(crate) fn malformed(why: &str) -> Self {
        Self::no_json("the line", why)
    }

    /// The same of something else that was sent.
    pub(crate) fn no_json(what: &str, why: &str) -> Self {
        Self::new(-32700, "CLR-MALFORMED", format!("{what} is no JSON: {why}"))
    }

    /// The line is longer than any may be.
    pub(crate) fn too_long(limit: usize) -> Self {
        Self::new(-32700, "CLR-LINE-TOO-LONG", format!("the line is longer than {limit} bytes"))
            .with_hint("send what is long in pieces")
    }

    /// JSON, and no request.
    pub(crate) fn invalid(why: &str) -> Self {
        Self::new(-32600, "CLR-INVALID", why)
    }

    /// A request that is not answered yet has the same id.
    pub(crate) fn duplicate() -> Self {
        Self::new(-32600, "CLR-DUPLICATE-ID", "a request with this id is not answered yet")
    }

    pub(crate) fn unknown_method(method: &str) -> Self {
        Self::new(-32601, "CLR-METHOD", format!("there is no method `{method}`"))
            .with_hint("`clearing schema` prints all that there are")
    }

    pub(crate) fn params(why: impl Into<String>) -> Self {
        Self::new(-32602, "CLR-PARAMS", why)
    }

    /// The fault is ours.
    pub(crate) fn internal(why: impl Into<String>) -> Self {
        Self::new(-32603, "CLR-INTERNAL", why)
    }

    pub(crate) fn before_initialize() -> Self {
        Self::new(-32002, "CLR-NOT-INITIALIZED", "the first request is `initialize`")
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(-32800, "CLR-CANCELLED", "cancelled")
    }

    /// More is asked for at a time than is kept in mind.
    pub(crate) fn too_many(limit: usize) -> Self {
        Self::refused("CLR-TOO-MANY", format!("{limit} requests of this connection are not answered yet"))
            .with_hint("wait for answers before you ask for more")
    }

    /// One of clearing's own refusals.
    pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(-32000, code, message)
    }

    pub(crate) fn unknown_exec(exec: &str) -> Self {
        Self::refused("CLR-EXEC-UNKNOWN", format!("there is no exec `{exec}` in this session"))
    }

    pub(crate) fn session_ended() -> Self {
        Self::refused("CLR-SESSION-ENDED", "the session has ended meanwhile")
    }

    pub(crate) fn ending() -> Self {
        Self::refused("CLR-ENDING", "the server is about to end")
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let (message, hint) = match &error {
            // Whoever asks a server may not read the files that it can: the line itself is not shown.
            Error::Profile(ProfileError::Faulty(fault)) => (fault.without_the_line(), fault.hint.clone()),
            error => (error.message(), error.hint()),
        };
        let file = if let Error::File(fault) = &error { Some(Box::new(fault.detail())) } else { None };
        let data = FaultData { code: error.code(), hint, file };
        let code = if data.code == "CLR-REQUEST" { -32602 } else { -32000 };
        Self { code, message, data }
    }
}
