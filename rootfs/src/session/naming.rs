//! The names of snapshots that nobody chose one for. That of a snapshot which is forgotten never comes again: whoever
//! was told of it would go back to another state.

use super::record::{Record, Snapshot, Why};

const STEMS: [&str; 7] =
    ["snapshot", "before-rollback", "fork", "before-exec", "rolled-back", "before-patch", "after-patch"];

impl Record {
    /// A name that no snapshot of the session has, or had.
    pub(super) fn free_name(&self, why: Why) -> String {
        let stem = stem(why);
        let there = self.snapshots.iter().filter_map(|snapshot| numbered(&snapshot.name));
        let forgotten = self.forgotten.iter().map(|(stem, number)| (stem.as_str(), *number));
        let of_stem = there.chain(forgotten).filter(|(known, _)| *known == stem);
        let last = of_stem.map(|(_, number)| number).max().unwrap_or(0);
        // Above the highest number, which somebody chose, there is none.
        let numbers = (last.saturating_add(1)..=u64::MAX).chain(1..=u64::MAX);
        let mut names = numbers.map(|number| format!("{stem}-{number}"));
        names.find(|name| self.snapshot(name).is_none()).unwrap_or_default()
    }

    /// Removes snapshots, and the layers that only they needed.
    pub(super) fn forget(&mut self, is_forgotten: impl Fn(&Snapshot) -> bool) {
        for snapshot in self.snapshots.iter().filter(|snapshot| is_forgotten(snapshot)) {
            if let Some((stem, number)) = numbered(&snapshot.name) {
                let highest = self.forgotten.entry(stem.to_owned()).or_default();
                *highest = number.max(*highest);
            }
        }
        self.snapshots.retain(|snapshot| !is_forgotten(snapshot));
        self.prune();
    }
}

fn stem(why: Why) -> &'static str {
    match why {
        Why::Initial | Why::Asked => "snapshot",
        Why::BeforeRollback => "before-rollback",
        Why::Fork => "fork",
        Why::BeforeExec => "before-exec",
        Why::RolledBack => "rolled-back",
        Why::BeforePatch => "before-patch",
        Why::AfterPatch => "after-patch",
    }
}

/// The two halves of a name that is of the form of those given here.
fn numbered(name: &str) -> Option<(&str, u64)> {
    let (stem, number) = name.rsplit_once('-')?;
    STEMS.contains(&stem).then_some((stem, number.parse().ok()?))
}
