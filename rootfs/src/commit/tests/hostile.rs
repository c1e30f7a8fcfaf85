//! What must never land, whatever a command leaves.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::super::*;
use super::fixture::{Scene, chmod, withheld, write};
use crate::hidden::{HideRule, HideRules};

#[test]
fn neither_devices_nor_pipes_nor_sockets_nor_forged_whiteouts_land() {
    let mut scene = Scene::new(&[("keep", "k"), ("d/x", "x")]);
    let make = |name: &str, kind| mknodat(CWD, scene.upper(name), kind, Mode::RWXU, 0).unwrap();
    make("pipe", FileType::Fifo);
    make("forged", FileType::CharacterDevice);
    make("d", FileType::Fifo);
    let _socket = std::os::unix::net::UnixListener::bind(scene.upper("socket")).unwrap();
    let plan = scene.commit();
    assert_eq!(scene.tree(), ["d 755 ", "d/x 644 x", "keep 644 k"]);
    let special: Vec<_> =
        withheld(&plan).into_iter().filter(|it| it.0 == Code::SpecialFile).map(|it| it.1).collect();
    assert_eq!(special, ["d", "pipe", "socket"]);
    assert!(withheld(&plan).contains(&(Code::Occupied, "d/x".to_owned())));
}

#[test]
fn no_link_that_leads_out_lands_also_through_other_links() {
    let mut scene = Scene::new(&[("d/x", "x")]);
    symlink("/etc", scene.project("theirs")).unwrap();
    let links = [
        ("absolute", "/etc/passwd"),
        ("up", "../secret"),
        ("d/up", "../../secret"),
        ("proc", "/proc/self/root"),
        ("through", "theirs/passwd"),
        ("chain", "up"),
        ("wild", "d/../../secret"),
    ];
    fs::create_dir_all(scene.upper("d")).unwrap();
    for (link, target) in links {
        symlink(target, scene.upper(link)).unwrap();
    }
    symlink("../d/x", scene.upper("d/inside")).unwrap();
    let plan = scene.commit();
    assert_eq!(plan.withheld.len(), links.len(), "{:?}", plan.withheld);
    assert_eq!(scene.tree(), ["d 755 ", "d/inside 777 -> ../d/x", "d/x 644 x", "theirs 777 -> /etc"]);
}

#[test]
fn a_directory_that_became_a_link_is_not_written_through() {
    let mut scene = Scene::new(&[("d/x", "x")]);
    write(&scene.outside("outside/x"), "safe");
    scene.write("d/x", "evil");
    scene.note();
    fs::rename(scene.project("d"), scene.project("moved")).unwrap();
    symlink(scene.outside("outside"), scene.project("d")).unwrap();
    let plan = scene.plan(&[], false);
    assert_ne!(plan.plan().conflicts, []);
    assert!(plan.land(&mut scene.seen).is_err());
    assert_eq!(fs::read_to_string(scene.outside("outside/x")).unwrap(), "safe");
}

#[test]
fn a_hard_link_of_the_projects_is_parted_and_never_written_through() {
    let mut scene = Scene::new(&[("x", "x")]);
    fs::hard_link(scene.project("x"), scene.outside("other-name")).unwrap();
    scene.write("x", "new");
    scene.write("one", "shared");
    fs::hard_link(scene.upper("one"), scene.upper("two")).unwrap();
    let plan = scene.commit();
    assert_eq!(fs::read_to_string(scene.outside("other-name")).unwrap(), "x");
    assert_ne!(
        fs::metadata(scene.project("one")).unwrap().ino(),
        fs::metadata(scene.project("two")).unwrap().ino()
    );
    assert_eq!(plan.told.iter().filter(|it| it.difference == Differs::HardLinkParted).count(), 2);
}

#[test]
fn special_bits_are_stripped_and_told() {
    let mut scene = Scene::new(&[("d/x", "x")]);
    scene.write("suid", "#!/bin/sh");
    chmod(&scene.upper("suid"), 0o6755);
    fs::create_dir_all(scene.upper("sticky")).unwrap();
    chmod(&scene.upper("sticky"), 0o3777);
    let plan = scene.commit();
    assert_eq!(scene.tree(), ["d 755 ", "d/x 644 x", "sticky 777 ", "suid 755 #!/bin/sh"]);
    assert_eq!(plan.told.len(), 2);
}

