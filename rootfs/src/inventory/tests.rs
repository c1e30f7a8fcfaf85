//! Whoever knows what layers have is told the same as who asks each of them.

use super::*;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use rustix::fs::{CWD, Mode, XattrFlags, mknodat, setxattr};

use crate::hidden::{Hidden, HiddenPath};
use crate::path_text::PathText;
use crate::stack::Found;
use crate::walk::{Difference, compare, compare_knowing};

/// xorshift: any seed but 0.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    fn path(&mut self) -> PathBuf {
        (0..=self.below(4)).map(|_| ["a", "b", "c"][self.below(3)]).collect()
    }
}

/// Layers over a bottom, each upon another one or upon the bottom itself.
struct Layers {
    scratch: tempfile::TempDir,
    parents: Vec<Option<usize>>,
    closed: Vec<PathBuf>,
    hidden: Hidden,
}

impl Layers {
    fn random(random: &mut Random) -> Self {
        let memory = Path::new("/dev/shm");
        let scratch = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let scratch = scratch.unwrap();
        let count = 2 + random.below(6);
        let parents: Vec<_> =
            (0..count).map(|layer| layer.checked_sub(1 + random.below(4) / 3 * random.below(3))).collect();
        let hidden =
            (0..random.below(3)).map(|_| HiddenPath { path: PathText(random.path()), rule: "r".into() });
        let hidden = Hidden::of(&hidden.collect::<Vec<_>>());
        let mut layers = Self { scratch, parents, closed: Vec::new(), hidden };
        for layer in 0..=count {
            let top = layers.path(layer);
            fs::create_dir(&top).unwrap();
            (0..random.below(9)).for_each(|_| put(random, &top));
        }
        for layer in 0..=count {
            if random.below(4) == 0 {
                let path = layers.path(layer).join(random.path());
                if path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
                    layers.close(path, [0, 0o400, 0o100][random.below(3)]);
                }
            }
        }
        layers
    }

    fn close(&mut self, path: PathBuf, mode: u32) {
        if fs::set_permissions(&path, fs::Permissions::from_mode(mode)).is_ok() {
            self.closed.push(path);
        }
    }

    /// The last one is the bottom.
    fn path(&self, layer: usize) -> PathBuf {
        self.scratch.path().join(layer.to_string())
    }

    fn stack(&self, top: Option<usize>) -> Stack {
        let chain = std::iter::successors(top, |layer| self.parents[*layer]);
        let layers: Vec<PathBuf> = chain.map(|layer| self.path(layer)).collect();
        Stack::open(&layers, &self.path(self.parents.len())).unwrap().hiding(&self.hidden)
    }
}

impl Drop for Layers {
    fn drop(&mut self) {
        for path in self.closed.iter().rev() {
            let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
        }
    }
}

/// Puts something of a layer at a path; what leads there becomes directories.
fn put(random: &mut Random, top: &Path) {
    let below = random.path();
    let mut way = top.to_owned();
    for name in below.parent().into_iter().flatten() {
        way.push(name);
        if !way.symlink_metadata().is_ok_and(|there| there.is_dir()) {
            let _ = fs::remove_file(&way);
            fs::create_dir(&way).unwrap();
        }
    }
    let path = top.join(below);
    let _ = fs::remove_file(&path);
    let _ = fs::remove_dir_all(&path);
    let mark = |name: &str, value: &[u8]| setxattr(&path, name, value, XattrFlags::empty()).unwrap();
    match random.below(40) {
        0..6 => mknodat(CWD, &path, FileType::CharacterDevice, Mode::empty(), 0).unwrap(),
        6..9 => {
            fs::write(&path, "").unwrap();
            mark("user.overlay.whiteout", b"");
        }
        9..14 => fs::create_dir(&path).unwrap(),
        14..20 => {
            fs::create_dir(&path).unwrap();
            mark("user.overlay.opaque", if random.below(3) == 0 { b"x" } else { b"y" });
        }
        20..23 => symlink(format!("to-{}", random.below(2)), &path).unwrap(),
        23 => mknodat(CWD, &path, FileType::Fifo, Mode::RUSR, 0).unwrap(),
        24 => {
            fs::create_dir(&path).unwrap();
            mark("user.overlay.redirect", b"/etc");
        }
        25 => {
            fs::write(&path, "").unwrap();
            mark("user.overlay.metacopy", b"");
        }
        _ => fs::write(&path, random.below(3).to_string()).unwrap(),
    }
}

/// All of it but the times: to read a directory changes one.
fn line(found: &Found) -> String {
    let stat = found.stat.map(|stat| (stat.st_dev, stat.st_ino, stat.st_mode, stat.st_size));
    format!("{:?} {stat:?} {} {:?}", found.kind, found.layer, found.directories)
}

