//! Which deleted file is the older name of which new one: first those with the same bytes, then those that
//! are alike by half.
//!
//! A file that cannot be read is no rename; it is told as deleted and added.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::binary::blob_of_side;
use super::similarity::{Fingerprint, LARGEST};
use super::untold::Untold;
use super::{Diff, DiffError, Entry, Renamed, Side};
use crate::compare::Kind;

/// As git: alike are files of which so much is the same, in percent.
const ALIKE: u8 = 50;

/// As git's `diff.renameLimit`: with more pairs than that, none is looked at for likeness.
const PAIRS: usize = 1000 * 1000;

/// So many pieces of files are compared at most, whatever the number of pairs.
const WORK: usize = 200_000_000;

/// Numbers of entries: the older name, and the newer one.
type Pair = (usize, usize);

impl Diff<'_> {
    /// Joins the two entries of every renamed file.
    pub(super) fn find_renames(&mut self) -> Result<(), DiffError> {
        let mut pool = Pool::of(&self.entries);
        let exact = self.pair_same(&mut pool);
        let alike = self.pair_alike(&mut pool);
        let mut joined = Vec::new();
        for ((old, new), similarity) in exact.into_iter().map(|pair| (pair, 100)).chain(alike) {
            let from = self.entries[old].path.clone();
            self.entries[new].old = self.entries[old].old;
            self.entries[new].renamed = Some(Renamed { from, similarity });
            joined.push(old);
        }
        joined.sort_unstable();
        let mut number = 0;
        self.entries.retain(|_| {
            number += 1;
            joined.binary_search(&(number - 1)).is_err()
        });
        Ok(())
    }

    /// Reads those files alone whose size both sides have, and each once.
    fn pair_same(&self, pool: &mut Pool) -> Vec<Pair> {
        let sizes = |numbers: &[usize], side: &dyn Fn(&Entry) -> Option<Side>| -> HashSet<u64> {
            numbers.iter().filter_map(|&number| side(&self.entries[number])).map(|side| side.size).collect()
        };
        let old_sizes = sizes(&pool.old, &|entry| entry.old);
        let new_sizes = sizes(&pool.new, &|entry| entry.new);
        let blob = |stack, number: usize, side: Option<Side>, others: &HashSet<u64>| {
            let side = side.filter(|side| others.contains(&side.size))?;
            Some((number, blob_of_side(stack, &self.entries[number].path, &side).ok()?))
        };
        let old = pool.old.iter().filter_map(|&it| blob(self.old, it, self.entries[it].old, &new_sizes));
        let old: Vec<_> = old.collect();
        let new = pool.new.iter().filter_map(|&it| blob(self.new, it, self.entries[it].new, &old_sizes));
        let new: Vec<_> = new.collect();
        // The same last name is the likelier one.
        let mut pairs = self.pair_by(&old, &new, &HashSet::new(), &|number| self.name(number));
        let taken = pairs.iter().flat_map(|&(old, new)| [old, new]).collect();
        pairs.extend(self.pair_by(&old, &new, &taken, &|_| None));
        pool.take(&pairs);
        pairs
    }

    /// Pairs those with the same content and the same key that are not taken yet.
    fn pair_by<'s>(
        &'s self,
        old: &[(usize, String)],
        new: &[(usize, String)],
        taken: &HashSet<usize>,
        key: &dyn Fn(usize) -> Option<&'s Path>,
    ) -> Vec<Pair> {
        let mut by_key: HashMap<(&str, Option<&Path>), Vec<usize>> = HashMap::new();
        for (number, blob) in old.iter().rev().filter(|(number, _)| !taken.contains(number)) {
            by_key.entry((blob, key(*number))).or_default().push(*number);
        }
        let mut pairs = Vec::new();
        for (number, blob) in new.iter().filter(|(number, _)| !taken.contains(number)) {
            let candidates = by_key.get_mut(&(blob.as_str(), key(*number)));
            if let Some(old) = candidates.and_then(Vec::pop)
                // Names of contents may be made to collide.
                && self.is_same(old, *number)
            {
                pairs.push((old, *number));
            }
        }
        pairs
    }

    fn pair_alike(&mut self, pool: &mut Pool) -> Vec<(Pair, u8)> {
        if pool.old.is_empty() || pool.new.is_empty() {
            return Vec::new();
        }
        if pool.old.len().saturating_mul(pool.new.len()) > PAIRS {
            self.untold.push(Untold::renames_not_sought(pool.old.len(), pool.new.len()));
            return Vec::new();
        }
        let fingerprint = |stack, number: usize, side: Option<Side>| {
            let side = side.filter(|side| side.size <= LARGEST)?;
            Some((number, Fingerprint::read(stack, &self.entries[number].path, &side).ok()?))
        };
        let old = pool.old.iter().filter_map(|&old| fingerprint(self.old, old, self.entries[old].old));
        let old: Vec<_> = old.collect();
        let new = pool.new.iter().filter_map(|&new| fingerprint(self.new, new, self.entries[new].new));
        let new: Vec<_> = new.collect();
        let (alike, is_whole) = self.alike(&old, &new);
        if !is_whole {
            self.untold.push(Untold::renames_not_sought(old.len(), new.len()));
        }
        best(alike)
    }

    /// The pairs that are alike enough, and whether all could be compared.
    fn alike(
        &self,
        old: &[(usize, Fingerprint)],
        new: &[(usize, Fingerprint)],
    ) -> (Vec<(Pair, u8, bool)>, bool) {
        let (mut alike, mut work) = (Vec::new(), 0);
        for (new, now) in new {
            for (old, before) in old {
                if !before.may_be_alike(now, ALIKE) {
                    continue;
                }
                work += before.len() + now.len();
                if work > WORK {
                    return (alike, false);
                }
                let similarity = before.similarity(now);
                if similarity >= ALIKE {
                    alike.push(((*old, *new), similarity, self.name(*old) == self.name(*new)));
                }
            }
        }
        (alike, true)
    }

    fn is_same(&self, old: usize, new: usize) -> bool {
        let (Some(before), Some(now)) = (self.entries[old].old, self.entries[new].new) else { return false };
        let (old, new) = (&self.entries[old].path, &self.entries[new].path);
        self.is_same_file((old, &before), (new, &now)).unwrap_or(false)
    }

    fn name(&self, number: usize) -> Option<&Path> {
        self.entries[number].path.file_name().map(Path::new)
    }
}

