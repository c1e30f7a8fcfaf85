//! What is seen after snapshots, rollbacks, forks and changes of the project.

use std::fs;

use clearing::live::Others;

use crate::site::Site;

pub(crate) fn goes_and_comes_back(site: &Site) {
    let mut live = site.live();
    live.sh("echo new > new; echo changed > src/old; mkdir made; rm -r src/../made; find . > /dev/null");
    live.sandbox.snapshot(Some("one"), Others::Refuse).expect("a snapshot");
    assert_eq!(live.sh("cat new src/old; echo later > later"), "new\nchanged");
    let backup = live.sandbox.rollback("initial", Others::Refuse).expect("back").expect("a backup");
    assert_eq!(live.sh("ls; cat src/old"), "src\nold");
    live.sandbox.rollback("one", Others::Refuse).expect("forward");
    assert_eq!(live.sh("ls; cat src/old"), "new\nsrc\nchanged");
    live.sandbox.rollback(&backup, Others::Refuse).expect("to the backup");
    assert_eq!(
        live.sh("ls; cat later; ./new 2>/dev/null; chmod +x new; echo exit 0 > new; ./new"),
        "later\nnew\nsrc\nlater"
    );
    let id = live.id.clone();
    live.sandbox.end().expect("ended");
    // The record says the same to everybody else.
    assert_eq!(fs::read_to_string(site.project.join("src/old")).expect("the project's"), "old\n");
    assert_eq!(site.clearing(&["exec", &id, "--", "cat", "later"]), "later");
    let history = site.clearing(&["history", &id]);
    assert!(history.contains("one") && history.contains(&backup), "{history}");
}

pub(crate) fn home_goes_back(site: &Site) {
    let mut live = site.live();
    live.sh("echo 1 > ~/kept; mkdir -p ~/.cache/a; echo 1 > ~/.cache/a/b");
    live.sandbox.snapshot(Some("home"), Others::Refuse).expect("a snapshot");
    live.sh("echo 2 > ~/kept; rm -r ~/.cache/a; echo in > inside");
    live.sandbox.rollback("home", Others::Refuse).expect("back");
    assert_eq!(live.sh("cat ~/kept ~/.cache/a/b; ls"), "1\n1\nsrc");
    live.sandbox.rollback("initial", Others::Refuse).expect("back to the beginning");
    assert_eq!(
        live.sh("ls ~/kept 2>/dev/null; cat src/old; pwd"),
        format!("old\n{}", site.project.display())
    );
    // What the home has of the caller's is not in it, as from the beginning.
    assert_eq!(live.sh("ls ~/out ~/state 2>/dev/null; echo $?"), "2");
}

pub(crate) fn fork_goes_its_own_way(site: &Site) {
    let mut live = site.live();
    live.sh("echo shared > shared");
    let fork = live.sandbox.fork(None, None, Others::Refuse).expect("a fork");
    live.sh("echo mine > mine; rm shared");
    let mut other = site.open(&fork);
    assert_eq!(other.sh("ls; echo theirs > theirs; echo more >> shared"), "shared\nsrc");
    assert_eq!(live.sh("ls"), "mine\nsrc");
    live.sandbox.rollback("initial", Others::Refuse).expect("back");
    assert_eq!(other.sh("ls; cat shared"), "shared\nsrc\ntheirs\nshared\nmore");
}

pub(crate) fn failure_leaves_all_as_it_was(site: &Site) {
    let mut live = site.live();
    live.sh("echo one > one");
    live.sandbox.snapshot(Some("one"), Others::Refuse).expect("a snapshot");
    live.sh("echo two > two");
    live.sandbox.snapshot(Some("two"), Others::Refuse).expect("another one");
    live.sh("echo three > three");
    let layers = fs::read_dir(site.home.join("state/layers")).expect("layers").flatten();
    let upper =
        layers.map(|layer| layer.path().join("project.upper")).find(|upper| upper.join("one").exists());
    let (upper, aside) = (upper.expect("the sealed one"), site.home.join("state/aside"));
    fs::rename(&upper, &aside).expect("out of the way");
    live.sandbox.rollback("one", Others::Refuse).expect_err("a layer that is not there");
    fs::rename(&aside, &upper).expect("back");
    assert_eq!(live.sh("cat one two three; echo four > four"), "one\ntwo\nthree");
    live.sandbox.rollback("one", Others::Refuse).expect("it is there again");
    assert_eq!(live.sh("ls"), "one\nsrc");
}

pub(crate) fn way_that_was_changed_is_refused(site: &Site) {
    let project = site.home.join("deep/project");
    fs::create_dir_all(&project).expect("made");
    let mut live = site.open(&site.clearing(&["create", "-w", project.to_str().expect("text")]));
    live.sh("echo a > a; mv ~/deep ~/elsewhere; mkdir -p ~/deep; ln -s /etc ~/deep/project");
    let refused = live.sandbox.snapshot(None, Others::Refuse).expect_err("what is there is no project");
    assert!(refused.to_string().contains("deep/project"), "{refused}");
    let id = live.id.clone();
    live.sandbox.end().expect("ended");
    site.clearing(&["rollback", &id, "initial"]);
    assert_eq!(site.open(&id).sh("ls -a"), ".\n..");
}

pub(crate) fn changed_project_is_seen(site: &Site) {
    let mut live = site.live();
    assert_eq!(live.sh("cat src/old; ls src; echo mine > src/mine"), "old\nold");
    fs::write(site.project.join("src/.new"), "newer\n").expect("written");
    fs::rename(site.project.join("src/.new"), site.project.join("src/old")).expect("as editors do");
    fs::write(site.project.join("src/more"), "more\n").expect("written");
    assert_eq!(live.sh("cat src/old src/more src/mine; ls src"), "newer\nmore\nmine\nmine\nmore\nold");
    fs::write(site.project.join("src/again"), "again\n").expect("written");
    live.sandbox.refresh(Others::Refuse).expect("refreshed");
    assert_eq!(live.sh("cat src/again src/mine"), "again\nmine");
}

pub(crate) fn goes_back_by_itself(site: &Site) {
    let profile = site.home.join("back.toml");
    fs::write(&profile, "extends = \"default\"\n[rollback]\non = [\"error\"]\n").expect("written");
    let (path, project) = (profile.to_str().expect("text"), site.project.to_str().expect("text"));
    let mut live = site.open(&site.clearing(&["create", "-p", path, "-w", project]));
    live.sh("echo good > good");
    let (executed, _) = live.try_sh("echo bad > bad; rm good; exit 1");
    assert!(executed.outcome().contains("\"rolledBack\":{\"on\":\"error\""), "{}", executed.outcome());
    assert_eq!(live.sh("ls; cat good"), "good\nsrc\ngood");
    site.clearing(&["audit", "verify"]);
}
