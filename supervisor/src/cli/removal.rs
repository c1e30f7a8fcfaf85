//! What `rm` and `gc` tell of a session that goes, for programs.

use clearing_rootfs::Record;
use serde::Serialize;

use super::talk::emit_as;
use crate::gc::Reason;
use crate::lost::Lost;

/// A session that was removed, or was not.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Removal<'a> {
    session: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    removed: bool,
    /// The bound that it was beyond.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// What it had and the project has not.
    changes: u64,
    /// Its snapshots of states that neither the project nor the session is in.
    snapshots: u64,
}

impl<'a> Removal<'a> {
    /// Of a session that somebody named.
    pub(super) fn of_named(session: &'a str, lost: Lost) -> Self {
        let Lost { changes, snapshots } = lost;
        Self { session, name: None, removed: false, reason: None, changes, snapshots }
    }

    /// Of one that was chosen.
    pub(super) fn of_chosen(record: &'a Record, reason: Reason, lost: Lost) -> Self {
        let reason = match reason {
            Reason::Age => "age",
            Reason::Number => "number",
            Reason::Size(_) => "size",
        };
        let (session, name) = (record.id.as_str(), record.name.as_deref());
        Self { name, reason: Some(reason), ..Self::of_named(session, lost) }
    }

    /// Tells it, and whether it is gone.
    pub(super) fn tell(self, removed: bool) {
        emit_as("removal", &Self { removed, ..self });
    }
}