/// The best pairs, each file in one of them.
fn best(mut alike: Vec<(Pair, u8, bool)>) -> Vec<(Pair, u8)> {
    alike.sort_by_key(|&(pair, similarity, same_name)| (std::cmp::Reverse((similarity, same_name)), pair));
    let (mut olds, mut news) = (HashSet::new(), HashSet::new());
    let mut best = Vec::new();
    for ((old, new), similarity, _) in alike {
        if !olds.contains(&old) && !news.contains(&new) {
            olds.insert(old);
            news.insert(new);
            best.push(((old, new), similarity));
        }
    }
    best
}

/// What may be a side of a rename: files that are gone, and such that are new.
struct Pool {
    old: Vec<usize>,
    new: Vec<usize>,
}

impl Pool {
    fn of(entries: &[Entry]) -> Self {
        let of = |may_be: &dyn Fn(&Entry) -> bool| {
            let numbered = entries.iter().enumerate().filter(|(_, entry)| may_be(entry));
            numbered.map(|(number, _)| number).collect()
        };
        // What is empty is like everything that is. And `git apply` does not see that a link went whose
        // name goes to another place, so it refuses files below it.
        let is_content = |side: &Side| side.kind == Kind::File && side.mode.is_some() && side.size > 0;
        let is_taken = |entry: &Entry| entry.refused_by_git().is_none();
        Self {
            old: of(&|it| it.new.is_none() && it.old.as_ref().is_some_and(is_content) && is_taken(it)),
            new: of(&|it| it.old.is_none() && it.new.as_ref().is_some_and(is_content) && is_taken(it)),
        }
    }

    fn take(&mut self, pairs: &[Pair]) {
        let old: HashSet<usize> = pairs.iter().map(|pair| pair.0).collect();
        let new: HashSet<usize> = pairs.iter().map(|pair| pair.1).collect();
        self.old.retain(|number| !old.contains(number));
        self.new.retain(|number| !new.contains(number));
    }
}
