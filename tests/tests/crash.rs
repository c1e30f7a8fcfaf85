//! Killed before any of the system calls that change something, a commit is whole or has never been.
//!
//! `CLEARING_CRASH_POINTS=all` tries every point of every verb; else each of a commit, and every tenth of
//! the others.
#![cfg(target_arch = "x86_64")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use clearing_tests::{Change, Site, for_each_caller, run_and_kill};

/// Everything that a commit can change, by path: mode, and content or target. Times of files, too.
type Shape = BTreeMap<PathBuf, (u32, String, (i64, i64))>;

fn shape(top: &Path) -> Shape {
    let mut shape = Shape::new();
    let mut pending = vec![top.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).expect("a readable directory") {
            let path = entry.expect("an entry").path();
            let metadata = fs::symlink_metadata(&path).expect("an entry");
            let time = if metadata.is_file() { (metadata.mtime(), metadata.mtime_nsec()) } else { (0, 0) };
            let content = if metadata.is_symlink() {
                fs::read_link(&path).expect("a link").display().to_string()
            } else if metadata.is_file() {
                fs::read_to_string(&path).expect("a text")
            } else {
                pending.push(path.clone());
                String::new()
            };
            let path = path.strip_prefix(top).expect("below the top").to_owned();
            shape.insert(path, (metadata.mode(), content, time));
        }
    }
    shape
}

/// A project, and a session that makes, changes, deletes and replaces something in it.
struct Fixture<'s> {
    site: &'s Site,
    old: Shape,
    number: usize,
}

const EDITS: &str = "
    echo new > changed; rm -r gone; rm lost; mkdir made; echo in > made/in; ln -s in made/link
    chmod 700 mode; echo more > mode/more; rm swapped; mkdir swapped; echo x > swapped/x; chmod 555 made";

impl<'s> Fixture<'s> {
    fn new(site: &'s Site) -> Self {
        let mut fixture = Self { site, old: Shape::new(), number: 0 };
        fixture.renew();
        fixture
    }

    /// Makes project and session anew.
    fn renew(&mut self) {
        let project = self.site.project();
        for entry in fs::read_dir(&project).expect("the project") {
            let path = entry.expect("an entry").path();
            let _ = fs::set_permissions(&path, fs::Permissions::from_mode(0o755));
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
        for path in ["changed", "gone/a/b", "gone/c", "lost", "mode/old", "swapped", "kept"] {
            self.site.write(path, path);
        }
        symlink("kept", project.join("link")).expect("a link");
        self.site.own(&project);
        self.old = shape(&project);
        self.number += 1;
        self.site.clearing(["create", "--name", &self.name()]).output().expect_code(0);
        let edit = ["exec", &self.name(), "--", "sh", "-ec", EDITS];
        self.site.clearing(edit).output().expect_code(0);
    }

    fn name(&self) -> String {
        format!("crash{}", self.number)
    }

    fn now(&self) -> Shape {
        shape(&self.site.project())
    }

    /// What the whole commit makes of the project, and the calls that it needs.
    fn new_shape(&mut self) -> (Shape, Vec<Change>) {
        let trace = run_and_kill(self.site, &["commit", &self.name(), "--yes"], None);
        assert_eq!(trace.code, Some(0), "the commit lands when it is not killed");
        let new = self.now();
        self.renew();
        (new, trace.changes)
    }

    /// The next command, whichever, puts things right.
    fn recover(&self) {
        self.site.clearing(["ls"]).output().expect_code(0);
        let commits = self.site.state().join("commits");
        let left: Vec<_> = fs::read_dir(commits).map(|it| it.flatten().collect()).unwrap_or_default();
        assert!(left.is_empty(), "a journal is left: {left:?}");
    }
}

/// Paths and contents, without the times that differ from one fixture to the next.
fn plain(shape: &Shape) -> Vec<(&PathBuf, u32, &str)> {
    shape.iter().map(|(path, (mode, content, _))| (path, *mode, content.as_str())).collect()
}

#[test]
fn a_commit_that_is_killed_anywhere_is_whole_or_has_never_been() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut fixture = Fixture::new(&site);
        let (new, calls) = fixture.new_shape();
        let (mut killed, mut as_before, mut landed) = (0, 0, 0);
        for (point, call) in calls.iter().enumerate() {
            let trace = run_and_kill(&site, &["commit", &fixture.name(), "--yes"], Some(point));
            // What was taken back before may need a call less, so that the last points are after its end.
            assert!(matches!(trace.code, None | Some(0)), "{point}: {:?} before {:?}", trace.code, call);
            killed += usize::from(trace.code.is_none());
            fixture.recover();
            let now = fixture.now();
            if now == fixture.old {
                as_before += 1;
            } else {
                assert_eq!(plain(&now), plain(&new), "{point}: killed before {:?}", call);
                landed += 1;
                fixture.renew();
            }
        }
        println!("crash points of commit as {caller:?}: {killed}, {as_before} old, {landed} new");
        assert!(killed + 5 > calls.len() && as_before > 20 && landed > 5);
        // After all these crashes the session has lost nothing.
        site.clearing(["commit", &fixture.name(), "--yes"]).output().expect_code(0);
        assert_eq!(plain(&fixture.now()), plain(&new));
    });
}

