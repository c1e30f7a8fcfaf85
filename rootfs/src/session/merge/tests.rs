use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use rustix::fs::{CWD, FileType, mknodat};

use super::*;
use crate::stack::Stack;
use crate::walk::{Difference, compare};

/// What is put under a path of a layer, whatever was there.
#[derive(Debug, Clone)]
enum Put {
    File(u8),
    Link(u8),
    Directory { hides: bool, mode: u32 },
    Whiteout,
}

/// Few names, so that layers meet.
fn path() -> impl Strategy<Value = PathBuf> {
    vec(prop_oneof![Just("a"), Just("b"), Just("c")], 1..4).prop_map(|names| names.iter().collect())
}

fn put() -> impl Strategy<Value = Put> {
    prop_oneof![
        any::<u8>().prop_map(Put::File),
        any::<u8>().prop_map(Put::Link),
        (any::<bool>(), prop_oneof![Just(0o755), Just(0o700)])
            .prop_map(|(hides, mode)| Put::Directory { hides, mode }),
        Just(Put::Whiteout),
    ]
}

fn layer() -> impl Strategy<Value = Vec<(PathBuf, Put)>> {
    vec((path(), put()), 0..12)
}

/// Parents become directories, whatever they were.
fn fill(top: &Path, puts: &[(PathBuf, Put)], is_layer: bool) {
    for (path, put) in puts {
        let mut way = top.to_owned();
        for name in path.parent().into_iter().flatten() {
            way.push(name);
            if !way.symlink_metadata().is_ok_and(|there| there.is_dir()) {
                let _ = fs::remove_file(&way);
                fs::create_dir(&way).unwrap();
            }
        }
        let path = top.join(path);
        if let Ok(there) = path.symlink_metadata() {
            if there.is_dir() { fs::remove_dir_all(&path).unwrap() } else { fs::remove_file(&path).unwrap() }
        }
        match put {
            Put::File(content) => fs::write(&path, [*content]).unwrap(),
            Put::Link(to) => std::os::unix::fs::symlink(format!("to-{to}"), &path).unwrap(),
            Put::Directory { hides, mode } => {
                fs::create_dir(&path).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
                if *hides && is_layer {
                    let made = fs::File::open(&path).unwrap();
                    fsetxattr(made.as_fd(), OPAQUE, HIDES, XattrFlags::empty()).unwrap();
                }
            }
            Put::Whiteout if is_layer => {
                mknodat(CWD, &path, FileType::CharacterDevice, Mode::empty(), 0).unwrap();
            }
            Put::Whiteout => {}
        }
    }
}

/// What differs between the two layers over the bottom and the merged one over it.
fn difference(scratch: &Path) -> Vec<String> {
    let at = |name: &str| scratch.join(name);
    let apart = Stack::open(&[at("newer"), at("older")], &at("bottom")).unwrap();
    let merged = Stack::open(&[at("merged")], &at("bottom")).unwrap();
    let mut differences = Vec::new();
    compare(&apart, &merged, &mut |path, difference: Difference<'_>| {
        differences.push(format!("{path:?}: {difference:?}"));
    })
    .unwrap();
    differences
}

fn merge_in(scratch: &Path) {
    let open = |name: &str| OwnedFd::from(fs::File::open(scratch.join(name)).unwrap());
    merge(Some(&open("older")), Some(&open("newer")), &open("merged")).unwrap();
}

#[test]
fn what_is_seen_through_two_layers_is_seen_through_the_merged_one() {
    let config = Config { cases: 2_000, failure_persistence: None, ..Config::default() };
    let layers = (layer(), layer(), layer());
    let checked = TestRunner::new(config).run(&layers, |(bottom, older, newer)| {
        let scratch = tempfile::tempdir().unwrap();
        for name in ["bottom", "older", "newer", "merged"] {
            fs::create_dir(scratch.path().join(name)).unwrap();
        }
        fill(&scratch.path().join("bottom"), &bottom, false);
        fill(&scratch.path().join("older"), &older, true);
        fill(&scratch.path().join("newer"), &newer, true);
        merge_in(scratch.path());
        proptest::prop_assert_eq!(difference(scratch.path()), Vec::<String>::new());
        Ok(())
    });
    checked.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn files_are_shared_and_directories_keep_what_they_are() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |path: &str| scratch.path().join(path);
    for name in ["bottom", "older/d", "newer/d", "merged"] {
        fs::create_dir_all(at(name)).unwrap();
    }
    fs::write(at("older/d/large"), "content").unwrap();
    fs::write(at("newer/d/new"), "new").unwrap();
    let closed = fs::Permissions::from_mode(0o1750);
    fs::set_permissions(at("newer/d"), closed).unwrap();
    let d = OwnedFd::from(fs::File::open(at("newer/d")).unwrap());
    fsetxattr(&d, "user.kept", b"yes", XattrFlags::empty()).unwrap();
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::from(d).set_modified(time).unwrap();

    merge_in(scratch.path());
    use std::os::unix::fs::MetadataExt as _;
    let inode = |path: &str| at(path).metadata().unwrap().ino();
    assert_eq!(inode("merged/d/large"), inode("older/d/large"));
    assert_eq!(inode("merged/d/new"), inode("newer/d/new"));
    let merged = at("merged/d").metadata().unwrap();
    assert_eq!((merged.mode() & 0o7777, merged.modified().unwrap()), (0o1750, time));
    let mut value = [0_u8; 8];
    let merged = OwnedFd::from(fs::File::open(at("merged/d")).unwrap());
    assert_eq!(fgetxattr(&merged, "user.kept", &mut value[..]), Ok(3));
}

#[test]
fn a_layer_that_leads_elsewhere_is_not_merged() {
    let scratch = tempfile::tempdir().unwrap();
    for name in ["bottom", "older", "newer/d", "merged"] {
        fs::create_dir_all(scratch.path().join(name)).unwrap();
    }
    let d = fs::File::open(scratch.path().join("newer/d")).unwrap();
    fsetxattr(d.as_fd(), "user.overlay.redirect", b"/etc", XattrFlags::empty()).unwrap();
    let open = |name: &str| OwnedFd::from(fs::File::open(scratch.path().join(name)).unwrap());
    let merged = merge(Some(&open("older")), Some(&open("newer")), &open("merged"));
    assert_eq!(merged, Err(Errno::UCLEAN));
}
