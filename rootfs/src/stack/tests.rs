use super::*;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use rustix::fs::{CWD, Mode, XattrFlags, fsetxattr, mknodat};

use crate::walk::compare;

/// Layers `3` (the newest), `2` and `1` over `0`, made by hand as overlay would leave them.
struct Layers {
    scratch: tempfile::TempDir,
}

impl Layers {
    fn new() -> Self {
        let layers = Self { scratch: tempfile::tempdir().unwrap() };
        (0..4).for_each(|number| fs::create_dir(layers.path(number, "")).unwrap());
        layers
    }

    fn path(&self, layer: usize, path: &str) -> PathBuf {
        self.scratch.path().join(layer.to_string()).join(path)
    }

    /// Writes files, each with its path as its content and `/` at the end of a directory.
    fn write(&self, layer: usize, paths: &[&str]) -> &Self {
        for path in paths {
            let full = self.path(layer, path);
            fs::create_dir_all(full.parent().unwrap()).unwrap();
            if path.ends_with('/') {
                fs::create_dir_all(full).unwrap();
            } else {
                fs::write(full, format!("{layer} {path}")).unwrap();
            }
        }
        self
    }

    fn whiteout(&self, layer: usize, path: &str) -> &Self {
        fs::create_dir_all(self.path(layer, path).parent().unwrap()).unwrap();
        mknodat(CWD, self.path(layer, path), FileType::CharacterDevice, Mode::empty(), 0).unwrap();
        self
    }

    fn mark(&self, layer: usize, path: &str, name: &str, value: &[u8]) -> &Self {
        let file = fs::File::open(self.path(layer, path)).unwrap();
        fsetxattr(file.as_fd(), name, value, XattrFlags::empty()).unwrap();
        self
    }

    /// The layers from the given one down.
    fn stack(&self, layers: &[usize]) -> Stack {
        let layers: Vec<PathBuf> = layers.iter().map(|&layer| self.path(layer, "")).collect();
        Stack::open(&layers, &self.path(0, "")).unwrap()
    }

    fn all(&self) -> Stack {
        self.stack(&[3, 2, 1])
    }
}

/// Everything that the stack shows: files with their content, links with their target.
fn shown(stack: &Stack) -> Vec<String> {
    let mut shown = Vec::new();
    let walked = stack.walk_all(&mut |path, difference| {
        let Difference::Added { new, .. } = difference else { panic!("{difference:?}") };
        let again = stack.find(path).unwrap().expect("what is listed is found");
        assert_eq!((again.kind, again.layer, &again.directories), (new.kind, new.layer, &new.directories));
        shown.push(match new.kind {
            Kind::File => format!("{}={}", path.display(), text(stack, path, new)),
            Kind::Symlink => format!("{}>{}", path.display(), stack.read_link(path, new).unwrap().display()),
            _ => format!("{}/", path.display()),
        });
    });
    walked.unwrap();
    shown
}

fn text(stack: &Stack, path: &Path, found: &Found) -> String {
    std::io::read_to_string(fs::File::from(stack.open_file(path, found).unwrap())).unwrap()
}

/// `A`, `M`, `D` and `?` with the path; of directories with something in them, in small letters.
fn told(old: &Stack, new: &Stack) -> Vec<String> {
    let mut told = Vec::new();
    let compared = compare(old, new, &mut |path, difference| {
        let letter = match difference {
            Difference::Added { filled: false, .. } => "A",
            Difference::Added { filled: true, .. } => "a",
            Difference::Modified { .. } => "M",
            Difference::Deleted { filled: false, .. } => "D",
            Difference::Deleted { filled: true, .. } => "d",
            Difference::Unread => "?",
        };
        told.push(format!("{letter} {}", path.display()));
    });
    compared.unwrap();
    told
}

#[test]
fn the_newest_layer_that_has_a_file_shows_it_and_directories_are_merged() {
    let layers = Layers::new();
    layers.write(0, &["d/a", "d/b", "d/c"]).write(1, &["d/b"]).write(2, &["d/c", "e/"]).write(3, &["d/c"]);
    symlink("../x", layers.path(2, "e/link")).unwrap();
    assert_eq!(shown(&layers.all()), ["d/", "d/a=0 d/a", "d/b=1 d/b", "d/c=3 d/c", "e/", "e/link>../x"]);
    assert!(layers.all().find("absent/file".as_ref()).unwrap().is_none());
    assert!(layers.all().find("d/a/below-a-file".as_ref()).unwrap().is_none());
    assert_eq!(layers.all().find("".as_ref()).unwrap().unwrap().kind, Kind::Directory);
}