/// All that a comparison tells, its end as the last line.
fn told(
    walk: impl FnOnce(&mut dyn FnMut(&Path, Difference<'_>)) -> Result<(), crate::walk::WalkError>,
) -> Vec<String> {
    let mut told = Vec::new();
    let ended = walk(&mut |path, difference| {
        let found = match difference {
            Difference::Added { new, .. } => vec![new],
            Difference::Modified { old, new } => vec![old, new],
            Difference::Deleted { old, .. } => vec![old],
            Difference::Unread => Vec::new(),
        };
        let filled = matches!(
            difference,
            Difference::Added { filled: true, .. } | Difference::Deleted { filled: true, .. }
        );
        let found: Vec<String> = found.into_iter().map(line).collect();
        told.push(format!("{path:?} {:?} {filled} {found:?}", std::mem::discriminant(&difference)));
    });
    told.push(format!("{ended:?}"));
    told
}

#[test]
fn random_layers_differ_by_the_same_whoever_knows_them() {
    let number = |name: &str| std::env::var(name).ok().and_then(|it| it.parse::<u64>().ok());
    let cases = number("CLEARING_TEST_CASES").unwrap_or(500);
    let seed = number("CLEARING_TEST_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 20 | 1);
    eprintln!("seed {seed}, {cases} cases");
    let mut differences = 0;
    for case in 0..cases {
        let mut random = Random(seed.wrapping_add(case * 0x9e37_79b9) | 1);
        let layers = Layers::random(&mut random);
        let room = if random.below(4) == 0 { random.below(20) * EACH } else { ROOM };
        let mut inventory = Inventory { room, ..Inventory::default() };
        for _ in 0..6 {
            let mut any = || random.below(layers.parents.len() + 1).checked_sub(1);
            let (old, new) = (layers.stack(any()), layers.stack(any()));
            match random.below(4) {
                0 => {}
                1 => [&new, &old].into_iter().for_each(|stack| inventory.learn(stack)),
                _ => inventory.learn(&old),
            }
            let asked = told(|found| compare(&old, &new, found));
            let known = told(|found| compare_knowing(&old, &new, &inventory, found));
            assert_eq!(known, asked, "seed {seed} case {case}");
            differences += asked.len() - 1;
        }
    }
    assert!(differences as u64 > cases, "{differences} differences in {cases} cases");
}

#[test]
fn who_knows_the_layers_looks_at_those_alone_that_have_the_name() {
    let scratch = tempfile::tempdir().unwrap();
    let path = |layer: usize, name: &str| scratch.path().join(layer.to_string()).join(name);
    for layer in 0..5 {
        fs::create_dir_all(path(layer, "d/e")).unwrap();
        fs::write(path(layer, &format!("d/e/{layer}")), "x").unwrap();
    }
    let stack = Stack::open(&[3, 2, 1, 0].map(|layer| path(layer, "")), &path(4, "")).unwrap();
    let mut inventory = Inventory::default();
    inventory.learn(&stack);
    let shelf = inventory.of(&stack);
    let having =
        |directory: &str, name: &CStr| shelf.drawer(Path::new(directory), &[0, 1, 2, 3, 4]).having(name);
    let bottom = (4, Sight::Unknown);
    assert_eq!(having("d/e", c"2"), [(1, Sight::Unknown), bottom]);
    assert_eq!(having("d/e", c"new"), [bottom]);
    let merged = [0, 1, 2, 3].map(|layer| (layer, Sight::Merged));
    assert_eq!(having("d", c"e"), [&merged[..], &[bottom]].concat());
}

#[test]
fn of_what_there_was_no_room_for_nothing_is_known() {
    let scratch = tempfile::tempdir().unwrap();
    let [layer, bottom] = ["layer", "bottom"].map(|name| scratch.path().join(name));
    fs::create_dir_all(layer.join("d/e")).unwrap();
    fs::create_dir(&bottom).unwrap();
    let stack = Stack::open(&[layer], &bottom).unwrap();
    let mut inventory = Inventory { room: EACH + 1, ..Inventory::default() };
    inventory.learn(&stack);
    let shelf = inventory.of(&stack);
    let both = [(0, Sight::Unknown), (1, Sight::Unknown)];
    assert_eq!(shelf.drawer(Path::new(""), &[0, 1]).having(c"absent"), [(1, Sight::Unknown)]);
    assert_eq!(shelf.drawer(Path::new("d"), &[0, 1]).having(c"absent"), both);
    assert_eq!(shelf.drawer(Path::new("d/e"), &[0, 1]).having(c"absent"), both);
}
