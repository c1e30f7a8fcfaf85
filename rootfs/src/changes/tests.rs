use super::*;

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, symlink};

use rustix::fs::{CWD, FileType, Mode, XattrFlags, fsetxattr, mknodat};

use crate::descent::Descent;
use crate::files::open_directory;
use crate::stack::Found;

/// An upper and a lower, made by hand as overlay would leave them.
struct Layers {
    scratch: tempfile::TempDir,
}

impl Layers {
    fn new() -> Self {
        let layers = Self { scratch: tempfile::tempdir().unwrap() };
        fs::create_dir(layers.upper("")).unwrap();
        fs::create_dir(layers.lower("")).unwrap();
        layers
    }

    fn upper(&self, path: &str) -> PathBuf {
        self.scratch.path().join("upper").join(path)
    }

    fn lower(&self, path: &str) -> PathBuf {
        self.scratch.path().join("lower").join(path)
    }

    fn whiteout(&self, path: &str) {
        fs::create_dir_all(self.upper(path).parent().unwrap()).unwrap();
        mknodat(CWD, self.upper(path), FileType::CharacterDevice, Mode::empty(), 0).unwrap();
    }

    fn mark(&self, path: &str, name: &str, value: &[u8]) {
        let file = fs::File::open(self.upper(path)).unwrap();
        fsetxattr(file.as_fd(), name, value, XattrFlags::empty()).unwrap();
    }

    fn changes(&self) -> Changes {
        Changes::between(&self.upper(""), &self.lower("")).unwrap()
    }

    /// `A path`, `M path` and `D path`, with a slash after directories.
    fn told(&self) -> Vec<String> {
        let changes = self.changes();
        let lists = [("A", &changes.added), ("M", &changes.modified), ("D", &changes.deleted)];
        let line = |letter: &str, change: &Change| {
            let slash = if change.kind == Kind::Directory { "/" } else { "" };
            format!("{letter} {}{slash}", change.path.display())
        };
        lists.iter().flat_map(|(letter, list)| list.iter().map(move |change| line(letter, change))).collect()
    }
}