#[test]
fn a_whiteout_hides_all_layers_below_it_and_none_above() {
    let layers = Layers::new();
    layers.write(0, &["f", "d/x"]).write(1, &["f", "d/y"]).whiteout(2, "f").whiteout(2, "d");
    assert_eq!(shown(&layers.all()), [] as [&str; 0]);
    layers.write(3, &["f", "d/z"]);
    assert_eq!(shown(&layers.all()), ["d/", "d/z=3 d/z", "f=3 f"]);
}

#[test]
fn a_file_between_two_directories_ends_the_merge() {
    let layers = Layers::new();
    layers.write(0, &["d/low"]).write(1, &["d"]).write(2, &["d/middle"]).write(3, &["d/high"]);
    assert_eq!(shown(&layers.all()), ["d/", "d/high=3 d/high", "d/middle=2 d/middle"]);
    assert_eq!(shown(&layers.stack(&[1])), ["d=1 d"]);
}

#[test]
fn an_opaque_directory_shows_what_is_above_it_and_hides_what_is_below() {
    let layers = Layers::new();
    layers.write(0, &["d/s/low"]).write(2, &["d/s/own", "d/new"]).write(3, &["d/s/high"]);
    layers.mark(2, "d", "user.overlay.opaque", b"y");
    let expected = ["d/", "d/new=2 d/new", "d/s/", "d/s/high=3 d/s/high", "d/s/own=2 d/s/own"];
    assert_eq!(shown(&layers.all()), expected);
}

#[test]
fn the_top_of_a_layer_hides_nothing_whatever_its_marks() {
    let layers = Layers::new();
    layers.write(0, &["low"]).mark(3, "", "user.overlay.opaque", b"y");
    assert_eq!(shown(&layers.all()), ["low=0 low"]);
}

#[test]
fn a_whiteout_in_the_bottom_hides_itself() {
    let layers = Layers::new();
    layers.whiteout(0, "node").write(0, &["empty", "full"]);
    fs::write(layers.path(0, "empty"), "").unwrap();
    layers.mark(0, "empty", "user.overlay.whiteout", b"").mark(0, "full", "user.overlay.whiteout", b"");
    assert_eq!(shown(&layers.stack(&[])), ["full=0 full"]);
}

#[test]
fn attributes_that_lead_elsewhere_make_a_layer_untrusted_but_not_the_project() {
    for (path, attribute) in [("d", "user.overlay.redirect"), ("d/f", "user.overlay.metacopy")] {
        let layers = Layers::new();
        layers.write(2, &["d/f"]).mark(2, path, attribute, b"/etc");
        let error = layers.all().walk_all(&mut |_, _| {}).unwrap_err();
        let layer = layers.path(2, "");
        assert_eq!(
            error.to_string(),
            format!("`{path}` in the layer `{}` has the attribute `{attribute}`", layer.display())
        );
        assert!(error.hint().unwrap().contains("cannot be trusted"));
        let as_project = Stack::open(&[], &layer).unwrap();
        assert_eq!(shown(&as_project), ["d/", "d/f=2 d/f"]);
    }
}

#[test]
fn an_absent_layer_is_an_error_unless_it_may_be_absent() {
    let layers = Layers::new();
    layers.write(0, &["f"]);
    let absent = [layers.path(3, "absent"), layers.path(2, "")];
    let error = Stack::open(&absent, &layers.path(0, "")).unwrap_err();
    assert_eq!(error.to_string(), format!("opening the layer `{}`", absent[0].display()));
    assert_eq!(shown(&Stack::open_present(&absent, &layers.path(0, "")).unwrap()), ["f=0 f"]);
    assert!(Stack::open_present(&[], &absent[0]).is_err());
}

#[test]
fn a_link_in_a_layer_is_never_followed() {
    let layers = Layers::new();
    layers.write(0, &["outside/secret"]).write(1, &["d/"]);
    symlink(layers.path(0, "outside"), layers.path(1, "d/link")).unwrap();
    let stack = layers.stack(&[1]);
    assert!(stack.find("d/link/secret".as_ref()).unwrap().is_none());
    assert!(stack.find("../0/outside".as_ref()).is_err());
    let found = stack.find("outside/secret".as_ref()).unwrap().unwrap();
    assert!(stack.open_file("d/link".as_ref(), &found).is_err());
}

