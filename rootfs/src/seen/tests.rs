use std::fs;
use std::path::PathBuf;

use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};

use super::*;

struct Scene {
    top: tempfile::TempDir,
    seen: Seen,
}

impl Scene {
    fn new(project: &[&str]) -> Self {
        let top = tempfile::tempdir().unwrap();
        for directory in ["upper", "project", "record"] {
            fs::create_dir(top.path().join(directory)).unwrap();
        }
        let seen = Seen::load(&[top.path().join("record")]).unwrap();
        let scene = Self { top, seen };
        project.iter().for_each(|path| write(&scene.project(path), path));
        scene
    }

    fn upper(&self, path: &str) -> PathBuf {
        self.top.path().join("upper").join(path)
    }

    fn project(&self, path: &str) -> PathBuf {
        self.top.path().join("project").join(path)
    }

    fn record(&self) -> PathBuf {
        self.top.path().join("record")
    }

    fn whiteout(&self, path: &str) {
        fs::create_dir_all(self.upper(path).parent().unwrap()).unwrap();
        mknodat(CWD, self.upper(path), FileType::CharacterDevice, Mode::empty(), 0).unwrap();
    }

    fn note(&mut self) {
        let kept = Kept::make(&self.record()).unwrap();
        let (upper, project) = (self.upper(""), self.project(""));
        self.seen.note(&upper, &project, Seen::now(), Some(&kept)).unwrap();
    }

