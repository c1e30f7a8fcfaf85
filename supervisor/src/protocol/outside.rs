//! The form of what other crates, or serialisers by hand, put into our answers.

use schemars::JsonSchema;

use super::bounds::{self, BASE64, NO_NUL};

/// A path: a text where it is UTF-8, else its bytes.
#[derive(JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "read by the schema alone")]
pub(crate) enum Path {
    Text(#[schemars(regex(pattern = NO_NUL))] String),
    Bytes {
        /// In base64.
        #[schemars(regex(pattern = BASE64))]
        bytes: String,
    },
}

/// A path as somebody has asked for it, be it one or not: text where it is UTF-8, else its bytes.
#[derive(JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "read by the schema alone")]
pub(crate) enum Asked {
    Text(String),
    Bytes {
        /// In base64.
        bytes: String,
    },
}

// What is asked for of a file, which says itself what that is, and the session.
#[derive(JsonSchema)]
#[schemars(transform = bounds::closed)]
#[expect(dead_code, reason = "read by the schema alone")]
pub(crate) struct OfFile<T> {
    session: String,
    #[serde(flatten)]
    request: T,
}

/// Bytes on each stream.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the schema alone")]
pub(crate) struct Truncated {
    stdout: u64,
    stderr: u64,
}

/// A guard, and what became of it.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the schema alone")]
pub(crate) struct Guard {
    guard: String,
    /// Whether it holds.
    enforced: bool,
    /// How it is enforced, or why it is not.
    detail: String,
}

/// `allow`, `ask` or `deny`.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read by the schema alone")]
pub(crate) enum Decision {
    Allow,
    Ask,
    Deny,
}

/// What reaped processes used.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read by the schema alone")]
pub(crate) struct Usage {
    /// Microseconds of processor time in user mode.
    user_us: u64,
    /// The same in the kernel.
    system_us: u64,
    /// Largest resident set of one process, in bytes.
    peak_process_memory: u64,
    /// Bytes that were read from disks.
    read_bytes: u64,
    /// Bytes that were written for disks.
    written_bytes: u64,
}