#[test]
fn snapshots_are_compared_by_the_layers_that_they_do_not_share() {
    let layers = Layers::new();
    layers.write(0, &["a", "b", "d/x"]).write(1, &["a"]).write(2, &["c"]).whiteout(2, "b");
    layers.write(3, &["d/x", "d/y/z"]).whiteout(3, "c");
    assert_eq!(told(&layers.stack(&[2, 1]), &layers.all()), ["D c", "M d/x", "a d/y", "A d/y/z"]);
    assert_eq!(told(&layers.all(), &layers.stack(&[1])), ["A b", "M d/x", "d d/y", "D d/y/z"]);
    assert_eq!(told(&layers.stack(&[]), &layers.all()), ["M a", "D b", "M d/x", "a d/y", "A d/y/z"]);
    assert_eq!(told(&layers.all(), &layers.all()), [] as [&str; 0]);
}

#[test]
fn forks_of_one_snapshot_are_compared_with_each_other() {
    let layers = Layers::new();
    layers.write(0, &["d/low"]).write(1, &["d/shared"]).write(2, &["d/two"]).write(3, &["d/three"]);
    layers.mark(3, "d", "user.overlay.opaque", b"y");
    let (two, three) = (layers.stack(&[2, 1]), layers.stack(&[3, 1]));
    assert_eq!(told(&two, &three), ["D d/low", "D d/shared", "A d/three", "D d/two"]);
    assert_eq!(told(&three, &two), ["A d/low", "A d/shared", "D d/three", "A d/two"]);
}

#[test]
fn a_layer_between_that_says_what_was_there_already_is_no_change() {
    let layers = Layers::new();
    layers.write(0, &["d/f"]).write(1, &["d/g"]).whiteout(1, "d/f").whiteout(3, "d/g");
    layers.write(2, &["d/g"]);
    fs::write(layers.path(3, "d/f"), "0 d/f").unwrap();
    assert_eq!(told(&layers.stack(&[]), &layers.all()), [] as [&str; 0]);
}

#[test]
fn what_nobody_touched_is_not_looked_at() {
    let layers = Layers::new();
    layers.write(1, &["untouched/f", "touched/"]).write(3, &["touched/f"]);
    layers.mark(1, "untouched/f", "user.overlay.metacopy", b"");
    assert!(layers.all().walk_all(&mut |_, _| {}).is_err());
    assert_eq!(told(&layers.stack(&[1]), &layers.all()), ["A touched/f"]);
}

#[test]
fn two_directories_that_share_nothing_are_both_walked() {
    let layers = Layers::new();
    layers.write(0, &["d/f", "gone/f", "same"]).write(1, &["d/f", "d/new"]);
    fs::write(layers.path(1, "same"), "0 same").unwrap();
    let stacks = [0, 1].map(|number| Stack::open(&[], &layers.path(number, "")).unwrap());
    assert_eq!(told(&stacks[0], &stacks[1]), ["M d/f", "A d/new", "d gone", "D gone/f"]);
}

#[test]
fn another_type_is_a_deletion_and_an_addition_where_a_directory_is_concerned() {
    let layers = Layers::new();
    layers.write(0, &["a/x", "b", "c"]).write(1, &["a", "b/y"]);
    symlink("t", layers.path(1, "c")).unwrap();
    let expected = ["d a", "D a/x", "A a", "D b", "a b", "A b/y", "M c"];
    assert_eq!(told(&layers.stack(&[]), &layers.stack(&[1])), expected);
}

#[test]
fn the_mode_of_a_directory_on_the_way_is_told_before_what_is_in_it() {
    let layers = Layers::new();
    layers.write(0, &["d/e/f"]).write(1, &["d/e/f"]);
    fs::set_permissions(layers.path(1, "d/e"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(told(&layers.stack(&[]), &layers.stack(&[1])), ["M d/e", "M d/e/f"]);
}

#[test]
fn a_view_of_many_layers_needs_no_more_descriptors_the_deeper_it_is() {
    let layers = Layers::new();
    let deep = "d/".repeat(100);
    layers.write(0, &[&format!("{deep}low")]).write(3, &[&format!("{deep}high")]);
    let (stack, mut most) = (layers.all(), 0);
    let is_ours = |entry: &fs::DirEntry| {
        fs::read_link(entry.path()).is_ok_and(|path| path.starts_with(layers.scratch.path()))
    };
    let count = || fs::read_dir("/proc/self/fd").unwrap().flatten().filter(is_ours).count();
    stack.walk_all(&mut |_, _| most = most.max(count())).unwrap();
    assert_eq!((most, shown(&stack).len()), (4, 102));
}