#[test]
fn nothing_of_root_or_of_others_owns_what_lands() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mut scene = Scene::new(&[]);
    std::os::unix::fs::chown(scene.project(""), Some(1234), Some(1234)).unwrap();
    scene.write("made/x", "x");
    symlink("x", scene.upper("made/l")).unwrap();
    std::os::unix::fs::chown(scene.upper("made/x"), Some(0), Some(0)).unwrap();
    scene.commit();
    for path in ["made", "made/x", "made/l"] {
        let metadata = fs::symlink_metadata(scene.project(path)).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (1234, 1234), "{path}");
    }
}

#[test]
fn settings_do_not_land_whether_they_exist_or_not_unless_allowed() {
    let mut scene = Scene::new(&[(".envrc", "mine")]);
    scene.write(".envrc", "evil");
    scene.write("a/.VSCode/tasks.json", "evil");
    scene.write("a/ok", "fine");
    symlink("a", scene.upper(".bashrc")).unwrap();
    let plan = scene.commit();
    assert_eq!(scene.tree(), [".envrc 644 mine", "a 755 ", "a/ok 644 fine"]);
    assert_eq!(plan.withheld.len(), 4, "{:?}", plan.withheld);
    assert!(plan.withheld.iter().all(|it| it.code == Code::Protected && it.allow.is_some()));
    let name = |name| ProtectedName { name, reason: "" };
    scene.protected = Protected::new([".vscode", ".envrc", ".bashrc"].map(name).to_vec(), &[".envrc".into()]);
    scene.land(&[], false);
    assert_eq!(scene.read(".envrc"), "evil");
    assert!(!scene.project("a/.VSCode").exists());
}

#[test]
fn what_a_protected_link_of_the_project_leads_to_is_protected_too() {
    let mut scene = Scene::new(&[("config/editor/tasks.json", "mine"), ("config/other", "o")]);
    symlink("config/editor", scene.project(".vscode")).unwrap();
    scene.write("config/editor/tasks.json", "evil");
    scene.write("config/other", "changed");
    let plan = scene.commit();
    assert_eq!(withheld(&plan), [(Code::Protected, "config/editor/tasks.json".to_owned())]);
    assert_eq!(scene.read("config/editor/tasks.json"), "mine");
    assert_eq!(scene.read("config/other"), "changed");
}

#[test]
fn no_repository_is_planted() {
    let mut scene = Scene::new(&[("a", "a")]);
    for path in [
        ".git/config",
        "sub/.GIT/hooks/x",
        "sub/git~1/config",
        "bare/HEAD",
        "bare/objects/x",
        "bare/refs/x",
        "bare/config",
    ] {
        scene.write(path, "evil");
    }
    scene.write("worktree/.git", "gitdir: ../bare");
    scene.write("sub/fine", "f");
    let plan = scene.commit();
    let left: Vec<_> = scene.tree().into_iter().filter(|line| line.contains("evil")).collect();
    assert_eq!(left, Vec::<String>::new());
    assert!(!scene.project("worktree/.git").exists());
    assert!(scene.project("sub/fine").exists());
    assert!(plan.withheld.iter().any(|it| it.allow.as_deref() == Some("bare-repository")));
}

#[test]
fn a_repository_that_was_made_anew_does_not_take_the_old_ones_place() {
    let mut scene =
        Scene::new(&[(".git/HEAD", "old"), (".git/objects/aa/x", "o"), (".git/refs/heads/main", "1")]);
    scene.make_opaque(".git");
    scene.write(".git/HEAD", "new");
    scene.write(".git/objects/bb/y", "object");
    scene.write(".git/refs/heads/main", "2");
    scene.commit();
    assert_eq!(scene.tree().len(), 8);
    assert_eq!(scene.read(".git/HEAD"), "old");
}

#[test]
fn a_directory_with_something_that_stays_is_kept_and_told() {
    let mut scene = Scene::new(&[("d/.envrc", "mine"), ("d/x", "x")]);
    scene.delete("d");
    let plan = scene.commit();
    assert_eq!(scene.tree(), ["d 755 ", "d/.envrc 644 mine"]);
    assert_eq!(plan.told[0].difference, Differs::DirectoryKept);
}

