use super::*;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::files::open_directory;

fn remove(parent: &Path) -> Result<(), RemoveError> {
    remove_tree(open_directory(parent).unwrap().as_fd(), c"run")
}

fn scratch() -> (tempfile::TempDir, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let run = scratch.path().join("run");
    fs::create_dir(&run).unwrap();
    (scratch, run)
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn names_of_any_bytes_and_things_of_any_kind_go() {
    let (scratch, run) = scratch();
    fs::create_dir_all(run.join("a/b/c")).unwrap();
    fs::write(run.join("a/b").join(OsStr::from_bytes(b"\n\xff\\")), "x").unwrap();
    fs::write(run.join("a").join("n".repeat(255)), "x").unwrap();
    symlink("nowhere", run.join("a/dangling")).unwrap();
    rustix::fs::mkfifoat(CWD, run.join("a/fifo"), Mode::RUSR).unwrap();
    remove(scratch.path()).unwrap();
    assert!(!run.exists());
}

#[test]
fn what_is_gone_already_is_fine() {
    let (scratch, run) = scratch();
    fs::remove_dir(&run).unwrap();
    remove(scratch.path()).unwrap();
}

#[test]
fn several_at_work_on_one_tree_do_not_stop_each_other() {
    for _ in 0..50 {
        let (scratch, run) = scratch();
        for number in 0..200 {
            fs::create_dir_all(run.join(format!("a{}/b{number}/c", number % 7))).unwrap();
            fs::write(run.join(format!("a{}/b{number}/file", number % 7)), "x").unwrap();
        }
        let parent = scratch.path();
        std::thread::scope(|scope| {
            let removals: Vec<_> = (0..4).map(|_| scope.spawn(move || remove(parent))).collect();
            removals.into_iter().for_each(|removal| removal.join().unwrap().unwrap());
        });
        assert!(!run.exists());
    }
}

#[test]
fn links_are_removed_and_never_followed() {
    let (scratch, run) = scratch();
    let outside = scratch.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("kept"), "x").unwrap();
    chmod(&outside, 0o750);
    symlink(&outside, run.join("directory")).unwrap();
    symlink(outside.join("kept"), run.join("file")).unwrap();
    fs::hard_link(outside.join("kept"), run.join("hard")).unwrap();
    remove(scratch.path()).unwrap();
    assert!(!run.exists() && outside.join("kept").exists());
    assert_eq!(fs::metadata(&outside).unwrap().permissions().mode() & 0o777, 0o750);
}

#[test]
fn directories_closed_to_their_owner_go() {
    let (scratch, run) = scratch();
    for (name, mode) in [("none", 0o000), ("read", 0o400), ("search", 0o100), ("read-search", 0o500)] {
        fs::create_dir_all(run.join(name).join("inner/more")).unwrap();
        fs::write(run.join(name).join("inner/file"), "x").unwrap();
        chmod(&run.join(name).join("inner"), mode);
        chmod(&run.join(name), mode);
    }
    chmod(&run, 0o500);
    remove(scratch.path()).unwrap();
    assert!(!run.exists());
}

#[test]
fn ten_thousand_levels_go_with_few_descriptors() {
    let (scratch, run) = scratch();
    let mut descent = Descent::new(open_directory(&run).unwrap());
    for _ in 0..10_000 {
        rustix::fs::mkdirat(descent.here(), "d", Mode::RWXU).unwrap();
        descent.enter(c"d").unwrap();
    }
    drop(descent);
    remove(scratch.path()).unwrap();
    assert!(!run.exists());
}

#[test]
fn a_thousand_directories_side_by_side_go() {
    let (scratch, run) = scratch();
    for index in 0..1_000 {
        fs::create_dir(run.join(format!("d{index}"))).unwrap();
    }
    fs::write(run.join("d7/file"), "x").unwrap();
    remove(scratch.path()).unwrap();
    assert!(!run.exists());
}

#[test]
fn a_directory_moved_out_from_under_the_way_back_is_noticed() {
    let (scratch, run) = scratch();
    let mut descent = Descent::new(open_directory(&run).unwrap());
    for _ in 0..100 {
        rustix::fs::mkdirat(descent.here(), "d", Mode::RWXU).unwrap();
        descent.enter(c"d").unwrap();
    }
    fs::rename(run.join("d".to_owned() + &"/d".repeat(59)), scratch.path().join("moved")).unwrap();
    let mut left = Ok(());
    while left.is_ok() {
        left = descent.leave();
    }
    assert_eq!(left, Err(Errno::STALE));
}
