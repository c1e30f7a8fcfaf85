//! Random snapshots, rollbacks and forks of random layers: what was seen once is seen again, and nobody sees what
//! another session did.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, XattrFlags, getxattr, mknodat, setxattr};

use super::*;
use crate::random::Random;

const OPAQUE: &str = "user.overlay.opaque";

fn path(random: &mut Random) -> PathBuf {
    (0..=random.below(3)).map(|_| ["a", "b", "c"][random.below(3)]).collect()
}

/// What a path shows: each as a line.
type View = Vec<String>;

/// A session, what it showed at each of its snapshots, and what it shows now.
struct Told {
    session: Session,
    snapshots: BTreeMap<String, View>,
    present: View,
}

impl Told {
    fn look(&self) -> View {
        let record = self.session.record();
        view(&self.session.sessions.uppers(record, Some(&record.live), "project").unwrap())
    }

    fn expect_unchanged(&self, case: &str) {
        assert_eq!(self.look(), self.present, "{case}");
        for snapshot in &self.session.record().snapshots {
            let uppers =
                self.session.sessions.uppers(self.session.record(), snapshot.top.as_ref(), "project");
            assert_eq!(view(&uppers.unwrap()), self.snapshots[&snapshot.name], "{case}: {}", snapshot.name);
        }
    }

    /// As a command would.
    fn edit(&mut self, random: &mut Random) {
        let upper = self.session.writable("project", None).unwrap().upper;
        (0..=random.below(4)).for_each(|_| put(random, &upper));
        self.present = self.look();
    }

    fn snapshot(&mut self) {
        let name = self.session.snapshot(None, Why::Asked).unwrap().name;
        self.snapshots.insert(name, self.present.clone());
    }

    fn roll_back(&mut self, random: &mut Random) {
        let names: Vec<_> = self.session.record().snapshots.iter().map(|it| it.name.clone()).collect();
        let name = &names[random.below(names.len())];
        let backup = self.session.rollback(name, Why::BeforeRollback).unwrap().backup;
        let before = std::mem::replace(&mut self.present, self.snapshots[name].clone());
        backup.into_iter().for_each(|backup| drop(self.snapshots.insert(backup, before.clone())));
    }

    fn fork(&mut self, random: &mut Random, sessions: &Sessions) -> Self {
        let names: Vec<_> = self.session.record().snapshots.iter().map(|it| it.name.clone()).collect();
        let from = names.get(random.below(names.len() + 1));
        let session = sessions.fork(&mut self.session, from.map(String::as_str), None).unwrap();
        let present = from.map_or(&self.present, |from| &self.snapshots[from]).clone();
        Self { session, snapshots: self.snapshots.clone(), present }
    }
}

/// Puts something of a layer at a path; what leads there becomes directories.
fn put(random: &mut Random, upper: &Path) {
    let below = path(random);
    let mut way = upper.to_owned();
    for name in below.parent().into_iter().flatten() {
        way.push(name);
        if !way.symlink_metadata().is_ok_and(|there| there.is_dir()) {
            let _ = fs::remove_file(&way);
            fs::create_dir(&way).unwrap();
        }
    }
    let path = upper.join(below);
    let _ = fs::remove_file(&path);
    let _ = fs::remove_dir_all(&path);
    match random.below(6) {
        0 => mknodat(CWD, &path, FileType::CharacterDevice, rustix::fs::Mode::empty(), 0).unwrap(),
        1 => fs::create_dir(&path).unwrap(),
        2 => {
            fs::create_dir(&path).unwrap();
            setxattr(&path, OPAQUE, b"y", XattrFlags::empty()).unwrap();
        }
        3 => std::os::unix::fs::symlink(format!("to-{}", random.below(9)), &path).unwrap(),
        _ => fs::write(&path, random.below(1000).to_string()).unwrap(),
    }
}

/// What layers show, newest first, as overlayfs has it: the first that has a name decides, and directories add up
/// until one hides what is below.
fn view(layers: &[PathBuf]) -> View {
    let mut lines = Vec::new();
    show(layers, Path::new(""), &mut lines);
    lines
}

fn show(directories: &[PathBuf], path: &Path, lines: &mut View) {
    let list = |directory: &PathBuf| fs::read_dir(directory).unwrap().map(|it| it.unwrap().file_name());
    for name in directories.iter().flat_map(list).collect::<BTreeSet<_>>() {
        let below = path.join(&name);
        let mut shown = Vec::new();
        for place in directories.iter().map(|directory| directory.join(&name)) {
            let Ok(metadata) = place.symlink_metadata() else { continue };
            if !metadata.is_dir() {
                if shown.is_empty() && !metadata.file_type().is_char_device() {
                    let target = fs::read_link(&place).map(|it| it.into_os_string().into_string().unwrap());
                    lines.push(format!(
                        "{below:?} {:?}",
                        target.or_else(|_| fs::read_to_string(&place)).unwrap()
                    ));
                }
                break;
            }
            if shown.is_empty() {
                lines.push(format!("{below:?} {:o}", metadata.permissions().mode()));
            }
            let hides = getxattr(&place, OPAQUE, &mut [0_u8; 1][..]).is_ok();
            shown.push(place);
            if hides {
                break;
            }
        }
        show(&shown, &below, lines);
    }
}

#[test]
fn random_snapshots_rollbacks_and_forks_show_what_they_should_and_nothing_else() {
    let number = |name: &str| std::env::var(name).ok().and_then(|it| it.parse::<u64>().ok());
    let cases = number("CLEARING_TEST_CASES").unwrap_or(2_000);
    let seed = number("CLEARING_TEST_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 20 | 1);
    eprintln!("seed {seed}, {cases} cases");
    let place = Place::in_memory();
    for case in 0..cases {
        let mut random = Random(seed.wrapping_add(case * 0x9e37_79b9) | 1);
        let snapshots = BTreeMap::from([("initial".to_owned(), View::new())]);
        let mut all = vec![Told { session: place.create(None), snapshots, present: View::new() }];
        for _ in 0..10 {
            let which = random.below(all.len());
            match random.below(7) {
                0 | 1 => all[which].snapshot(),
                2 => all[which].roll_back(&mut random),
                3 if all.len() < 4 => {
                    let fork = all[which].fork(&mut random, &place.sessions);
                    all.push(fork);
                }
                _ => all[which].edit(&mut random),
            }
            all.iter().for_each(|told| told.expect_unchanged(&format!("seed {seed} case {case}")));
        }
        for Told { session, .. } in all {
            let id = session.record().id.to_string();
            drop(session);
            place.sessions.remove(&id).unwrap();
        }
        assert_eq!(place.layers(), 0, "seed {seed} case {case}");
    }
}