#[test]
fn a_recovery_that_is_killed_is_taken_up_by_the_next() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut fixture = Fixture::new(&site);
        let (new, calls) = fixture.new_shape();
        let all = std::env::var_os("CLEARING_CRASH_POINTS").is_some_and(|points| points == "all");
        let mut points = 0;
        for first in (0..calls.len()).step_by(if all { 1 } else { 10 }) {
            for second in 0.. {
                run_and_kill(&site, &["commit", &fixture.name(), "--yes"], Some(first));
                let recovery = run_and_kill(&site, &["ls"], Some(second));
                fixture.recover();
                let now = fixture.now();
                if now != fixture.old {
                    assert_eq!(plain(&now), plain(&new), "killed before {first}, and again before {second}");
                    fixture.renew();
                }
                if recovery.code.is_some() {
                    break;
                }
                points += 1;
            }
        }
        println!("crash points of recovery as {caller:?}: {points}");
        assert!(points > 50);
    });
}

#[test]
fn files_are_synced_before_names_change_and_the_journal_before_both() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut fixture = Fixture::new(&site);
        let (_, calls) = fixture.new_shape();
        let at = |wanted: &dyn Fn(&Change) -> bool| {
            let found: Vec<usize> =
                calls.iter().enumerate().filter(|(_, call)| wanted(call)).map(|(at, _)| at).collect();
            assert!(!found.is_empty(), "{calls:#?}");
            (found[0], found[found.len() - 1])
        };
        let is_staged = |call: &Change| call.path.to_string_lossy().contains(".clearing-");
        let stage =
            |name: &'static str| at(&move |call| call.call == "renameat" && call.path == Path::new(name)).0;
        let staged = at(&|call| is_staged(call) && matches!(call.call, "openat" | "mkdirat"));
        let synced = at(&|call| is_staged(call) && call.call == "fsync");
        let renamed = at(&|call| call.call == "renameat2");
        let removed = at(&|call| is_staged(call) && call.call == "unlinkat");
        let journal_synced = |stage: usize| {
            assert_eq!(calls[stage - 1].call, "fsync", "written, synced, renamed");
            assert_eq!(calls[stage + 1].call, "fsync", "and its directory synced");
        };
        journal_synced(stage("plan"));
        journal_synced(stage("ready"));
        assert!(stage("plan") < staged.0 && staged.1 < synced.1 && synced.1 < stage("ready"));
        assert!(stage("ready") < renamed.0 && renamed.1 < stage("landed") && stage("landed") < removed.0);
        let directories =
            calls[renamed.1..stage("landed")].iter().filter(|call| call.call == "fsync").count();
        assert!(directories >= 2, "the directories are synced before it counts: {directories}");
        let files = calls.iter().filter(|call| is_staged(call) && call.call == "openat").count();
        let all_synced =
            calls[..renamed.0].iter().filter(|call| is_staged(call) && call.call == "fsync").count();
        assert!(all_synced >= files, "{all_synced} of {files} are synced");
    });
}
