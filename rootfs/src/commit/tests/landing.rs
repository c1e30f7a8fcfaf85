//! What lands, lands as the session has it.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, symlink};
use std::path::Path;

use rustix::fs::{XattrFlags, getxattr, setxattr};

use super::super::*;
use super::fixture::{Scene, chmod, withheld};

#[test]
fn files_directories_and_links_are_made_changed_and_deleted() {
    let mut scene = Scene::new(&[
        ("kept", "k"),
        ("changed", "old"),
        ("gone", "g"),
        ("d/gone/deep", "x"),
        ("d/kept", "k"),
    ]);
    scene.write("changed", "new");
    scene.write("made/deep/er", "text");
    scene.write("d/added", "a");
    symlink("../kept", scene.upper("made/link")).unwrap();
    scene.delete("gone");
    scene.delete("d/gone");
    let plan = scene.commit();
    assert_eq!(
        scene.tree(),
        [
            "changed 644 new",
            "d 755 ",
            "d/added 644 a",
            "d/kept 644 k",
            "kept 644 k",
            "made 755 ",
            "made/deep 755 ",
            "made/deep/er 644 text",
            "made/link 777 -> ../kept",
        ]
    );
    assert_eq!(plan.lands.len(), 9, "{:?}", plan.lands);
    assert!(plan.withheld.is_empty() && plan.conflicts.is_empty());
}

#[test]
fn things_are_replaced_by_things_of_another_kind() {
    let mut scene = Scene::new(&[("file", "f"), ("dir/a/b", "x"), ("dir/c", "y"), ("to_link/x", "z")]);
    scene.write("file/inside", "now a directory");
    scene.write("dir", "now a file");
    symlink("dir", scene.upper("to_link")).unwrap();
    scene.commit();
    assert_eq!(
        scene.tree(),
        ["dir 644 now a file", "file 755 ", "file/inside 644 now a directory", "to_link 777 -> dir",]
    );
}

#[test]
fn an_opaque_directory_lands_as_what_it_holds() {
    let mut scene = Scene::new(&[("d/old", "1"), ("d/sub/old", "2"), ("d/same", "s")]);
    scene.make_opaque("d");
    scene.write("d/same", "s");
    scene.write("d/new", "n");
    scene.commit();
    assert_eq!(scene.tree(), ["d 755 ", "d/new 644 n", "d/same 644 s"]);
}

#[test]
fn modes_times_attributes_and_holes_are_kept() {
    let mut scene = Scene::new(&[("script", "old"), ("d/x", "x")]);
    scene.write("script", "new");
    chmod(&scene.upper("script"), 0o750);
    let sparse = File::create(scene.upper("sparse")).unwrap();
    sparse.set_len(64 * 1024 * 1024).unwrap();
    sparse.write_at(b"middle", 32 * 1024 * 1024).unwrap();
    setxattr(scene.upper("sparse"), "user.note", b"kept", XattrFlags::empty()).unwrap();
    setxattr(scene.upper("sparse"), "user.overlay.origin", b"dropped", XattrFlags::empty()).unwrap();
    fs::create_dir(scene.upper("d")).unwrap();
    chmod(&scene.upper("d"), 0o700);
    let then = std::time::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 123);
    File::options().write(true).open(scene.upper("script")).unwrap().set_modified(then).unwrap();
    scene.commit();
    let metadata = |path: &str| fs::metadata(scene.project(path)).unwrap();
    assert_eq!(metadata("script").mode() & 0o7777, 0o750);
    assert_eq!(metadata("script").modified().unwrap(), then);
    assert_eq!(metadata("d").mode() & 0o7777, 0o700);
    assert_eq!(metadata("sparse").size(), 64 * 1024 * 1024);
    assert!(metadata("sparse").blocks() < 1024, "the holes were filled");
    let mut value = [0; 16];
    assert_eq!(getxattr(scene.project("sparse"), "user.note", &mut value[..]), Ok(4));
    assert!(getxattr(scene.project("sparse"), "user.overlay.origin", &mut value[..]).is_err());
}

#[test]
fn odd_names_long_names_and_deep_paths_land() {
    let long = "n".repeat(255);
    let mut scene = Scene::new(&[(&long, "old")]);
    scene.write(&long, "new");
    scene.write("line\nbreak", "1");
    scene.write(&format!("deep/{}", vec!["d".repeat(250).as_str(); 15].join("/")), "2");
    let odd =
        scene.upper("").join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff\xfe"));
    fs::write(odd, "3").unwrap();
    let plan = scene.commit();
    assert!(plan.withheld.is_empty(), "{:?}", plan.withheld);
    assert_eq!(scene.read(&long), "new");
    assert_eq!(scene.read("line\nbreak"), "1");
    assert_eq!(scene.read(&format!("deep/{}", vec!["d".repeat(250).as_str(); 15].join("/"))), "2");
    let odd =
        scene.project("").join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff\xfe"));
    assert_eq!(fs::read_to_string(odd).unwrap(), "3");
}

