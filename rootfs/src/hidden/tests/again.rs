//! A search again finds whatever has changed since the one before.

use std::fs::{FileTimes, OpenOptions};
use std::time::{Duration, SystemTime};

use super::*;

/// What was found, and is looked for again.
struct Again {
    scene: Scene,
    hidden: Hidden,
}

impl Again {
    /// All that is there was old when it was found.
    fn of(scene: Scene) -> Self {
        let mut again = Self { hidden: scene.search(), scene };
        again.settle();
        again
    }

    fn settle(&mut self) {
        self.hidden.held = self.hidden.held.settled();
        assert!(self.is_as_it_was());
        // What is changed after this has another time, however coarse the kernel's clock is.
        std::thread::sleep(Duration::from_millis(20));
    }

    /// Whether a look is enough.
    fn is_as_it_was(&self) -> bool {
        let top = open_directory(&self.scene.project()).unwrap();
        look::look(&top, &self.hidden.rules, &self.hidden.held.bytes().unwrap_or_default()).is_some()
    }

    /// What is hidden, by what was known before alone, and by nothing but what there is now.
    #[track_caller]
    fn finds(&mut self, expected: &[&str]) {
        let project = self.scene.project();
        self.hidden = self.hidden.search_again(&project, None).unwrap();
        let anew = Hidden::search(&project, rules(), None).unwrap();
        assert_eq!((&self.hidden.paths, &self.hidden.notes), (&anew.paths, &anew.notes));
        let paths: Vec<_> = anew.paths.iter().map(|hidden| hidden.path.0.to_str().unwrap()).collect();
        assert_eq!(paths, expected);
    }

