//! The project changes while a session is at work, and while a commit is.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::io::Errno;

use super::super::stage::Content;
use super::super::*;
use super::fixture::{Scene, chmod};

fn conflicts(plan: &Plan) -> Vec<(String, Did, Did)> {
    plan.conflicts.iter().map(|it| (it.path.to_string_lossy().into_owned(), it.session, it.project)).collect()
}

#[test]
fn each_conflict_names_both_sides_and_nothing_lands() {
    let mut scene = Scene::new(&[("both", "1"), ("gone", "1"), ("lost", "1"), ("dir/a", "1"), ("fine", "1")]);
    for path in ["both", "lost", "fine", "new"] {
        scene.write(path, "session");
    }
    scene.delete("gone");
    scene.delete("dir");
    scene.note();
    fs::write(scene.project("both"), "project").unwrap();
    fs::write(scene.project("gone"), "project").unwrap();
    fs::write(scene.project("new"), "project").unwrap();
    fs::write(scene.project("dir/gained"), "project").unwrap();
    fs::remove_file(scene.project("lost")).unwrap();
    let before = scene.tree();
    let commit = scene.plan(&[], false);
    assert_eq!(
        conflicts(commit.plan()),
        [
            ("both".into(), Did::Changed, Did::Changed),
            ("gone".into(), Did::Deleted, Did::Changed),
            ("lost".into(), Did::Changed, Did::Deleted),
            ("new".into(), Did::Added, Did::Added),
            ("dir/gained".into(), Did::Deleted, Did::Added),
        ]
    );
    assert!(matches!(commit.land(&mut scene.seen), Err(LandError::Conflicts { count: 5 })));
    assert_eq!(scene.tree(), before);
}

#[test]
fn the_same_change_on_both_sides_is_no_conflict() {
    let mut scene = Scene::new(&[("a", "1"), ("b", "1")]);
    scene.write("a", "2");
    scene.delete("b");
    scene.note();
    fs::write(scene.project("a"), "2").unwrap();
    fs::remove_file(scene.project("b")).unwrap();
    assert!(scene.plan(&[], false).plan().is_empty());
    assert!(scene.plan(&[], false).plan().conflicts.is_empty());
}

#[test]
fn text_is_merged_where_the_changes_are_apart_and_the_rest_stays_refused() {
    let lines = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";
    let mut scene = Scene::new(&[("apart", lines), ("same", lines), ("binary", "a\0b"), ("fine", "1")]);
    scene.write("apart", &lines.replace("one", "ONE"));
    scene.write("same", &lines.replace("one", "ONE"));
    scene.write("binary", "a\0c");
    scene.write("fine", "2");
    scene.note();
    fs::write(scene.project("apart"), lines.replace("seven", "SEVEN")).unwrap();
    fs::write(scene.project("same"), lines.replace("one", "EINS")).unwrap();
    fs::write(scene.project("binary"), "a\0d").unwrap();
    let plan = scene.land(&[], true);
    assert_eq!(scene.read("apart"), lines.replace("one", "ONE").replace("seven", "SEVEN"));
    assert_eq!(scene.read("same"), lines.replace("one", "EINS"));
    assert_eq!(scene.read("fine"), "2");
    let refused: Vec<_> = plan.conflicts.iter().map(|it| it.path.to_str().unwrap()).collect();
    assert_eq!(refused, ["binary", "same"]);
    // The session still has its own version; nothing more lands, and a further change merges again.
    assert!(scene.plan(&["apart"], false).plan().is_empty());
    scene.write("apart", &lines.replace("one", "ONE!"));
    scene.note();
    assert_eq!(conflicts(scene.plan(&["apart"], false).plan()).len(), 1);
    assert!(scene.read("apart").contains("SEVEN"));
}

/// Changes the project when the first file is staged, after the plan was made.
struct Late<'a> {
    inner: &'a dyn Content,
    act: Box<dyn Fn() + 'a>,
}

impl Content for Late<'_> {
    fn open(&self, path: &Path) -> Result<OwnedFd, Errno> {
        (self.act)();
        self.inner.open(path)
    }
}

