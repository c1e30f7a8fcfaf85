//! What would be gone with a session.

use clearing_rootfs::{Record, SessionError, Sessions, Snapshot, Why};

use crate::error::Error;
use crate::session::{Point, changes};

/// What a session has and the project has not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Changes of the present state.
    pub(crate) changes: u64,
    /// Snapshots of states that neither the project nor the present state is in.
    pub(crate) snapshots: u64,
}

/// What would be gone with the session of this name.
pub(crate) fn what_is_lost(sessions: &Sessions, name: &str) -> Result<Lost, Error> {
    match sessions.read(name) {
        Err(SessionError::Damaged { .. }) => Ok(UNKNOWN),
        record => Ok(Lost::with(sessions, &record?)),
    }
}

/// Of what cannot be read any more nobody knows.
const UNKNOWN: Lost = Lost { changes: 1, snapshots: 0 };

impl Lost {
    /// What would be gone with a session.
    pub(crate) fn with(sessions: &Sessions, record: &Record) -> Self {
        let Ok(changes) = differences(sessions, record, Point::Project, Point::Live) else { return UNKNOWN };
        let is_another_state = |snapshot: &Snapshot| {
            let is_as = |other| {
                differences(sessions, record, other, Point::Snapshot(snapshot)).is_ok_and(|it| it == 0)
            };
            !is_as(Point::Project) && !is_as(Point::Live)
        };
        // What several of them hold is one state.
        let mut tops: Vec<_> = record.snapshots.iter().filter(|it| it.why != Why::Initial).collect();
        tops.sort_by_key(|snapshot| &snapshot.top);
        tops.dedup_by_key(|snapshot| &snapshot.top);
        let snapshots = tops.iter().filter(|snapshot| is_another_state(snapshot)).count() as u64;
        Self { changes, snapshots }
    }

    pub(crate) fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// For a person: "2 changes that the project has not, and 1 snapshot of another state".
    pub(crate) fn text(self) -> String {
        let changes = match self.changes {
            0 => None,
            1 => Some("one change that the project has not".to_owned()),
            more => Some(format!("{more} changes that the project has not")),
        };
        let snapshots = match self.snapshots {
            0 => None,
            1 => Some("one snapshot of another state".to_owned()),
            more => Some(format!("{more} snapshots of other states")),
        };
        [changes, snapshots].into_iter().flatten().collect::<Vec<_>>().join(", and ")
    }
}

fn differences(sessions: &Sessions, record: &Record, from: Point<'_>, to: Point<'_>) -> Result<u64, Error> {
    let counts = changes(sessions, record, from, to)?.counts;
    Ok(counts.added + counts.modified + counts.deleted + counts.unread)
}
