//! Patches that are put together from pieces of others, broken at random: nothing panics, what is refused changes
//! nothing, and what is accepted makes of the tree on disk what the simulation made of it in memory.
//!
//! It goes on for `CLEARING_FUZZ_SECONDS`, three unless that is set, and begins with `CLEARING_TEST_SEED`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use clearing_rootfs::{DirectoryTree, Node as Made, Patch, Prepared, Reading};

use crate::READING;
use crate::hostile::{corpus, make, rules};
use crate::random::Random;
use crate::tree::{Node, Tree, as_git_knows, read_tree};

#[test]
fn no_patch_panics_and_the_disk_has_what_the_simulation_has() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let end = Instant::now() + Duration::from_secs(number("CLEARING_FUZZ_SECONDS").unwrap_or(3));
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let first = number("CLEARING_TEST_SEED").unwrap_or_else(now);
    println!("CLEARING_TEST_SEED={first}");
    let pieces = corpus();
    let (mut cases, mut accepted) = (0, 0);
    let mut bed = Bed::new();
    while cases < 100 || Instant::now() < end {
        let seed = first.wrapping_add(cases);
        accepted += u64::from(bed.try_one(&mut Random::new(seed), &pieces, seed));
        cases += 1;
    }
    println!("{cases} patches, {accepted} accepted");
    assert!(cases < 1000 || accepted > 0, "nothing was accepted, so nothing was shown");
}

/// A tree on disk that is made anew when a patch has changed it.
struct Bed {
    scratch: tempfile::TempDir,
    before: Tree,
}

impl Bed {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        make(scratch.path());
        let before = read_tree(scratch.path());
        Self { scratch, before }
    }

    /// Whether the patch was accepted.
    fn try_one(&mut self, random: &mut Random, pieces: &[Vec<u8>], seed: u64) -> bool {
        let patch = broken(random, pieces);
        let context = format!("CLEARING_TEST_SEED={seed}\n{}", patch.escape_ascii());
        let strip = [None, Some(0), Some(1), Some(2)][random.below(4)];
        let reading = Reading { strip, without_context: random.one_in(4), made: 1 << 20, ..READING };
        let tree = DirectoryTree::open(&self.scratch.path().join("project")).unwrap();
        let Ok(patch) = Patch::read(&patch, reading) else { return false };
        let (checked, ready) = (patch.simulate(&tree), patch.prepare(&tree));
        let checked = checked.map(|simulation| format!("{simulation:?}"));
        let prepared = ready.as_ref().map(|ready| format!("{:?}", ready.simulation));
        assert_eq!(checked.as_ref(), prepared.as_ref().map_err(|refused| *refused), "{context}");
        let Ok(ready) = ready else { return false };
        // Whether the rules permit it or not.
        let _ = ready.simulation.judge(&rules());
        ready.apply(&tree).unwrap_or_else(|error| panic!("{context}: {error:?}"));
        let (now, expected) = (as_git_knows(&read_tree(self.scratch.path())), self.expected(&ready));
        assert!(now == expected, "{context}\n{}", differing(&now, &expected));
        *self = Self::new();
        true
    }

    fn expected(&self, ready: &Prepared) -> Tree {
        let project = |path: &Path| Path::new("project").join(path);
        let mut expected = as_git_knows(&self.before);
        let deeds = &ready.simulation.deeds;
        for path in deeds.iter().filter_map(|deed| deed.how.removed()) {
            expected.remove(&project(path));
        }
        for (number, deed) in deeds.iter().enumerate() {
            let (Some(path), Some(node)) = (deed.how.target(), &deed.new) else { continue };
            let node = match node {
                Made::Link(target) => Node::Link(target.clone()),
                Made::File { mode, .. } => {
                    Node::File { content: ready.content(number).to_vec(), mode: *mode }
                }
            };
            expected.insert(project(path), node);
        }
        as_git_knows(&expected)
    }
}

fn differing(now: &Tree, expected: &Tree) -> String {
    let both: BTreeMap<&PathBuf, ()> = now.keys().chain(expected.keys()).map(|path| (path, ())).collect();
    let differing = both.into_keys().filter(|path| now.get(*path) != expected.get(*path));
    differing.map(|path| format!("{path:?}: {:?}, not {:?}\n", now.get(path), expected.get(path))).collect()
}

/// One or more patches, of which lines were left out, repeated, swapped, changed, or taken from another.
fn broken(random: &mut Random, pieces: &[Vec<u8>]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for _ in 0..=random.below(3) {
        lines.extend(random.pick(pieces).split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec));
    }
    for _ in 0..random.below(4) {
        if lines.is_empty() {
            break;
        }
        let (at, other) = (random.below(lines.len()), random.below(lines.len()));
        match random.below(6) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[other].clone()),
            2 => lines.swap(at, other),
            3 => {
                let piece = random.pick(pieces);
                let taken: Vec<&[u8]> = piece.split_inclusive(|&byte| byte == b'\n').collect();
                if !taken.is_empty() {
                    lines[at] = random.pick(&taken).to_vec();
                }
            }
            _ => {
                let length = lines[at].len();
                let place = random.below(length.max(1));
                if let Some(byte) = lines[at].get_mut(place) {
                    *byte = *random.pick(b"0189 +-@/.\"\\\t\r\n\0ab\xff");
                }
            }
        }
    }
    lines.concat()
}
