//! What of a session's history is kept: so many snapshots, for so long, and never more layers than are quick.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::{AtFlags, Mode, linkat, mkdirat};
use rustix::io::Errno;

use super::Session;
use super::error::SessionError;
use super::history::Step;
use super::ids::LayerId;
use super::layers::Making;
use super::merge::merge;
use super::record::{LayerRecord, Record, Snapshot, Why};
use crate::atomic::replace;
use crate::descent::{entries, step};
use crate::files::read_regular;
use crate::layer_directory::layer_of_upper;
use crate::work::{AtWork, Work};
use crate::written::written;

/// More sealed layers than this below the live one are merged, where no snapshot stands between them. A mount
/// over so many takes a quarter of a millisecond.
const DEEPEST: usize = 32;

/// Which snapshots are kept, but for the first one, which costs nothing, and the last one that was taken by itself: it
/// stands beside so many that were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How many.
    pub number: u64,
    /// For how long.
    pub age: Option<Duration>,
}

/// What became of a session's history.
#[derive(Debug, Default)]
pub struct Retained {
    /// The names of the snapshots that are forgotten.
    pub forgotten: Vec<String>,
    /// Layers that stay apart though there are too many.
    pub apart: Option<Apart>,
}

/// Layers that could not be merged. They are as good by themselves, only slower.
#[derive(Debug)]
pub struct Apart {
    /// How many layers lie over the project.
    pub depth: usize,
    /// What stood against it first.
    pub why: SessionError,
}

/// Layers that were merged, of which no record knows yet.
#[derive(Debug)]
pub(super) struct Fewer {
    /// The record as it will be.
    pub(super) record: Record,
    making: Making,
    /// How many files each sealed layer has: counted once, since that never changes.
    inodes: BTreeMap<LayerId, u64>,
}

/// What merging came to.
#[derive(Debug, Default)]
pub struct Merging {
    /// Goes on above fewer layers; none where nothing was merged.
    pub step: Option<Step>,
    /// Layers that stay apart though there are too many.
    pub apart: Option<Apart>,
    /// Whether something may be left of what was tried.
    pub tried: bool,
}

impl Session {
    /// Forgets the snapshots that are not kept, and merges layers where there are too many. What is seen at
    /// present, and at the snapshots that are left, stays the same. The one that somebody is `told` is kept, is.
    pub fn retain(&mut self, retention: Retention, told: Option<&str>) -> Result<Retained, SessionError> {
        let forgotten = self.forget_all_beyond(retention, told)?;
        let Merging { step, apart, tried } = self.step_to_fewer()?;
        step.map_or(Ok(()), |step| self.take(step))?;
        if tried || !forgotten.is_empty() {
            self.collect_layers()?;
        }
        Ok(Retained { forgotten, apart })
    }

    /// Forgets the snapshots that are not kept, and tells their names.
    pub fn forget_beyond(&mut self, retention: Retention) -> Result<Vec<String>, SessionError> {
        self.forget_all_beyond(retention, None)
    }

    fn forget_all_beyond(
        &mut self,
        retention: Retention,
        told: Option<&str>,
    ) -> Result<Vec<String>, SessionError> {
        let forgotten = beyond(&self.record.snapshots, retention, told, Timestamp::now());
        if !forgotten.is_empty() {
            self.forget(&forgotten)?;
        }
        Ok(forgotten)
    }

    /// Removes the layers that no session names any more.
    pub fn collect_layers(&self) -> Result<(), SessionError> {
        self.sessions.collect_layers().map(drop)
    }

    /// The same for another thread, as it takes its time.
    pub fn collector(&self) -> impl FnOnce() + Send + use<> {
        let sessions = self.sessions.clone();
        // What stays is removed by whoever collects next.
        move || drop(sessions.collect_layers())
    }

    /// Whether there are more layers than is quick, snapshots to be forgotten aside.
    pub fn is_deep(&self) -> bool {
        self.record.depth() > DEEPEST + 1
    }