    fn path(&self, path: &str) -> PathBuf {
        self.scene.project().join(path)
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// As whoever hides a change would.
    fn set_times(&self, paths: &[&str], time: SystemTime) {
        for path in paths {
            let file = OpenOptions::new().read(true).open(self.path(path)).unwrap();
            file.set_times(FileTimes::new().set_modified(time).set_accessed(time)).unwrap();
        }
    }
}

#[test]
fn what_is_as_it_was_is_found_with_all_its_names_and_notes() {
    let scene =
        Scene::new(&[("a/.env", "x"), ("b/real", ""), ("c/.aws/key", "y"), ("d/e.pem", "PRIVATE KEY")]);
    symlink("../b/real", scene.project().join("a/.env.link")).unwrap();
    fs::hard_link(scene.project().join("a/.env"), scene.project().join("copy")).unwrap();
    let mut again = Again::of(scene);
    let expected = ["a/.env", "a/.env.link", "b/real", "c/.aws", "copy", "d/e.pem"];
    again.finds(&expected);
    assert!(again.is_as_it_was());
    assert_eq!(again.hidden.paths[2].rule, "`a/.env.link` leads there: `.env.*`: a secret");
}

#[test]
fn a_new_secret_and_one_that_is_gone_are_found() {
    let mut again = Again::of(Scene::new(&[("a/b/c/file", ""), ("a/.env", "")]));
    again.scene.write("a/b/c/.env", "");
    again.finds(&["a/.env", "a/b/c/.env"]);
    again.settle();
    again.scene.write("new/deep/.env", "");
    again.finds(&["a/.env", "a/b/c/.env", "new/deep/.env"]);
    again.settle();
    fs::remove_dir_all(again.path("new")).unwrap();
    fs::remove_file(again.path("a/.env")).unwrap();
    again.finds(&["a/b/c/.env"]);
}

#[test]
fn what_is_renamed_is_found_under_its_name() {
    let mut again = Again::of(Scene::new(&[("a/b/.env", ""), ("a/c/plain", "")]));
    again.rename("a/b", "a/moved");
    again.finds(&["a/moved/.env"]);
    again.settle();
    again.rename("a/c/plain", "a/c/.env");
    again.finds(&["a/c/.env", "a/moved/.env"]);
}

#[test]
fn a_directory_that_was_swapped_for_another_with_its_times_is_found() {
    let mut again = Again::of(Scene::new(&[("a/b/same", ""), ("a/c/same", "")]));
    let old = SystemTime::now() - Duration::from_secs(1000);
    again.scene.write("apart/.env", "");
    again.set_times(&["", "a", "a/b", "apart"], old);
    again.finds(&["apart/.env"]);
    again.settle();
    again.rename("a/b", "old");
    again.rename("apart", "a/b");
    again.rename("old", "apart");
    again.set_times(&["", "a", "a/b", "apart"], old);
    again.finds(&["a/b/.env"]);
    again.settle();
    // Two that are both known.
    again.rename("a/c", "old");
    again.rename("a/b", "a/c");
    again.rename("old", "a/b");
    again.set_times(&["", "a", "a/b", "a/c"], old);
    again.finds(&["a/c/.env"]);
}

#[test]
fn a_file_that_comes_to_hold_a_secret_is_found_though_its_directory_is_as_it_was() {
    let mut again = Again::of(Scene::new(&[("a/b.pem", "nothing 1234567"), ("a/c", "")]));
    let old = SystemTime::now() - Duration::from_secs(1000);
    again.set_times(&["a/b.pem"], old);
    again.finds(&[]);
    again.settle();
    again.scene.write("a/b.pem", "PRIVATE KEY 123");
    again.set_times(&["a/b.pem"], old);
    again.finds(&["a/b.pem"]);
    again.settle();
    again.scene.write("a/b.pem", "nothing");
    again.finds(&[]);
}

#[test]
fn what_a_hidden_link_leads_to_is_found_though_what_it_leads_through_lies_outside() {
    let scene = Scene::new(&[("one/file", ""), ("two/file", "")]);
    let outside = scene.top.path().join("outside");
    symlink(scene.project().join("one"), &outside).unwrap();
    symlink("../outside", scene.project().join(".env")).unwrap();
    let mut again = Again::of(scene);
    again.finds(&[".env", "one"]);
    fs::remove_file(&outside).unwrap();
    symlink(again.path("two"), &outside).unwrap();
    assert!(again.is_as_it_was());
    again.finds(&[".env", "two"]);
}

#[test]
fn a_directory_that_was_swapped_for_a_link_to_it_is_not_gone_through() {
    let mut again = Again::of(Scene::new(&[("a/.env", ""), ("b/file", "")]));
    again.rename("a", "c");
    symlink("c", again.path("a")).unwrap();
    again.finds(&["c/.env"]);
}

#[test]
fn another_name_of_a_hidden_file_is_found_where_no_time_tells_of_it() {
    let scene = Scene::new(&[("a/.env", ""), (".aws/key", ""), ("node_modules/x/file", "")]);
    // None of these is looked for where other people's files are.
    let rules = vec![rule(".env", &[], false), rule(".aws/", &[], false)];
    let rules = HideRules::new(rules, Vec::new(), &["node_modules"]);
    let mut again = Again { hidden: Hidden::search(&scene.project(), rules, None).unwrap(), scene };
    again.settle();
    let link = |again: &Again, to: &str, from: &str| fs::hard_link(again.path(to), again.path(from)).unwrap();
    link(&again, "a/.env", "node_modules/x/copy");
    assert!(again.is_as_it_was());
    again.finds(&[".aws", "a/.env", "node_modules/x/copy"]);
    link(&again, ".aws/key", "node_modules/x/key");
    assert!(again.is_as_it_was());
    again.finds(&[".aws", "a/.env", "node_modules/x/copy", "node_modules/x/key"]);
}

#[test]
fn what_was_too_young_to_be_trusted_is_read_again() {
    let scene = Scene::new(&[("a/file", ""), ("b.pem", "nothing")]);
    let mut again = Again { hidden: scene.search(), scene };
    assert!(!again.is_as_it_was());
    // At the same tick, for all that its times tell.
    again.scene.write("a/.env", "");
    let now = open_directory(&again.path("a")).and_then(rustix::fs::fstat).unwrap();
    let bytes = again.hidden.held.settled().bytes().unwrap();
    let mut directories: Vec<index::Directory> = postcard::from_bytes(&bytes).unwrap();
    directories[1].stamp = stale::Stamp::of(&now, stale::now());
    again.hidden.held = Held::of(Arc::new(postcard::to_stdvec(&directories).unwrap()));
    again.finds(&["a/.env"]);
}

#[test]
fn what_cannot_be_looked_into_is_hidden_again() {
    let scene = Scene::new(&[("closed/.env", ""), ("open/file", "")]);
    let close = |scene: &Scene, mode| {
        fs::set_permissions(scene.project().join("closed"), fs::Permissions::from_mode(mode)).unwrap();
    };
    close(&scene, 0o000);
    let expected = if rustix::process::geteuid().is_root() { "closed/.env" } else { "closed" };
    let mut again = Again { hidden: scene.search(), scene };
    again.finds(&[expected]);
    close(&again.scene, 0o755);
    again.finds(&["closed/.env"]);
}

#[test]
fn an_index_that_is_damaged_is_trusted_in_nothing() {
    let again = Again::of(Scene::new(&[("a/b/.env", ""), ("c/file", "")]));
    let whole = again.hidden.held.bytes().unwrap();
    let top = open_directory(&again.scene.project()).unwrap();
    for length in 0..whole.len() {
        assert!(look::look(&top, &again.hidden.rules, &whole[..length]).is_none(), "{length}");
    }
    let mut directories: Vec<index::Directory> = postcard::from_bytes(&whole).unwrap();
    for below in [0, 1, 2, 4, u32::MAX] {
        directories[0].below = below;
        let apart = postcard::to_stdvec(&directories).unwrap();
        assert!(look::look(&top, &again.hidden.rules, &apart).is_none(), "{below}");
    }
}

#[test]
fn what_is_known_is_held_once_for_all_and_not_beyond_a_bound() {
    let again = Again::of(Scene::new(&[("a/file", "")]));
    let held = |again: &Again| again.hidden.held.bytes().unwrap();
    let other = Held::of(Arc::new(Vec::clone(&held(&again)))).bytes().unwrap();
    let third = Held::of(Arc::new(Vec::clone(&other))).bytes().unwrap();
    assert!(Arc::ptr_eq(&other, &third));
    assert!(held(&again).len() < 150, "{}", held(&again).len());
    assert!(Held::of(Arc::new(vec![0; 64 << 10])).bytes().is_some());
    assert!(Held::of(Arc::new(vec![0; (64 << 10) + 1])).bytes().is_none());
}