fn land_late(scene: &Scene, act: impl Fn()) -> LandError {
    let commit = scene.plan(&[], false);
    let view = View::new(&commit.project, &commit.session);
    let late = Late { inner: &view, act: Box::new(act) };
    land::land(&commit.commits, &commit.target, &commit.plan.order, &late).unwrap_err()
}

/// A name, and what somebody does to the project.
type Change = (&'static str, fn(&Scene));

#[test]
fn a_late_change_of_the_project_takes_the_whole_commit_back() {
    let changes: [Change; 6] = [
        ("written", |scene| fs::write(scene.project("z"), "late!").unwrap()),
        ("replaced", |scene| {
            fs::write(scene.project("tmp"), "1").unwrap();
            fs::rename(scene.project("tmp"), scene.project("z")).unwrap();
        }),
        ("gained", |scene| fs::write(scene.project("dir/late"), "late").unwrap()),
        ("made", |scene| fs::write(scene.project("new"), "late").unwrap()),
        ("chmod", |scene| chmod(&scene.project("mode"), 0o711)),
        ("moved", |scene| {
            if fs::rename(scene.project("sub"), scene.project("moved")).is_ok() {
                std::os::unix::fs::symlink("/tmp", scene.project("sub")).unwrap();
            }
        }),
    ];
    for (name, change) in changes {
        let mut scene =
            Scene::new(&[("a", "1"), ("z", "1"), ("dir/x", "1"), ("mode/x", "1"), ("sub/x", "1")]);
        for path in ["a", "z", "new", "sub/x"] {
            scene.write(path, "session");
        }
        scene.delete("dir");
        fs::create_dir(scene.upper("mode")).unwrap();
        chmod(&scene.upper("mode"), 0o700);
        scene.note();
        let error = land_late(&scene, || change(&scene));
        assert!(matches!(error, LandError::Meanwhile { .. }), "{name}: {error}");
        let tree = scene.tree();
        assert!(!tree.iter().any(|line| line.contains("session")), "{name}: {tree:?}");
        assert!(tree.contains(&"a 644 1".to_owned()) && tree.contains(&"dir/x 644 1".to_owned()), "{name}");
        scene.expect_no_traces();
    }
}

#[test]
fn a_session_that_still_writes_is_not_landed() {
    let mut scene = Scene::new(&[("a", "1")]);
    scene.write("a", "2");
    scene.note();
    let error = land_late(&scene, || fs::write(scene.upper("a"), "still writing").unwrap());
    assert!(matches!(error, LandError::SourceChanged { .. }), "{error}");
    assert_eq!(scene.tree(), ["a 644 1"]);
    scene.expect_no_traces();
}

#[test]
fn what_is_unrecorded_or_unsure_is_refused() {
    let mut scene = Scene::new(&[("a", "1")]);
    scene.write("a", "2");
    assert_eq!(conflicts(scene.plan(&[], false).plan()), [("a".into(), Did::Changed, Did::Unrecorded)]);
    let started = Seen::now();
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::write(scene.project("a"), "meanwhile").unwrap();
    let (upper, project) = (scene.upper(""), scene.project(""));
    scene.seen.note(&upper, &project, started, None).unwrap();
    assert_eq!(conflicts(scene.plan(&[], false).plan()), [("a".into(), Did::Changed, Did::ChangedMeanwhile)]);
}

#[test]
fn a_commit_that_was_taken_back_can_be_made_again() {
    let mut scene = Scene::new(&[("a", "1"), ("z", "1"), ("gone/x", "1")]);
    scene.write("a", "2");
    scene.write("z", "2");
    scene.delete("gone");
    scene.note();
    let error = land_late(&scene, || fs::write(scene.project("z"), "late").unwrap());
    assert!(matches!(error, LandError::Meanwhile { .. }), "{error}");
    assert_eq!(conflicts(scene.plan(&[], false).plan()), [("z".into(), Did::Changed, Did::Changed)]);
    scene.land(&["a", "gone"], false);
    assert_eq!(scene.tree(), ["a 644 2", "z 644 late"]);
}
