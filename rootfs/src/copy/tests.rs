//! A copy shows what its stack shows, and its layer what was done to it.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};

use super::*;
use crate::changes::Changes;
use crate::files::open_directory;

struct Scene {
    scratch: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { scratch: tempfile::tempdir().unwrap() };
        for name in ["project", "run", "upper"] {
            fs::create_dir(scene.at(name)).unwrap();
        }
        scene
    }

    fn at(&self, path: &str) -> PathBuf {
        self.scratch.path().join(path)
    }

    fn stack(&self) -> Stack {
        Stack::open(&[], &self.at("project")).unwrap()
    }

    fn copy(&self) -> WorkingCopy {
        let run = open_directory(&self.at("run")).unwrap();
        let made = WorkingCopy::make(
            Place { directory: run.as_fd(), path: &self.at("run") },
            "p",
            &self.stack(),
            None,
            &mut |_| {},
        );
        let (copy, left_out) = made.unwrap();
        assert_eq!(left_out, Vec::<PathBuf>::new());
        copy
    }

    fn captured(&self, copy: &WorkingCopy) -> Changes {
        copy.capture(&self.stack(), &self.at("upper"), None).unwrap();
        Changes::between(&self.at("upper"), &self.at("project")).unwrap()
    }
}

fn names(changes: &[crate::changes::Change]) -> Vec<&str> {
    changes.iter().map(|change| change.path.to_str().unwrap()).collect()
}

