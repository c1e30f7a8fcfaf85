//! The leaf of one command: where it is, what it sees of that, and that none is left.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use clearing_runtime::cgroup::{Group, Groups, Leaf, Limits, Search, Version};

use crate::ending::{ENOUGH, within};
use crate::limits::slow;
use crate::sandboxed::{serve, start, start_in};

pub(crate) fn seen_as_the_root(groups: &Groups) {
    let Some((mut group, leaf)) = with_leaf(groups) else { return };
    let (mut read, write) =
        nix::unistd::pipe().map(|(read, write)| (File::from(read), File::from(write))).expect("pipe");
    let mut sandbox = start_in(&leaf, &mut group, &["group"], &write);
    drop(write);
    assert!(serve(&mut sandbox, &group).0.is_some());
    let mut printed = String::new();
    read.read_to_string(&mut printed).expect("text");
    assert!(printed.lines().any(|line| line == "0::/"), "{printed}");
    let init = fs::read_to_string(format!("/proc/{}/cgroup", sandbox.init())).expect("init's groups");
    assert!(init.lines().any(|line| line.ends_with("/init")), "{init}");
    drop(sandbox);
    assert!(leaf.remove_if_empty());
    group.remove().expect("removed");
}

pub(crate) fn gone_when_empty(groups: &Groups) {
    let Some((mut group, leaf)) = with_leaf(groups) else { return };
    let null = File::options().write(true).open("/dev/null").expect("null");
    let sandbox = start_in(&leaf, &mut group, &["sleep"], &null);
    assert!(within(slow(ENOUGH), || leaf.is_inhabited()));
    assert!(!leaf.remove_if_empty() && directory(&leaf).exists());
    leaf.group().kill();
    assert!(within(slow(ENOUGH), || leaf.remove_if_empty()) && !directory(&leaf).exists());
    drop((sandbox, group));
}

/// Started by the proof below: a supervisor that goes on until it is killed.
pub(crate) fn supervise() -> ExitCode {
    let groups = Groups::find(Search { ask_manager: false, only: Some(Version::V2) }).expect("groups");
    let (mut group, leaf) = with_leaf(&groups).expect("a leaf");
    let null = File::options().write(true).open("/dev/null").expect("null");
    let _sandbox = start_in(&leaf, &mut group, &["sleep"], &null);
    assert!(within(slow(ENOUGH), || leaf.is_inhabited()));
    println!("{}\n", directory(&leaf).display());
    std::thread::sleep(Duration::from_secs(100));
    ExitCode::SUCCESS
}

pub(crate) fn killed_supervisor_leaves_nothing(groups: &Groups) {
    if groups.version() == Version::V1 {
        return;
    }
    let mut supervisor = Command::new(std::env::current_exe().expect("own path"))
        .arg("supervise-leaf")
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut told = String::new();
    BufReader::new(supervisor.stdout.take().expect("a pipe")).read_line(&mut told).expect("text");
    let leaf = Path::new(told.trim_end());
    assert!(leaf.exists(), "{told:?}");
    supervisor.kill().expect("killed");
    supervisor.wait().expect("reaped");
    assert!(within(slow(ENOUGH), || !leaf.parent().expect("a group").exists()), "{told:?}");
}

pub(crate) fn dead_group_is_collected(groups: &Groups) {
    let mut group = groups.create().expect("a group");
    if groups.version() == Version::V1 {
        return;
    }
    let own = group.directories().next().expect("one").to_owned();
    let dead = own.with_file_name("clearing-4194300-1badcafe");
    ["", "init", "exec-1"].iter().for_each(|name| fs::create_dir(dead.join(name)).expect("made"));
    let null = File::options().write(true).open("/dev/null").expect("null");
    let sandbox = start(&mut group, Limits::default(), &["sleep"], &null);
    assert!(within(slow(ENOUGH), || !dead.exists()), "{dead:?}");
    drop(sandbox);
}

/// Version 1 has no leaves, and says so.
fn with_leaf(groups: &Groups) -> Option<(Group, Leaf)> {
    let group = groups.create_with_leaves().expect("a group");
    assert_eq!(group.has_leaves(), groups.version() == Version::V2);
    let leaf = group.leaf(7, Limits::default());
    assert_eq!(leaf.is_ok(), group.has_leaves(), "{leaf:?}");
    Some((group, leaf.ok()?))
}

fn directory(leaf: &Leaf) -> PathBuf {
    leaf.group().directories().next().expect("one").to_owned()
}