    /// Prepares to go on above merged layers, where there are too many. Until the step is taken they are garbage; from
    /// then on those are which were merged.
    pub fn step_to_fewer(&self) -> Result<Merging, SessionError> {
        if !self.is_deep() {
            return Ok(Merging::default());
        }
        let mut fewer = Fewer {
            record: self.record.clone(),
            making: self.sessions.layers.making()?,
            inodes: BTreeMap::new(),
        };
        let (mut tried, mut apart, mut first) = (false, BTreeSet::new(), None);
        while fewer.record.depth() > DEEPEST + 1 {
            let Some((older, newer)) = self.cheapest_pair(&mut fewer, &apart)? else { break };
            tried = true;
            // What a command wrote may stand against it: too deep, marked by hand, of another owner.
            let Err(why) = self.merge_pair(&mut fewer, &older, &newer) else { continue };
            // On a full disk no other pair fares better.
            let is_hopeless = why.is_full_disk();
            first.get_or_insert(why);
            if is_hopeless {
                break;
            }
            apart.insert(older);
        }
        let depth = fewer.record.depth();
        let apart = first.filter(|_| depth > DEEPEST + 1).map(|why| Apart { depth, why });
        let step = (depth < self.record.depth()).then(|| self.step_above(fewer));
        Ok(Merging { step, apart, tried })
    }

    /// Of the pairs that nothing needs apart, the one with the fewest files.
    fn cheapest_pair(
        &self,
        fewer: &mut Fewer,
        apart: &BTreeSet<LayerId>,
    ) -> Result<Option<(LayerId, LayerId)>, SessionError> {
        let Fewer { record, inodes, .. } = fewer;
        let chain = record.chain(record.sealed_top());
        let mut cheapest: Option<(u64, LayerId, LayerId)> = None;
        for pair in chain.windows(2) {
            let [newer, older] = pair else { continue };
            if !apart.contains(older) && !record.is_needed_apart(older) {
                let cost = self.inodes(older, inodes)? + self.inodes(newer, inodes)?;
                if cheapest.as_ref().is_none_or(|(least, ..)| cost < *least) {
                    cheapest = Some((cost, older.clone(), newer.clone()));
                }
            }
        }
        Ok(cheapest.map(|(_, older, newer)| (older, newer)))
    }

    fn inodes(&self, id: &LayerId, known: &mut BTreeMap<LayerId, u64>) -> Result<u64, SessionError> {
        if let Some(inodes) = known.get(id) {
            return Ok(*inodes);
        }
        let inodes = written(self.sessions.layers.open(id)?.as_fd()).inodes;
        known.insert(id.clone(), inodes);
        Ok(inodes)
    }

    fn merge_pair(&self, fewer: &mut Fewer, older: &LayerId, newer: &LayerId) -> Result<(), SessionError> {
        let layers = &self.sessions.layers;
        let merged = layers.make(&fewer.making)?;
        let failed = |errno| SessionError::file("merging layers into", layers.path(&merged), errno);
        let (old, new, into) = (layers.open(older)?, layers.open(newer)?, layers.open(&merged)?);
        merge_layers(&old, &new, &into).map_err(failed)?;
        fewer.record.replace_pair(older, newer, merged);
        Ok(())
    }
}

impl Record {
    /// Whether a snapshot stands on the layer, or more than one layer does.
    fn is_needed_apart(&self, id: &LayerId) -> bool {
        let named = self.snapshots.iter().any(|snapshot| snapshot.top.as_ref() == Some(id));
        let upon = self.layers.values().filter(|layer| layer.parent.as_ref() == Some(id)).count();
        named || upon != 1
    }

