use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

mod again;
mod calls;

/// A project and a place for the index.
struct Scene {
    top: tempfile::TempDir,
}

fn rule(pattern: &'static str, contains: &'static [&'static str], everywhere: bool) -> HideRule {
    HideRule {
        pattern: pattern.into(),
        reason: "a secret".into(),
        contains,
        except: &[".env.example"],
        everywhere,
    }
}

fn rules() -> HideRules {
    let rules = vec![
        rule(".env", &[], false),
        rule(".env.*", &[], false),
        rule("*.pem", &["PRIVATE KEY"], false),
        rule(".aws/", &[], false),
        rule("config/*.secret", &[], true),
    ];
    HideRules::new(rules, vec!["shown/".into()], &["node_modules"])
}

impl Scene {
    fn new(files: &[(&str, &str)]) -> Self {
        let scene = Self { top: tempfile::Builder::new().prefix("hidden-").tempdir_in("/var/tmp").unwrap() };
        fs::create_dir(scene.project()).unwrap();
        files.iter().for_each(|(path, text)| scene.write(path, text));
        scene
    }

    fn project(&self) -> PathBuf {
        self.top.path().join("project")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.project().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn search(&self) -> Hidden {
        Hidden::search(&self.project(), rules(), Some(&self.top.path().join("index"))).unwrap()
    }

    /// What is hidden, which must not depend on the index.
    #[track_caller]
    fn hidden(&self) -> Vec<String> {
        let names = |hidden: Hidden| -> Vec<_> {
            hidden.paths.iter().map(|hidden| hidden.path.0.to_str().unwrap().to_owned()).collect()
        };
        let anew = names(Hidden::search(&self.project(), rules(), None).unwrap());
        assert_eq!(names(self.search()), anew);
        anew
    }

    /// Lets all that is there look as if it were old.
    fn settle(&self) {
        self.search();
        let file = fs::read_dir(self.top.path().join("index")).unwrap().next().unwrap().unwrap().path();
        let settled = settled(&fs::read(&file).unwrap());
        fs::write(file, settled).unwrap();
    }
}

/// An index of which all looks as if it had been old.
pub(super) fn settled(index: &[u8]) -> Vec<u8> {
    let mut directories: Vec<index::Directory> = postcard::from_bytes(index).unwrap();
    for directory in &mut directories {
        directory.stamp.settle();
        let read = directory.hits.iter_mut().filter_map(|hit| hit.read.as_mut());
        read.for_each(|(stamp, _)| stamp.settle());
    }
    postcard::to_stdvec(&directories).unwrap()
}

#[test]
fn names_match_at_any_depth_and_in_any_case_and_paths_from_the_top() {
    let scene = Scene::new(&[
        (".env", ""),
        ("a/b/.ENV", ""),
        ("a/.env.local", ""),
        ("a/.env.example", ""),
        (".aws/credentials", ""),
        ("b/.aws", "a file"),
        ("config/x.secret", ""),
        ("a/config/x.secret", ""),
        ("shown/.env", ""),
        ("node_modules/x/.env", ""),
        ("plain", ""),
    ]);
    assert_eq!(scene.hidden(), [".aws", ".env", "a/.env.local", "a/b/.ENV", "config/x.secret"]);
}

#[test]
fn a_key_is_one_by_what_it_holds() {
    let scene =
        Scene::new(&[("a.pem", "-----BEGIN CERTIFICATE"), ("b.pem", "x\n-----BEGIN RSA PRIVATE KEY")]);
    assert_eq!(scene.hidden(), ["b.pem"]);
    scene.settle();
    // Its directory does not change with it.
    scene.write("a.pem", "-----BEGIN PRIVATE KEY-----");
    assert_eq!(scene.hidden(), ["a.pem", "b.pem"]);
    scene.write("b.pem", "nothing");
    assert_eq!(scene.hidden(), ["a.pem"]);
}

#[test]
fn what_changes_is_found_though_the_rest_is_not_read_again() {
    let scene = Scene::new(&[("a/b/c/file", ""), ("a/x/file", ""), ("b/.env", "")]);
    assert_eq!(scene.hidden(), ["b/.env"]);
    scene.settle();
    assert_eq!(scene.hidden(), ["b/.env"]);
    scene.write("a/b/c/.env", "");
    assert_eq!(scene.hidden(), ["a/b/c/.env", "b/.env"]);
    scene.settle();
    fs::rename(scene.project().join("a/b"), scene.project().join("a/moved")).unwrap();
    assert_eq!(scene.hidden(), ["a/moved/c/.env", "b/.env"]);
    scene.settle();
    fs::remove_file(scene.project().join("b/.env")).unwrap();
    fs::remove_dir_all(scene.project().join("a/moved")).unwrap();
    assert!(scene.hidden().is_empty());
}

#[test]
fn a_directory_that_was_just_changed_is_read_again() {
    let scene = Scene::new(&[("a/file", "")]);
    assert!(scene.hidden().is_empty());
    // At the same tick, for all that its times tell.
    let file = fs::read_dir(scene.top.path().join("index")).unwrap().next().unwrap().unwrap().path();
    scene.write("a/.env", "");
    let mut directories: Vec<index::Directory> = postcard::from_bytes(&fs::read(&file).unwrap()).unwrap();
    let now = open_directory(&scene.project().join("a")).and_then(rustix::fs::fstat).unwrap();
    directories[1].stamp = stale::Stamp::of(&now, stale::now());
    fs::write(&file, postcard::to_stdvec(&directories).unwrap()).unwrap();
    assert_eq!(scene.hidden(), ["a/.env"]);
}

#[test]
fn what_a_hidden_link_leads_to_is_hidden_too() {
    let scene = Scene::new(&[("real/secrets", ""), ("store/values", ""), ("other", "")]);
    let link = |to: &Path, from: &str| symlink(to, scene.project().join(from)).unwrap();
    link(Path::new("real/secrets"), ".env");
    link(&scene.project().join("store"), ".env.local");
    link(Path::new("second"), ".env.dev");
    link(Path::new("other"), "second");
    link(Path::new("/etc/passwd"), ".env.out");
    link(Path::new("."), ".env.all");
    let links = [".env", ".env.all", ".env.dev", ".env.local", ".env.out"];
    assert_eq!(scene.hidden(), [&links[..], &["other", "real/secrets", "store"]].concat());
    let rule = scene.search().keeps(Path::new("real/secrets")).unwrap();
    assert!(rule.starts_with("`.env` leads there: "), "{rule}");
}

#[test]
fn every_name_of_a_hidden_file_is_hidden() {
    let scene = Scene::new(&[(".env", "x"), ("node_modules/a/file", ""), (".aws/deep/key", "")]);
    let link =
        |to: &str, from: &str| fs::hard_link(scene.project().join(to), scene.project().join(from)).unwrap();
    link(".env", "copy");
    scene.settle();
    link(".env", "node_modules/a/copy");
    link(".aws/deep/key", "innocent");
    assert_eq!(scene.hidden(), [".aws", ".env", "copy", "innocent", "node_modules/a/copy"]);
}

#[test]
fn a_directory_that_cannot_be_looked_into_is_hidden_each_time() {
    let scene = Scene::new(&[("closed/.env", ""), ("listed/.env", ""), ("open/.env", "")]);
    let close = |name: &str, mode| {
        fs::set_permissions(scene.project().join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    close("closed", 0o000);
    close("listed", 0o444);
    let expected = match rustix::process::geteuid().is_root() {
        true => ["closed/.env", "listed/.env", "open/.env"],
        false => ["closed", "listed/.env", "open/.env"],
    };
    assert_eq!(scene.hidden(), expected);
    scene.settle();
    assert_eq!(scene.hidden(), expected);
    close("closed", 0o755);
    close("listed", 0o755);
    assert_eq!(scene.hidden(), ["closed/.env", "listed/.env", "open/.env"]);
}

#[test]
fn a_name_that_would_be_hidden_is_kept_free_in_any_spelling() {
    let scene = Scene::new(&[("a/real", ""), ("b.pem", "PRIVATE KEY")]);
    symlink("real", scene.project().join("a/.env")).unwrap();
    let hidden = scene.search();
    for path in [".env", "new/.ENV", "a/REAL", "a/real/below", ".aws/new", "b.pem", "B.pem"] {
        assert!(hidden.keeps(Path::new(path)).is_some(), "{path}");
    }
    for path in ["env", "new.pem", "shown/.env", ".env.example", "a/really", "node_modules/.env"] {
        assert_eq!(hidden.keeps(Path::new(path)), None, "{path}");
    }
    assert!(hidden.below(Path::new("a")).is_some() && hidden.below(Path::new("a/real")).is_none());
}

#[test]
fn a_pattern_that_is_none_is_refused() {
    let scene = Scene::new(&[]);
    let rules = HideRules::new(vec![rule("a[", &[], true)], Vec::new(), &[]);
    let error = Hidden::search(&scene.project(), rules, None).unwrap_err();
    assert_eq!(error.to_string(), "`a[` is no pattern");
}

#[test]
#[ignore = "a measurement: cargo test --release -p clearing-rootfs measure_search -- --ignored --nocapture"]
fn measure_search() {
    let scene = Scene::new(&[]);
    for number in 0..10_000 {
        scene.write(&format!("d{}/e{}/f{number}/file", number % 10, number % 100), "");
    }
    let time = |what: &str| {
        let begun = std::time::Instant::now();
        scene.search();
        eprintln!("{what}: {:?}", begun.elapsed());
    };
    time("first");
    scene.settle();
    (0..5).for_each(|_| time("again"));
}

#[test]
fn what_lies_too_deep_for_a_path_is_hidden_with_what_a_path_can_name() {
    let scene = Scene::new(&[("plain", "")]);
    let mut held = open_directory(&scene.project()).unwrap();
    let name = "n".repeat(250);
    for _ in 0..20 {
        rustix::fs::mkdirat(&held, &name, rustix::fs::Mode::RWXU).unwrap();
        held = crate::beneath::open_beneath(&held, name.as_ref(), rustix::fs::OFlags::DIRECTORY).unwrap();
    }
    let hidden = scene.search();
    let [only] = &hidden.paths[..] else { panic!("{:?}", hidden.paths) };
    let length = only.path.0.as_os_str().len();
    assert!((3000..4000).contains(&length), "{length}");
    assert_eq!(hidden.parents(&scene.project()).unwrap().len() + 1, only.path.0.components().count());
}

#[test]
fn a_directory_is_known_to_hold_what_is_hidden_whatever_comes_before_it_in_order() {
    let scene = Scene::new(&[("a/b/.env", ""), ("a-b/.env", ""), ("a.pem", "PRIVATE KEY"), ("b", "")]);
    let hidden = scene.search();
    let below = |path: &str| hidden.below(Path::new(path)).map(|hidden| hidden.path.0.clone());
    assert_eq!(below("a"), Some(PathBuf::from("a/b/.env")));
    assert_eq!(below("a-b"), Some(PathBuf::from("a-b/.env")));
    assert_eq!((below("a/b/.env"), below("b"), below("a-")), (None, None, None));
}