    /// `present`, `absent`, `unsure` or `unknown`.
    fn told(&self, path: &str) -> &'static str {
        match self.seen.of(Path::new(path)) {
            Memory::Known(Some(_)) => "present",
            Memory::Known(None) => "absent",
            Memory::Unsure => "unsure",
            Memory::Unknown => "unknown",
        }
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Long enough for the kernel's clock of time stamps to go on.
fn tick() {
    std::thread::sleep(std::time::Duration::from_millis(20));
}

#[test]
fn what_the_upper_names_is_recorded_and_nothing_else() {
    let mut scene = Scene::new(&["changed", "untouched", "d/changed", "d/untouched"]);
    for path in ["changed", "d/changed", "new", "made/deep"] {
        write(&scene.upper(path), "x");
    }
    scene.note();
    let told = ["changed", "d/changed", "d", "new", "made", "made/deep", "untouched", "d/untouched"]
        .map(|path| (path, scene.told(path)));
    let expected = [
        ("changed", "present"),
        ("d/changed", "present"),
        ("d", "present"),
        ("new", "absent"),
        ("made", "absent"),
        ("made/deep", "absent"),
        ("untouched", "unknown"),
        ("d/untouched", "unknown"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn below_what_was_deleted_or_replaced_everything_is_recorded_and_later_gains_are_not() {
    let mut scene = Scene::new(&["gone/a/b", "gone/c", "hidden/a", "file/a"]);
    scene.whiteout("gone");
    fs::create_dir(scene.upper("hidden")).unwrap();
    setxattr(scene.upper("hidden"), "user.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
    write(&scene.upper("file"), "a file now");
    scene.note();
    for path in ["gained/x", "gone/later", "hidden/later", "file/later"] {
        write(&scene.project(path), "later");
    }
    scene.note();
    for path in ["gone", "gone/a", "gone/a/b", "gone/c", "hidden", "hidden/a", "file", "file/a"] {
        assert_eq!(scene.told(path), "present", "{path}");
    }
    for path in ["gone/later", "hidden/later", "file/later"] {
        assert_eq!(scene.told(path), "absent", "{path}");
    }
}

#[test]
fn below_what_the_session_made_nothing_of_the_projects_is_taken_for_seen() {
    let mut scene = Scene::new(&[]);
    write(&scene.upper("made/own"), "x");
    setxattr(scene.upper("made"), "user.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
    scene.note();
    write(&scene.project("made/theirs"), "y");
    scene.note();
    assert_eq!(scene.told("made/theirs"), "absent");
}

#[test]
fn the_first_sighting_stays_and_comes_back_from_disk() {
    let mut scene = Scene::new(&["file", "odd\n\u{fffd}"]);
    write(&scene.upper("file"), "x");
    write(&scene.upper("odd\n\u{fffd}"), "x");
    scene.note();
    let first = scene.seen.of(Path::new("file")).sighting();
    tick();
    write(&scene.project("file"), "changed");
    scene.note();
    assert_eq!(scene.seen.of(Path::new("file")).sighting(), first);
    scene.seen.save().unwrap();
    let loaded = Seen::load(&[scene.record()]).unwrap();
    assert_eq!(loaded.records, scene.seen.records);
    assert_eq!(loaded.kept_bytes, scene.seen.kept_bytes);
    assert_eq!(loaded.base(Path::new("file")).unwrap(), b"file");
}

#[test]
fn a_change_of_the_project_while_the_command_runs_makes_the_base_unsure() {
    let mut scene = Scene::new(&["file", "other"]);
    tick();
    let started = Seen::now();
    tick();
    write(&scene.project("file"), "changed meanwhile");
    write(&scene.upper("file"), "x");
    write(&scene.upper("other"), "x");
    let (upper, project) = (scene.upper(""), scene.project(""));
    scene.seen.note(&upper, &project, started, None).unwrap();
    assert_eq!((scene.told("file"), scene.told("other")), ("unsure", "present"));
}

#[test]
fn a_forged_whiteout_records_nothing() {
    let mut scene = Scene::new(&[]);
    scene.whiteout("forged");
    scene.note();
    assert!(scene.seen.is_empty());
}

#[test]
fn a_torn_or_foreign_record_is_an_error_and_not_an_empty_one() {
    let scene = Scene::new(&[]);
    write(&scene.record().join("seen.jsonl"), "{\"record\":{\"path\":\"x\"");
    assert!(matches!(Seen::load(&[scene.record()]), Err(SeenError::Read { line: 1, .. })));
}

#[test]
fn a_newer_layer_adds_to_what_an_older_one_saw() {
    let mut scene = Scene::new(&["d/a", "d/b", "e"]);
    write(&scene.upper("d/a"), "x");
    scene.note();
    scene.seen.save().unwrap();
    let first = scene.seen.of(Path::new("d/a")).sighting();
    let newer = scene.top.path().join("newer");
    fs::create_dir(&newer).unwrap();
    tick();
    write(&scene.project("d/a"), "changed");
    let mut seen = Seen::load(&[newer.clone(), scene.record()]).unwrap();
    scene.whiteout("../upper2/d");
    seen.note(&scene.top.path().join("upper2"), &scene.project(""), Seen::now(), None).unwrap();
    seen.save().unwrap();
    let loaded = Seen::load(&[newer, scene.record()]).unwrap();
    assert_eq!(loaded.of(Path::new("d/a")).sighting(), first);
    assert_eq!(loaded.of(Path::new("d/later")), Memory::Known(None));
    assert_eq!(loaded.base(Path::new("d/a")).unwrap(), b"d/a");
    let older = Seen::load(&[scene.record()]).unwrap();
    assert_eq!(older.of(Path::new("d/b")), Memory::Unknown);
}

#[test]
fn a_large_file_is_recorded_and_not_kept() {
    let mut scene = Scene::new(&[]);
    write(&scene.project("large"), &"x".repeat(1024 * 1024 + 1));
    write(&scene.upper("large"), "x");
    scene.note();
    assert_eq!(scene.told("large"), "present");
    assert_eq!(scene.seen.base(Path::new("large")), None);
}

impl Memory<'_> {
    fn sighting(&self) -> Option<Sighting> {
        match self {
            Memory::Known(sighting) => sighting.cloned(),
            _ => None,
        }
    }
}
