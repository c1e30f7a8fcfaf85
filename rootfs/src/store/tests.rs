use super::*;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::layer_directory::LayerTop;

fn store() -> (tempfile::TempDir, Store) {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::open(&scratch.path().join("a/state")).unwrap();
    (scratch, store)
}

fn runs(store: &Store) -> usize {
    fs::read_dir(store.path().join("runs")).unwrap().count()
}

#[test]
fn the_default_path_follows_the_variables_in_order() {
    let path = |set: &[(&str, &str)]| {
        let set: Vec<(String, OsString)> = set.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        Store::default_path(&move |name| {
            set.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
        })
    };
    let home = ("HOME", "/home/ann");
    assert_eq!(path(&[home]).unwrap(), Path::new("/home/ann/.local/state/clearing"));
    assert_eq!(path(&[home, ("XDG_STATE_HOME", "/s")]).unwrap(), Path::new("/s/clearing"));
    assert_eq!(path(&[home, ("XDG_STATE_HOME", "")]).unwrap(), Path::new("/home/ann/.local/state/clearing"));
    assert_eq!(path(&[("CLEARING_STATE_DIR", "/c"), ("XDG_STATE_HOME", "/s")]).unwrap(), Path::new("/c"));
    assert!(matches!(path(&[("CLEARING_STATE_DIR", "c"), home]), Err(StoreError::Relative { .. })));
    assert!(matches!(path(&[]), Err(StoreError::NoPlace)));
}

#[test]
fn the_state_directory_is_made_for_the_caller_alone() {
    let (_scratch, store) = store();
    for path in [store.path().to_owned(), store.path().join("runs"), store.path().join("..")] {
        assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o700);
    }
}

#[test]
fn a_state_directory_that_others_can_write_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    for mode in [0o770, 0o707, 0o1777] {
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(mode)).unwrap();
        let error = Store::open(scratch.path()).unwrap_err();
        assert!(matches!(error, StoreError::WritableByOthers { .. }) && error.hint().is_some(), "{error}");
    }
}

#[test]
fn a_state_directory_of_another_user_or_no_directory_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("file"), "").unwrap();
    let file = Store::open(&scratch.path().join("file")).unwrap_err();
    assert!(matches!(file, StoreError::NotADirectory { .. }), "{file}");
    assert!(matches!(Store::open(Path::new("relative")), Err(StoreError::Relative { .. })));
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(scratch.path(), Some(12345), None).unwrap();
    }
    let path = if rustix::process::geteuid().is_root() { scratch.path() } else { Path::new("/") };
    let foreign = Store::open(path).unwrap_err();
    assert!(matches!(foreign, StoreError::ForeignOwner { .. }), "{foreign}");
}

#[test]
fn a_run_leaves_nothing_once_discarded() {
    let (_scratch, store) = store();
    let run = store.begin_run().unwrap();
    let layer = run.layer("project", None).unwrap();
    fs::create_dir_all(layer.upper.join("a/b")).unwrap();
    fs::create_dir(layer.work.join("work")).unwrap();
    fs::set_permissions(layer.work.join("work"), fs::Permissions::from_mode(0o000)).unwrap();
    run.discard().unwrap();
    assert_eq!(runs(&store), 0);
}

#[test]
fn a_layer_carries_the_mode_of_what_it_covers_whatever_the_umask() {
    let (_scratch, store) = store();
    let run = store.begin_run().unwrap();
    let layer = run.layer("project", Some(LayerTop { mode: 0o1777, owner: None })).unwrap();
    assert_eq!(fs::metadata(&layer.upper).unwrap().mode() & 0o7777, 0o1777);
    assert_eq!(fs::metadata(&layer.work).unwrap().mode() & 0o7777, 0o700);
    assert!(run.layer("project", None).is_err(), "a work directory is never used twice");
}

#[test]
fn a_layer_of_a_root_caller_belongs_to_whom_it_is_given() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    let (_scratch, store) = store();
    let run = store.begin_run().unwrap();
    let top = LayerTop { mode: 0o755, owner: Some((524_288, 524_289)) };
    let layer = run.layer("project", Some(top)).unwrap();
    for path in [layer.upper, layer.work] {
        let stat = fs::metadata(path).unwrap();
        assert_eq!((stat.uid(), stat.gid()), (524_288, 524_289));
    }
}

#[test]
fn collecting_takes_dead_runs_and_leaves_live_ones() {
    let (_scratch, store) = store();
    let live = store.begin_run().unwrap();
    let dead = store.begin_run().unwrap();
    fs::create_dir_all(dead.path().join("x/y")).unwrap();
    drop(dead);
    fs::write(store.path().join("runs/0123456789abcdef"), "").unwrap();
    let collected = store.collect().unwrap();
    assert_eq!((collected.removed, collected.held, collected.failed.len()), (2, 1, 0));
    assert!(live.path().exists());
    assert_eq!(runs(&store), 1);
}

/// Somebody took a directory of theirs for the state directory.
#[test]
fn what_has_no_name_of_ours_is_never_collected() {
    let (_scratch, store) = store();
    let sessions = store.sessions().unwrap();
    let theirs = [
        "runs/train-1",
        "runs/0123456789ABCDEF",
        "layers/base",
        "layers/l-",
        "layers/.gone-by",
        "commits/2024",
        "commits/gone-by",
    ];
    let theirs = theirs.map(|path| store.path().join(path).join("weights"));
    for path in &theirs {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let ours = ["layers/l-22222222222b", "layers/.gone-l-22222222222c"].map(|path| store.path().join(path));
    ours.iter().for_each(|path| fs::create_dir(path).unwrap());
    assert_eq!(store.collect().unwrap().removed, 0);
    assert!(sessions.collect().unwrap().is_empty());
    assert!(Store::recover_commits(store.path()).is_empty());
    assert_eq!(theirs.iter().filter(|path| !path.exists()).count(), 0);
    assert!(ours.iter().all(|path| !path.exists()));
}

#[test]
fn a_run_lives_as_long_as_any_copy_of_its_lock() {
    let (_scratch, store) = store();
    let run = store.begin_run().unwrap();
    let inherited = run.lock().try_clone_to_owned().unwrap();
    drop(run);
    assert_eq!(store.collect().unwrap().held, 1);
    drop(inherited);
    assert_eq!(store.collect().unwrap().removed, 1);
}

#[test]
fn runs_that_begin_amid_collectors_are_never_taken() {
    let (_scratch, store) = store();
    let path = store.path().to_owned();
    std::thread::scope(|scope| {
        let beginners: Vec<_> = (0..2).map(|_| scope.spawn(|| begin_many(&path))).collect();
        let collectors: Vec<_> = (0..2).map(|_| scope.spawn(|| collect_many(&path))).collect();
        assert!(beginners.into_iter().all(|it| it.join().unwrap()), "a live run was taken");
        assert!(collectors.into_iter().all(|it| it.join().unwrap()), "a dead run could not be removed");
    });
    store.collect().unwrap();
    assert_eq!(runs(&store), 0);
}

/// Begins runs of which every second dies without clearing up.
fn begin_many(state: &Path) -> bool {
    let store = Store::open(state).unwrap();
    (0..500).all(|index| {
        let run = store.begin_run().unwrap();
        let kept = run.layer("project", None).is_ok() && run.path().join("project.upper").is_dir();
        if index % 2 == 0 {
            run.discard().unwrap();
        }
        kept
    })
}

fn collect_many(state: &Path) -> bool {
    let store = Store::open(state).unwrap();
    (0..500).all(|_| store.collect().unwrap().failed.is_empty())
}
