//! Which sessions are beyond what is to be kept.

use std::time::Duration;

use clearing_rootfs::{Listed, Record, Sessions, time_since};

use crate::error::Error;

/// What is to be kept; each bound alone is enough to go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Since the last use.
    pub(crate) age: Option<Duration>,
    /// Sessions, those used last.
    pub(crate) number: Option<usize>,
    /// Bytes of the sessions used last.
    pub(crate) bytes: Option<u64>,
}

/// The bound that a session is beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Age,
    Number,
    /// With so many bytes of its own.
    Size(u64),
}

/// Chooses from all sessions in which nothing runs, or may have when they were killed, the one used last first.
pub(crate) fn choose(sessions: &Sessions, bounds: Bounds) -> Result<Vec<(Record, Reason)>, Error> {
    let readable = |Listed { record, .. }: Listed| record.ok().filter(|record| record.running.is_none());
    let mut records: Vec<Record> = sessions.list()?.into_iter().filter_map(readable).collect();
    records.sort_by_key(|record| std::cmp::Reverse(record.used));
    let now = jiff::Timestamp::now();
    let (mut kept, mut bytes, mut chosen) = (0, 0_u64, Vec::new());
    for record in records {
        let size = sessions.written(&record)?.bytes;
        let idle = time_since(record.used, now);
        let reason = if bounds.age.is_some_and(|age| idle > age) {
            Some(Reason::Age)
        } else if bounds.number.is_some_and(|number| kept >= number) {
            Some(Reason::Number)
        } else {
            let most = bounds.bytes.filter(|most| bytes.saturating_add(size) > *most);
            most.map(|_| Reason::Size(size))
        };
        match reason {
            Some(reason) => chosen.push((record, reason)),
            None => {
                kept += 1;
                bytes = bytes.saturating_add(size);
            }
        }
    }
    Ok(chosen)
}
