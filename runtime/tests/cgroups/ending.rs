//! What a group is like from inside, and that none is left.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clearing_runtime::cgroup::{Groups, Limits, Search, Version};

use crate::limits::slow;
use crate::sandboxed::{run, start};

/// What never happens within this does not happen.
pub(crate) const ENOUGH: Duration = Duration::from_secs(30);

pub(crate) fn sees_its_own_group_as_the_root(groups: &Groups) {
    let ended = run(groups, Limits::default(), &["group"]);
    let line = ended.printed.lines().find(|line| match groups.version() {
        Version::V2 => line.starts_with("0::"),
        Version::V1 => line.contains(":pids:"),
    });
    assert!(line.is_some_and(|line| line.ends_with(":/")), "{ended:?}");
}

pub(crate) fn gone_with_its_sandbox(groups: &Groups) {
    let mut group = groups.create().expect("a group");
    let directories: Vec<PathBuf> = group.directories().map(Path::to_owned).collect();
    let null = File::options().write(true).open("/dev/null").expect("null");
    let sandbox = start(&mut group, Limits::default(), &["sleep"], &null);
    assert!(directories.iter().all(|directory| directory.exists()), "{directories:?}");
    drop(group);
    assert!(!directories.iter().any(|directory| directory.exists()), "{directories:?}");
    drop(sandbox);
}

/// Started by the proof below: a supervisor that goes on until it is killed.
pub(crate) fn supervise(version: &str) -> ExitCode {
    let only = Some(if version == "V1" { Version::V1 } else { Version::V2 });
    let groups = Groups::find(Search { ask_manager: false, only }).expect("groups");
    let mut group = groups.create().expect("a group");
    let null = File::options().write(true).open("/dev/null").expect("null");
    let sandbox = start(&mut group, Limits::default(), &["sleep"], &null);
    println!("{}", sandbox.init());
    group.directories().for_each(|directory| println!("{}", directory.display()));
    println!();
    std::thread::sleep(Duration::from_secs(100));
    ExitCode::SUCCESS
}

pub(crate) fn killed_supervisor_leaves_nothing(groups: &Groups) {
    let mut supervisor = Command::new(std::env::current_exe().expect("own path"))
        .args(["supervise", &format!("{:?}", groups.version())])
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let out = BufReader::new(supervisor.stdout.take().expect("a pipe"));
    let told: Vec<String> =
        out.lines().map(|line| line.expect("text")).take_while(|line| !line.is_empty()).collect();
    let (init, directories) = told.split_first().expect("init and its groups");
    let lives = || fs::read_to_string(format!("/proc/{init}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(lives() && directories.iter().all(|path| Path::new(path).exists()), "{told:?}");
    supervisor.kill().expect("killed");
    supervisor.wait().expect("reaped");
    let gone = || !lives() && !directories.iter().any(|path| Path::new(path).exists());
    assert!(within(slow(ENOUGH), gone), "{told:?}");
}

pub(crate) fn dead_group_is_collected(groups: &Groups) {
    let mut group = groups.create().expect("a group");
    let dead: Vec<PathBuf> =
        group.directories().map(|directory| directory.with_file_name("clearing-4194300-0badcafe")).collect();
    let others: Vec<PathBuf> =
        group.directories().map(|directory| directory.with_file_name("clearing-of-another")).collect();
    dead.iter().chain(&others).for_each(|path| fs::create_dir(path).expect("made"));
    let null = File::options().write(true).open("/dev/null").expect("null");
    let sandbox = start(&mut group, Limits::default(), &["sleep"], &null);
    let collected = within(slow(ENOUGH), || !dead.iter().any(|path| path.exists()));
    let left = others.iter().all(|path| path.exists());
    for path in dead.iter().chain(&others) {
        let _ = fs::remove_dir(path);
    }
    assert!(collected && left);
    drop(sandbox);
}

pub(crate) fn within(time: Duration, condition: impl Fn() -> bool) -> bool {
    let until = Instant::now() + time;
    while !condition() {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}