    fn replace_pair(&mut self, older: &LayerId, newer: &LayerId, merged: LayerId) {
        let (old, new) = (self.layers.remove(older), self.layers.remove(newer));
        let parent = old.as_ref().and_then(|layer| layer.parent.clone());
        let unsynced = [old, new].into_iter().flatten().find_map(|layer| layer.unsynced);
        for layer in self.layers.values_mut().filter(|layer| layer.parent.as_ref() == Some(newer)) {
            layer.parent = Some(merged.clone());
        }
        for snapshot in self.snapshots.iter_mut().filter(|snapshot| snapshot.top.as_ref() == Some(newer)) {
            snapshot.top = Some(merged.clone());
        }
        self.layers.insert(merged, LayerRecord { parent, unsynced });
    }
}

/// The names of snapshots that are too old or too many: of the latter the oldest, and those that were taken
/// by themselves before those that somebody asked for. Of those by themselves the last one stays, however many were
/// asked for: it may keep what a command left that was rolled back, and nothing else does. Whatever the clock says,
/// they come in the order in which they were taken.
fn beyond(snapshots: &[Snapshot], retention: Retention, told: Option<&str>, now: Timestamp) -> Vec<String> {
    let is_told = |snapshot: &Snapshot| told == Some(snapshot.name.as_str());
    let old = |snapshot: &Snapshot| {
        !is_told(snapshot) && retention.age.is_some_and(|age| time_since(snapshot.made, now) > age)
    };
    let (mut forgotten, mut kept): (Vec<&Snapshot>, Vec<&Snapshot>) =
        snapshots.iter().filter(|snapshot| snapshot.why != Why::Initial).partition(|snapshot| old(snapshot));
    let last = kept.iter().rfind(|snapshot| snapshot.why != Why::Asked).copied();
    kept.sort_by_key(|snapshot| snapshot.why == Why::Asked);
    let number = usize::try_from(retention.number).unwrap_or(usize::MAX);
    let many = kept.iter().take(kept.len().saturating_sub(number));
    forgotten.extend(many.filter(|snapshot| Some(**snapshot) != last));
    forgotten.iter().map(|snapshot| snapshot.name.clone()).collect()
}

/// How long ago that was. What a clock that was set back since has as yet to come is new.
pub fn time_since(then: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(then).try_into().unwrap_or(Duration::ZERO)
}

/// Merges every part, and what the session saw.
fn merge_layers(older: &OwnedFd, newer: &OwnedFd, into: &OwnedFd) -> Result<(), Errno> {
    let _work = AtWork::on(Work::Merge);
    let mut names = entries(older.as_fd())?;
    names.extend(entries(newer.as_fd())?);
    names.retain(|entry| layer_of_upper(entry.name.to_bytes()).is_some());
    names.sort_by(|one, other| one.name.cmp(&other.name));
    names.dedup_by(|one, other| one.name == other.name);
    for entry in names {
        mkdirat(into, &entry.name, Mode::RWXU)?;
        let (old, new) = (open_if_there(older, &entry.name)?, open_if_there(newer, &entry.name)?);
        merge(old.as_ref(), new.as_ref(), &step(into, &entry.name)?)?;
    }
    merge_seen(older, newer, into)
}

fn open_if_there(layer: &OwnedFd, name: &std::ffi::CStr) -> Result<Option<OwnedFd>, Errno> {
    match step(layer, name) {
        Err(Errno::NOENT) => Ok(None),
        opened => opened.map(Some),
    }
}

/// What the newer layer says of a path stands for what the older one said, and is read after it.
fn merge_seen(older: &OwnedFd, newer: &OwnedFd, into: &OwnedFd) -> Result<(), Errno> {
    let mut lines = Vec::new();
    mkdirat(into, c"base", Mode::RWXU)?;
    let base = step(into, c"base")?;
    for layer in [older, newer] {
        match read_regular(layer, "seen.jsonl", usize::MAX) {
            Err(Errno::NOENT) => {}
            content => lines.extend(content?),
        }
        let Some(kept) = open_if_there(layer, c"base")? else { continue };
        for entry in entries(kept.as_fd())? {
            linkat(&kept, &entry.name, &base, &entry.name, AtFlags::empty())?;
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    replace(into, c"seen.jsonl", &lines)
}