#[test]
fn what_others_rely_on_is_neither_deleted_nor_emptied_nor_made_something_else() {
    let names = ["gone", "empty", "program", "link", "changed", "node_modules/x"];
    let files: Vec<String> = names.iter().map(|name| format!("{name}/package.json")).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|path| (path.as_str(), "old")).collect();
    let mut scene = Scene::new(&files);
    for name in ["gone", "node_modules/x"] {
        scene.delete(&format!("{name}/package.json"));
    }
    for (name, content) in [("empty", ""), ("program", "old"), ("changed", "new")] {
        write(&scene.upper(&format!("{name}/package.json")), content);
    }
    chmod(&scene.upper("program/package.json"), 0o755);
    fs::create_dir_all(scene.upper("link")).unwrap();
    symlink("../changed/package.json", scene.upper("link/package.json")).unwrap();
    let plan = scene.commit();
    let kept = ["empty", "gone", "link", "program"].map(|name| (Code::Kept, format!("{name}/package.json")));
    assert_eq!(withheld(&plan), kept);
    assert!(plan.withheld.iter().all(|it| it.allow.as_deref() == Some("package.json")));
    let left = |name: &str| fs::read_to_string(scene.project(&format!("{name}/package.json"))).ok();
    assert_eq!(left("changed").as_deref(), Some("new"));
    assert_eq!(left("node_modules/x"), None);
    assert!(["gone", "empty", "program", "link"].iter().all(|name| left(name).as_deref() == Some("old")));
}

#[test]
fn no_link_leads_out_through_what_stays_the_projects_own() {
    let mut scene = Scene::new(&[("x", "x")]);
    symlink("/etc", scene.project("theirs")).unwrap();
    // In the session a plain directory stands there; in the project, if only the link is asked for, the other.
    fs::create_dir(scene.upper("theirs")).unwrap();
    symlink("theirs/passwd", scene.upper("link")).unwrap();
    scene.note();
    let plan = scene.land(&["link"], false);
    assert_eq!(withheld(&plan), [(Code::OutwardLink, "link".to_owned())]);
    assert!(scene.project("link").symlink_metadata().is_err());
}

#[test]
fn nothing_on_the_way_of_a_protected_link_is_changed() {
    let mut scene = Scene::new(&[("real/tasks.json", "mine"), ("other/tasks.json", "theirs"), ("x", "x")]);
    symlink("cfg", scene.project(".vscode")).unwrap();
    symlink("real", scene.project("cfg")).unwrap();
    // What the link leads through is turned elsewhere, and what it led to is written to.
    symlink("other", scene.upper("cfg")).unwrap();
    scene.write("real/tasks.json", "evil");
    scene.write("other/tasks.json", "evil");
    scene.write("x", "fine");
    let plan = scene.commit();
    let left: Vec<_> = withheld(&plan).into_iter().map(|(_, path)| path).collect();
    assert_eq!(left, ["cfg", "other/tasks.json", "real/tasks.json"]);
    assert_eq!(scene.read(".vscode/tasks.json"), "mine");
    assert_eq!(scene.read("x"), "fine");
}

#[test]
fn no_link_to_what_is_hidden_lands_under_another_name() {
    let mut scene = Scene::new(&[("a/.env", "secret"), ("a/plain", "plain"), ("keys/one", "key")]);
    let rule = |pattern: &'static str| HideRule {
        pattern: pattern.into(),
        reason: "a secret".into(),
        contains: &[],
        except: &[],
        everywhere: false,
    };
    let rules = HideRules::new(vec![rule(".env"), rule("keys/")], Vec::new(), &[]);
    scene.hiding = Hiding::new(rules, &[], scene.outside("index")).everywhere();
    symlink("a/plain", scene.upper("plain")).unwrap();
    symlink("a", scene.upper("beside")).unwrap();
    for (link, target) in [
        ("read", "a/.env"),
        ("spelled", "a/.ENV"),
        ("through", "beside/.env"),
        ("in", "keys/one"),
        ("new", ".env"),
    ] {
        symlink(target, scene.upper(link)).unwrap();
    }
    let plan = scene.commit();
    let hidden = ["in", "new", "read", "spelled", "through"].map(|link| (Code::Hidden, link.to_owned()));
    assert_eq!(withheld(&plan), hidden, "{:?}", plan.withheld);
    assert!(plan.withheld.iter().all(|it| it.allow.is_none() && it.reason.contains("it leads to `")));
    assert!(scene.project("plain").is_symlink() && scene.project("beside").is_symlink());
}

#[test]
fn a_repository_is_not_planted_by_halves() {
    let mut scene = Scene::new(&[("d/objects/o", "o"), ("d/refs/r", "r"), ("x", "x")]);
    // As long as its objects are away it is none; but their going is not asked for.
    scene.delete("d/objects");
    scene.write("d/HEAD", "ref: refs/heads/x");
    scene.write("d/config", "[core] fsmonitor = ./evil");
    scene.note();
    let plan = scene.land(&["d/HEAD", "d/config"], false);
    assert_eq!(plan.lands, []);
    assert!(scene.project("d/config").symlink_metadata().is_err());
}