#[test]
fn directories_without_write_permission_are_worked_in_and_left_as_they_should_be() {
    let mut scene = Scene::new(&[("closed/old", "1"), ("gone/x", "2"), ("opened/old", "3")]);
    chmod(&scene.project("closed"), 0o555);
    chmod(&scene.project("opened"), 0o555);
    scene.write("closed/new", "n");
    chmod(&scene.upper("closed"), 0o555);
    scene.write("opened/old", "changed");
    chmod(&scene.upper("opened"), 0o755);
    scene.delete("gone");
    scene.write("made/in", "m");
    chmod(&scene.upper("made"), 0o555);
    scene.commit();
    assert_eq!(
        scene.tree(),
        [
            "closed 555 ",
            "closed/new 644 n",
            "closed/old 644 1",
            "made 555 ",
            "made/in 644 m",
            "opened 755 ",
            "opened/old 644 changed",
        ]
    );
}

#[test]
fn only_what_is_asked_for_lands_with_the_directories_that_lead_to_it() {
    let mut scene = Scene::new(&[("a", "1"), ("gone/x", "2"), ("gone/y", "3")]);
    scene.write("a", "changed");
    scene.write("new/deep/x.rs", "x");
    scene.write("new/deep/y.md", "y");
    scene.delete("gone");
    scene.note();
    let plan = scene.land(&["**/*.rs", "gone/x"], false);
    assert_eq!(
        scene.tree(),
        ["a 644 1", "gone 755 ", "gone/y 644 3", "new 755 ", "new/deep 755 ", "new/deep/x.rs 644 x",]
    );
    assert_eq!(plan.not_chosen, 4);
    scene.land(&[], false);
    assert_eq!(
        scene.tree(),
        ["a 644 changed", "new 755 ", "new/deep 755 ", "new/deep/x.rs 644 x", "new/deep/y.md 644 y",]
    );
}

#[test]
fn the_session_goes_on_after_a_commit() {
    let mut scene = Scene::new(&[("a", "1"), ("gone", "2")]);
    scene.write("a", "2");
    scene.delete("gone");
    scene.write("made/x", "x");
    scene.commit();
    assert!(scene.plan(&[], false).plan().is_empty());
    scene.write("a", "3");
    scene.write("made/y", "y");
    let plan = scene.commit();
    assert_eq!(plan.conflicts, []);
    assert_eq!(scene.tree(), ["a 644 3", "made 755 ", "made/x 644 x", "made/y 644 y"]);
    // What the caller makes of it afterwards is no change of the session's.
    fs::write(scene.project("a"), "the caller's").unwrap();
    fs::write(scene.project("gone"), "made again").unwrap();
    fs::write(scene.project("made/theirs"), "theirs").unwrap();
    let plan = scene.commit();
    assert_eq!((plan.lands.len(), plan.conflicts.len()), (0, 0), "{plan:?}");
    assert_eq!(scene.read("a"), "the caller's");
    scene.write("a", "4");
    scene.note();
    assert_eq!(scene.plan(&[], false).plan().conflicts.len(), 1);
}

#[test]
fn a_hundred_thousand_files_in_one_directory_land() {
    let mut scene = Scene::new(&[("d/keep", "k")]);
    fs::create_dir_all(scene.upper("d")).unwrap();
    fs::create_dir_all(scene.upper("whole")).unwrap();
    for number in 0..100_000 {
        let place = if number < 2_000 { "d" } else { "whole" };
        File::create(scene.upper(&format!("{place}/{number}"))).unwrap();
    }
    let plan = scene.commit();
    assert_eq!(plan.lands.len(), 100_001);
    assert_eq!(fs::read_dir(scene.project("d")).unwrap().count(), 2_001);
    assert_eq!(fs::read_dir(scene.project("whole")).unwrap().count(), 98_000);
}

#[test]
fn the_work_of_git_lands() {
    let mut scene = Scene::new(&[
        (".git/HEAD", "ref: refs/heads/main"),
        (".git/config", "[core]"),
        (".git/objects/aa/x", "o"),
        (".git/refs/heads/main", "1"),
    ]);
    scene.write(".git/objects/bb/y", "object");
    scene.write(".git/refs/heads/main", "2");
    scene.write(".git/index", "i");
    scene.write(".git/config", "[core] fsmonitor = evil");
    scene.write(".git/hooks/pre-commit", "evil");
    let plan = scene.commit();
    assert_eq!(scene.read(".git/refs/heads/main"), "2");
    assert_eq!(scene.read(".git/config"), "[core]");
    assert!(!scene.project(".git/hooks").exists());
    assert_eq!(
        withheld(&plan),
        [
            (Code::Repository, ".git/config".to_owned()),
            (Code::Repository, ".git/hooks".to_owned()),
            (Code::Repository, ".git/hooks/pre-commit".to_owned()),
        ]
    );
    assert!(Path::new(&scene.project(".git/objects/bb/y")).exists());
}