#[test]
fn a_copy_has_content_modes_times_links_and_holes() {
    let scene = Scene::new();
    let project = scene.at("project");
    fs::create_dir_all(project.join("a/b")).unwrap();
    fs::write(project.join("a/file"), "text").unwrap();
    fs::set_permissions(project.join("a/file"), fs::Permissions::from_mode(0o751)).unwrap();
    fs::hard_link(project.join("a/file"), project.join("a/second")).unwrap();
    symlink("../nowhere", project.join("a/link")).unwrap();
    let sparse = fs::File::create(project.join("sparse")).unwrap();
    std::os::unix::fs::FileExt::write_at(&sparse, b"x", 8 << 20).unwrap();
    sparse.set_len(16 << 20).unwrap();
    fs::set_permissions(project.join("a"), fs::Permissions::from_mode(0o555)).unwrap();
    let root = scene.copy().root();
    let stat = |path: PathBuf| fs::symlink_metadata(path).unwrap();
    for name in ["a", "a/b", "a/file", "sparse"] {
        let (old, new) = (stat(project.join(name)), stat(root.join(name)));
        let facts = |stat: &fs::Metadata| (stat.mode(), stat.mtime(), stat.mtime_nsec());
        assert_eq!(facts(&old), facts(&new), "{name}");
    }
    assert_eq!(fs::read(root.join("a/file")).unwrap(), b"text");
    assert_eq!(stat(root.join("a/file")).ino(), stat(root.join("a/second")).ino());
    assert_eq!(fs::read_link(root.join("a/link")).unwrap(), Path::new("../nowhere"));
    assert_eq!(fs::read(project.join("sparse")).unwrap(), fs::read(root.join("sparse")).unwrap());
    assert!(stat(root.join("sparse")).blocks() < 1000, "holes are holes");
    fs::set_permissions(project.join("a"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(root.join("a"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn an_untouched_copy_is_no_change() {
    let scene = Scene::new();
    fs::create_dir_all(scene.at("project/a/b")).unwrap();
    fs::write(scene.at("project/a/file"), "text").unwrap();
    let copy = scene.copy();
    assert!(scene.captured(&copy).is_empty());
    assert_eq!(fs::read_dir(scene.at("upper")).unwrap().count(), 0);
}

#[test]
fn every_kind_of_change_is_taken() {
    let scene = Scene::new();
    for file in ["d/one", "d/two", "gone/x/y", "swapped/in", "file", "same-size", "mode", "a b/z"] {
        let path = scene.at("project").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "1234").unwrap();
    }
    let copy = scene.copy();
    let root = copy.root();
    fs::remove_file(root.join("d/two")).unwrap();
    fs::remove_dir_all(root.join("gone")).unwrap();
    fs::remove_dir_all(root.join("swapped")).unwrap();
    fs::write(root.join("swapped"), "now a file").unwrap();
    fs::remove_file(root.join("file")).unwrap();
    fs::create_dir(root.join("file")).unwrap();
    fs::write(root.join("file/in"), "").unwrap();
    fs::write(root.join("same-size"), "4321").unwrap();
    fs::set_permissions(root.join("mode"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::create_dir_all(root.join("new/deep")).unwrap();
    fs::write(root.join("new/deep/x"), "x").unwrap();
    symlink("x", root.join("new/link")).unwrap();
    let changes = scene.captured(&copy);
    assert_eq!(names(&changes.added), ["file/in", "new/deep/x", "new/link", "swapped"]);
    assert_eq!(names(&changes.modified), ["mode", "same-size"]);
    assert_eq!(names(&changes.deleted), ["d/two", "file", "gone/x/y", "swapped/in"]);
    assert!(fs::symlink_metadata(scene.at("upper/d/two")).unwrap().file_type().is_char_device());
}

#[test]
fn what_the_project_gained_or_lost_meanwhile_is_no_change_of_the_command() {
    let scene = Scene::new();
    fs::write(scene.at("project/stays"), "1").unwrap();
    fs::write(scene.at("project/edited"), "1").unwrap();
    fs::write(scene.at("project/lost"), "1").unwrap();
    let copy = scene.copy();
    std::thread::sleep(std::time::Duration::from_millis(60));
    fs::write(scene.at("project/gained"), "1").unwrap();
    fs::remove_file(scene.at("project/lost")).unwrap();
    copy.capture(&scene.stack(), &scene.at("upper"), None).unwrap();
    assert!(fs::symlink_metadata(scene.at("upper/gained")).is_err());
    assert!(fs::symlink_metadata(scene.at("upper/stays")).is_err());
}

#[test]
fn a_directory_made_anew_hides_what_came_to_lie_below() {
    let scene = Scene::new();
    fs::create_dir(scene.at("project/d")).unwrap();
    fs::write(scene.at("project/d/old"), "1").unwrap();
    let copy = scene.copy();
    fs::remove_dir_all(copy.root().join("d")).unwrap();
    scene.captured(&copy);
    // The next command of a session makes it again over the whiteout.
    let (run, path) = (open_directory(&scene.at("run")).unwrap(), scene.at("run"));
    let all = Stack::open(&[scene.at("upper")], &scene.at("project")).unwrap();
    let (copy, _) =
        WorkingCopy::make(Place { directory: run.as_fd(), path: &path }, "p", &all, None, &mut |_| {})
            .unwrap();
    fs::create_dir(copy.root().join("d")).unwrap();
    fs::write(copy.root().join("d/new"), "1").unwrap();
    let changes = scene.captured(&copy);
    assert_eq!((names(&changes.added), names(&changes.deleted)), (vec!["d/new"], vec!["d/old"]));
}

#[test]
fn forged_marks_are_not_taken() {
    let scene = Scene::new();
    fs::write(scene.at("project/file"), "1").unwrap();
    let copy = scene.copy();
    let forged = fs::File::create(copy.root().join("forged")).unwrap();
    let set = rustix::fs::fsetxattr(&forged, "user.overlay.whiteout", b"", rustix::fs::XattrFlags::empty());
    if set.is_err() {
        return;
    }
    let changes = scene.captured(&copy);
    assert_eq!((names(&changes.added), names(&changes.deleted)), (vec!["forged"], vec![]));
}

#[test]
fn a_tree_too_deep_for_descriptors_is_copied_and_taken() {
    let scene = Scene::new();
    let deep = (0..300).fold(scene.at("project"), |path, _| path.join("d"));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("file"), "1").unwrap();
    let copy = scene.copy();
    let deep = (0..300).fold(copy.root(), |path, _| path.join("d"));
    fs::write(deep.join("file"), "23").unwrap();
    assert_eq!(scene.captured(&copy).modified.len(), 1);
}
