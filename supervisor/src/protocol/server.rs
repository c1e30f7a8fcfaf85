//! The server itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::frame::RequestId;
use crate::outcome::Tier;
use crate::server::OnEof;

/// `initialize`: the first request.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Initialize {
    /// Who asks.
    pub(crate) client: Option<ClientName>,
    /// The version of the protocol that the client speaks; 1.
    pub(crate) protocol: Option<u32>,
    /// What becomes of what this client started and has not ended when it is no more; else as the server was told.
    pub(crate) on_eof: Option<OnEof>,
}

/// A client.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ClientName {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
}

impl ClientName {
    /// For the log.
    pub(crate) fn text(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.name),
            None => self.name.clone(),
        }
    }
}

/// What the server can do.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Initialized {
    pub(crate) server: ServerName,
    pub(crate) protocol: u32,
    /// How far this host isolates.
    pub(crate) tier: Tier,
    /// Whether the default profile requires each guard: one that is required and cannot be had refuses the exec.
    pub(crate) guards: BTreeMap<String, &'static str>,
    /// The longest line that is taken, in bytes.
    pub(crate) longest_line: usize,
    /// How many requests may be unanswered at a time.
    pub(crate) requests_in_flight: usize,
}

/// A server.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ServerName {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

/// Parameters of a method that takes none.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// `$/cancelRequest`: a notification.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancel {
    /// The request; one that is answered already is left alone.
    pub(crate) id: RequestId,
}

/// `health`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    /// `ok`, or `ending`.
    pub(crate) state: &'static str,
    pub(crate) uptime_ms: u64,
    /// Sessions with a sandbox.
    pub(crate) sessions: usize,
    /// Commands that run.
    pub(crate) execs: usize,
    pub(crate) connections: usize,
    /// Sandboxes that wait for a session.
    pub(crate) parked: usize,
}

/// `audit/verify`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AuditVerify {
    /// The hash of a line that the record must hold.
    pub(crate) expect: Option<String>,
}

/// Whether the record is as it was written.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditTold {
    pub(crate) whole: bool,
    pub(crate) lines: u64,
    /// The hash of the last line.
    pub(crate) head: String,
    /// Lines in which clearing was stopped.
    pub(crate) torn: Vec<String>,
    /// The first line that is not as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<String>,
}
