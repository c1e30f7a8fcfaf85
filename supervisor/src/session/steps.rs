//! The history of a session, step by step: what each changed of the one that it lies upon.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clearing_rootfs::{Changes, Counts, Hidden, Inventory, LayerId, PROJECT, Record, Sessions, Stack};

use super::{Point, top_of};
use crate::error::Error;

/// The steps of a session. However many there are, each layer is opened once for the steps that follow one another, and
/// looked through once for all: a step costs as much as what it changed.
pub(crate) struct Steps<'a> {
    sessions: &'a Sessions,
    record: &'a Record,
    hidden: Hidden,
    /// Where each layer has what it has of the project; none where that is nothing.
    uppers: BTreeMap<LayerId, Option<PathBuf>>,
    /// What was looked at last, which the next step mostly lies upon.
    last: Option<(Option<LayerId>, Stack)>,
    /// What the layers below have.
    inventory: Inventory,
}

/// So few layers are asked sooner than they are looked through.
const FEW: usize = 8;

impl<'a> Steps<'a> {
    pub(crate) fn of(sessions: &'a Sessions, record: &'a Record) -> Self {
        let hidden = Hidden::of(&record.hidden);
        Self {
            sessions,
            record,
            hidden,
            uppers: BTreeMap::new(),
            last: None,
            inventory: Inventory::default(),
        }
    }

    /// The snapshot below a point, and how much is different from it.
    pub(crate) fn step(&mut self, point: Point<'a>) -> Result<(Option<&'a str>, Counts), Error> {
        let (record, top) = (self.record, top_of(self.record, point));
        let below = match point {
            Point::Snapshot(snapshot) => record.snapshot_below(snapshot.top.as_ref(), Some(&snapshot.name)),
            Point::Live | Point::Project => record.snapshot_below(Some(&record.live), None),
        };
        let from = below.and_then(|below| below.top.as_ref());
        let old = match self.last.take() {
            Some((last, stack)) if last.as_ref() == from => stack,
            last => self.open(from, last.as_ref().map(|(_, stack)| stack))?,
        };
        let new = self.open(top, Some(&old))?;
        // What lies below a snapshot is sealed; what is on top of it may be written to just now.
        if old.depth() > FEW {
            self.inventory.learn(&old);
        }
        let counts = Changes::between_known_stacks(&old, &new, &self.inventory)?.counts;
        self.last = Some((top.cloned(), new));
        Ok((below.map(|below| below.name.as_str()), counts))
    }

    /// The stack below and with a layer, with what the other one has of it open already.
    fn open(&mut self, top: Option<&LayerId>, beside: Option<&Stack>) -> Result<Stack, Error> {
        let mut layers = Vec::new();
        for id in self.record.chain(top) {
            let upper = match self.uppers.get(&id) {
                Some(upper) => upper.clone(),
                None => {
                    let upper = self.sessions.upper(&id, PROJECT)?;
                    self.uppers.insert(id, upper.clone());
                    upper
                }
            };
            layers.extend(upper);
        }
        let bottom = Path::new(self.record.project());
        let stack = match beside {
            Some(beside) => beside.open_beside(&layers, bottom)?,
            None => Stack::open(&layers, bottom)?,
        };
        Ok(stack.hiding(&self.hidden))
    }
}
