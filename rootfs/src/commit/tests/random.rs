//! Random edits, committed: the project is what the session showed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::super::*;
use super::fixture::{Scene, chmod, tree, write};
use crate::random::Random;

impl Random {
    fn name(&mut self) -> &'static str {
        ["a", "b", "c", "dd", "e e", "f\n"][self.below(6)]
    }

    fn path(&mut self) -> PathBuf {
        (0..=self.below(3)).map(|_| self.name()).collect()
    }
}

/// One edit of a plain directory, as a command would make it.
fn edit(random: &mut Random, top: &Path) {
    let path = top.join(random.path());
    match random.below(8) {
        0 | 1 => {
            let _ = fs::remove_dir_all(&path);
            let _ = fs::remove_file(&path);
        }
        2 => drop(fs::create_dir_all(&path)),
        3 => {
            let is_real = fs::symlink_metadata(&path).is_ok_and(|it| !it.is_symlink());
            if is_real {
                chmod(&path, [0o700, 0o755, 0o750, 0o777][random.below(4)]);
            }
        }
        4 => {
            if path.parent().is_some_and(Path::is_dir) {
                let _ = symlink(random.name(), &path);
            }
        }
        5 => drop(fs::rename(&path, top.join(random.path()))),
        _ => {
            let _ = path.parent().map(fs::create_dir_all);
            let is_real = fs::symlink_metadata(&path).is_ok_and(|it| it.is_file());
            if is_real || fs::symlink_metadata(&path).is_err() {
                let _ = fs::write(&path, "x".repeat(random.below(5000)));
            }
        }
    }
}

/// Writes into `upper` what makes `lower` look like `shown`, as overlayfs might have.
fn derive(scene: &Scene, random: &mut Random, shown: &Path, path: &Path) {
    let lower = scene.project("").join(path);
    let place = shown.join(path);
    let is_dir = |path: &Path| fs::symlink_metadata(path).is_ok_and(|it| it.is_dir());
    let names = |directory: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(directory).into_iter().flatten();
        entries.map(|entry| path.join(entry.unwrap().file_name())).collect()
    };
    for child in names(&lower) {
        if fs::symlink_metadata(shown.join(&child)).is_err() {
            scene.delete(child.to_str().unwrap());
        }
    }
    for child in names(&place) {
        let (from, to) = (shown.join(&child), scene.upper(child.to_str().unwrap()));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        let metadata = fs::symlink_metadata(&from).unwrap();
        if metadata.is_dir() {
            if !is_dir(&scene.project(child.to_str().unwrap())) || random.below(4) == 0 {
                scene.make_opaque(child.to_str().unwrap());
            }
            fs::create_dir_all(&to).unwrap();
            derive(scene, random, shown, &child);
            fs::set_permissions(&to, metadata.permissions()).unwrap();
        } else if metadata.is_symlink() {
            symlink(fs::read_link(&from).unwrap(), &to).unwrap();
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

#[test]
fn the_project_becomes_what_the_session_shows() {
    let cases = std::env::var("CLEARING_TEST_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(2_000);
    let seed = std::env::var("CLEARING_TEST_SEED")
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()) ^ u64::try_from(Seen::now().1).unwrap() << 20 | 1);
    eprintln!("seed {seed}, {cases} cases");
    for case in 0..cases {
        let mut random = Random(seed.wrapping_add(case * 0x9e37_79b9) | 1);
        let mut scene = Scene::in_memory();
        (0..30).for_each(|_| edit(&mut random, &scene.project("")));
        write(&scene.project("always"), "there");
        let shown = scene.outside("shown");
        let copied = std::process::Command::new("cp").arg("-a").arg(scene.project("")).arg(&shown).status();
        assert!(copied.unwrap().success());
        (0..12).for_each(|_| edit(&mut random, &shown));
        derive(&scene, &mut random, &shown, Path::new(""));
        let expected = tree(&shown);
        let plan = scene.commit();
        assert!(plan.withheld.is_empty() && plan.conflicts.is_empty(), "seed {seed} case {case}: {plan:?}");
        assert_eq!(scene.tree(), expected, "seed {seed} case {case}");
    }
}