fn write(path: PathBuf, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn an_empty_layer_changes_nothing() {
    let layers = Layers::new();
    write(layers.lower("a/b"), "x");
    assert!(layers.changes().is_empty());
}

#[test]
fn files_are_told_and_directories_only_where_nothing_else_tells_of_them() {
    let layers = Layers::new();
    write(layers.lower("kept/old"), "1");
    write(layers.upper("kept/old"), "2");
    write(layers.upper("kept/new"), "");
    write(layers.upper("made/deep/file"), "");
    fs::create_dir_all(layers.upper("hollow/inner")).unwrap();
    assert_eq!(layers.told(), ["A hollow/inner/", "A kept/new", "A made/deep/file", "M kept/old"]);
}

#[test]
fn a_copy_up_without_change_is_no_change() {
    let layers = Layers::new();
    for path in [layers.lower("d/file"), layers.upper("d/file")] {
        write(path, &"same".repeat(50_000));
    }
    for path in [layers.lower("link"), layers.upper("link")] {
        symlink("d/file", path).unwrap();
    }
    assert!(layers.changes().is_empty());
}

#[test]
fn content_mode_and_target_are_compared_and_times_are_not_believed() {
    let layers = Layers::new();
    for name in ["bytes", "mode", "tail"] {
        write(layers.lower(name), &"a".repeat(100_000));
    }
    write(layers.upper("bytes"), &("a".repeat(99_999) + "b"));
    write(layers.upper("mode"), &"a".repeat(100_000));
    write(layers.upper("tail"), &"a".repeat(100_001));
    chmod(&layers.upper("mode"), 0o755);
    symlink("one", layers.lower("link")).unwrap();
    symlink("two", layers.upper("link")).unwrap();
    let time = fs::metadata(layers.lower("bytes")).unwrap().modified().unwrap();
    fs::File::options().write(true).open(layers.upper("bytes")).unwrap().set_modified(time).unwrap();
    assert_eq!(layers.told(), ["M bytes", "M link", "M mode", "M tail"]);
}

#[test]
fn the_mode_of_a_directory_is_a_change() {
    let layers = Layers::new();
    fs::create_dir(layers.lower("d")).unwrap();
    fs::create_dir(layers.upper("d")).unwrap();
    chmod(&layers.upper("d"), 0o700);
    assert_eq!(layers.told(), ["M d/"]);
}

#[test]
fn a_whiteout_deletes_what_the_lower_has_and_a_forged_one_nothing() {
    let layers = Layers::new();
    write(layers.lower("gone"), "");
    write(layers.lower("tree/a/b"), "");
    write(layers.lower("tree/c"), "");
    fs::create_dir_all(layers.lower("tree/hollow")).unwrap();
    for path in ["gone", "tree", "forged", "d/forged"] {
        layers.whiteout(path);
    }
    assert_eq!(layers.told(), ["A d/", "D gone", "D tree/a/b", "D tree/c", "D tree/hollow/"]);
}

#[test]
fn a_whiteout_may_be_an_empty_file_with_a_mark() {
    let layers = Layers::new();
    write(layers.lower("gone"), "");
    write(layers.lower("kept"), "");
    write(layers.upper("gone"), "");
    write(layers.upper("kept"), "not empty");
    layers.mark("gone", "user.overlay.whiteout", b"y");
    layers.mark("kept", "user.overlay.whiteout", b"y");
    assert_eq!(layers.told(), ["M kept", "D gone"]);
}

#[test]
fn an_opaque_directory_deletes_what_it_does_not_name_at_any_depth() {
    let layers = Layers::new();
    for path in ["d/same", "d/old", "d/sub/x", "d/sub/y", "d/whited"] {
        write(layers.lower(path), "1");
    }
    write(layers.upper("d/same"), "1");
    write(layers.upper("d/sub/y"), "2");
    layers.whiteout("d/whited");
    layers.mark("d", "user.overlay.opaque", b"y");
    assert_eq!(layers.told(), ["M d/sub/y", "D d/old", "D d/sub/x", "D d/whited"]);
}

#[test]
fn only_y_makes_a_directory_opaque() {
    let layers = Layers::new();
    write(layers.lower("d/old"), "1");
    fs::create_dir(layers.upper("d")).unwrap();
    layers.mark("d", "user.overlay.opaque", b"x");
    assert!(layers.changes().is_empty());
}

#[test]
fn another_type_under_the_same_name_is_told_as_git_tells_it() {
    let layers = Layers::new();
    write(layers.lower("dir-to-file/a"), "");
    write(layers.upper("dir-to-file"), "");
    write(layers.lower("file-to-dir"), "");
    write(layers.upper("file-to-dir/b"), "");
    write(layers.lower("file-to-link"), "");
    symlink("x", layers.upper("file-to-link")).unwrap();
    let expected = ["A dir-to-file", "A file-to-dir/b", "M file-to-link", "D dir-to-file/a", "D file-to-dir"];
    assert_eq!(layers.told(), expected);
    assert_eq!(layers.changes().modified[0].kind, Kind::Symlink);
}

#[test]
fn no_link_is_followed_on_either_side() {
    let layers = Layers::new();
    let outside = layers.scratch.path().join("outside");
    write(outside.join("secret"), "");
    symlink(&outside, layers.lower("d")).unwrap();
    write(layers.upper("d/secret"), "");
    symlink(&outside, layers.upper("link")).unwrap();
    assert_eq!(layers.told(), ["A d/secret", "A link", "D d"]);
}

#[test]
fn pipes_sockets_and_devices_are_told_and_never_opened() {
    let layers = Layers::new();
    mknodat(CWD, layers.upper("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(layers.upper("socket")).unwrap();
    write(layers.lower("pipe"), "");
    let kinds: Vec<Kind> = layers.changes().added.iter().map(|change| change.kind).collect();
    assert_eq!((kinds, layers.changes().modified[0].kind), (vec![Kind::Socket], Kind::Fifo));
}

#[test]
fn what_its_mode_closes_is_told_without_being_read() {
    let layers = Layers::new();
    for (name, mode) in [("file", 0o000), ("dir/inner", 0o644)] {
        write(layers.lower(name), "same");
        write(layers.upper(name), "same");
        chmod(&layers.lower(name), mode);
        chmod(&layers.upper(name), mode);
    }
    chmod(&layers.upper("dir"), 0o000);
    let (told, unread) = (layers.told(), layers.changes().unread);
    chmod(&layers.upper("dir"), 0o700);
    if rustix::process::geteuid().is_root() {
        assert_eq!((told, unread), (vec!["M dir/".to_owned()], vec![]));
    } else {
        assert_eq!((told, unread), (vec!["M dir/".to_owned(), "M file".to_owned()], vec!["dir".into()]));
    }
}

#[test]
fn a_directory_that_can_be_listed_and_not_searched_does_not_end_the_walk() {
    let layers = Layers::new();
    write(layers.upper("listed/file"), "");
    write(layers.upper("other"), "");
    write(layers.lower("old/listed/file"), "");
    layers.whiteout("old");
    chmod(&layers.upper("listed"), 0o444);
    chmod(&layers.lower("old/listed"), 0o444);
    let (told, unread) = (layers.told(), layers.changes().unread);
    chmod(&layers.upper("listed"), 0o700);
    chmod(&layers.lower("old/listed"), 0o700);
    if rustix::process::geteuid().is_root() {
        assert_eq!(told, ["A listed/file", "A other", "D old/listed/file"]);
    } else {
        assert_eq!(
            (told, unread),
            (vec!["A other".into(), "D old/listed/file".into()], vec!["listed".into()])
        );
    }
}

#[test]
fn a_tree_deeper_than_a_path_can_name_is_told_and_does_not_end_the_walk() {
    let layers = Layers::new();
    let name = c"twenty-letters-each-";
    let mut descent = Descent::new(open_directory(&layers.upper("")).unwrap());
    for _ in 0..300 {
        rustix::fs::mkdirat(descent.here(), name, Mode::RWXU).unwrap();
        descent.enter(name).unwrap();
    }
    write(layers.upper("z"), "");
    let changes = layers.changes();
    assert_eq!((changes.unread.len(), changes.added.len()), (1, 1));
    assert!(changes.unread[0].as_os_str().len() > 4000);
}

#[test]
fn a_deep_tree_is_walked_on_both_sides() {
    let layers = Layers::new();
    let deep = "d/".repeat(500);
    write(layers.lower(&format!("{deep}old")), "");
    fs::create_dir_all(layers.upper(&deep)).unwrap();
    layers.whiteout(&format!("{deep}old"));
    write(layers.upper(&format!("{deep}new")), "");
    write(layers.lower("z"), "");
    layers.whiteout("z");
    assert_eq!(layers.changes().counts, Counts { added: 1, modified: 0, deleted: 2, unread: 0 });
    fs::rename(layers.upper("d"), layers.scratch.path().join("aside")).unwrap();
    layers.whiteout("d");
    assert_eq!(layers.changes().counts, Counts { added: 0, modified: 0, deleted: 2, unread: 0 });
}

#[test]
fn many_changes_are_counted_even_where_they_are_not_listed() {
    let mut changes = Changes::default();
    let mut room = 10;
    let new = Found { kind: Kind::File, stat: None, layer: 0, directories: Vec::new() };
    for path in ["aaaa", "bbbb", "cccc"] {
        changes.add(Path::new(path), Difference::Added { new: &new, filled: false }, &mut room);
    }
    assert_eq!((changes.added.len(), changes.counts.added), (2, 3));
    assert!(!changes.is_listed_whole());
}

#[test]
fn a_missing_layer_is_an_error_with_its_path() {
    let layers = Layers::new();
    let error = Changes::between(&layers.upper("absent"), &layers.lower("")).unwrap_err();
    assert_eq!(error.to_string(), format!("opening the layer `{}`", layers.upper("absent").display()));
}

#[test]
fn a_comparison_is_given_up_when_its_time_is_over() {
    let layers = Layers::new();
    write(layers.upper("d/new"), "");
    let stack = |upper: &[PathBuf]| Stack::open(upper, &layers.lower("")).unwrap();
    let (old, new) = (stack(&[]), stack(&[layers.upper("")]));
    let until = |moment| Changes::between_stacks_until(&old, &new, Some(moment));
    assert!(matches!(until(Instant::now()), Err(WalkError::Late)));
    let later = Instant::now() + std::time::Duration::from_secs(3600);
    assert_eq!(until(later).unwrap().counts.added, 1);
}
