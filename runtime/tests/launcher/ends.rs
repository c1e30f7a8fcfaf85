//! Whose end ends whom.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use clearing_runtime::cgroup::{Group, Groups, Search};
use clearing_runtime::spec::Birth;
use clearing_runtime::{Sandbox, Stage, launcher};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::identity::namespaces;
use crate::sandboxes::{Running, descendants, expect_soon, lives, sandbox_spec};

fn end(process: u32) {
    kill(Pid::from_raw(process as i32), Signal::SIGKILL).expect("killed");
}

pub(crate) fn launcher_s_death() {
    launcher::start().expect("started");
    let process = launcher::process().expect("there is one");
    let all = thread::spawn(|| [(); 3].map(|()| Running::start(&["sleep"]).asleep())).join().expect("three");
    let below = descendants(process);
    assert!(below.len() >= 6, "inits and commands: {below:?}");
    end(process);
    expect_soon("all have ended", || !below.iter().any(|pid| lives(*pid)));
    let ended = launcher::end().expect("there was one");
    let mut polled = [PollFd::new(ended, PollFlags::POLLIN)];
    assert_eq!(poll(&mut polled, PollTimeout::ZERO), Ok(1));
    let failure = Sandbox::launch(&Birth::Namespaces(namespaces()), None).err().expect("nobody launches it");
    assert_eq!((failure.stage, failure.errno), (Stage::Launcher, libc::ESRCH), "{failure}");
    for mut one in all {
        while one.sandbox.next_report().expect("a report, or the end").is_some() {}
    }
}

pub(crate) fn supervisor_s_death() {
    let mut supervisor = Command::new(std::env::current_exe().expect("own path"))
        .arg("supervise")
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let out = BufReader::new(supervisor.stdout.take().expect("a pipe"));
    let told: Vec<PathBuf> =
        out.lines().map(|line| line.expect("text").into()).take_while(|line| line != "").collect();
    let below = descendants(supervisor.id());
    // The launcher, and three inits with a command each.
    assert!(below.len() >= 7, "{below:?}");
    assert!(told.iter().all(|directory| directory.exists()), "{told:?}");
    supervisor.kill().expect("killed");
    supervisor.wait().expect("reaped");
    expect_soon("all have ended", || !below.iter().any(|pid| lives(*pid)));
    expect_soon("no group is left", || !told.iter().any(|directory| directory.exists()));
}

/// Started by the proof above: goes on until it is killed.
pub(crate) fn supervise() -> ! {
    launcher::start().expect("started");
    let groups = Groups::find(Search { ask_manager: false, only: None }).ok();
    let start = || {
        let group: Option<Group> = groups.as_ref().map(|groups| groups.create().expect("a group"));
        let running = Running::start_with(&["sleep"], sandbox_spec(Vec::new()), group.as_ref()).asleep();
        (running, group)
    };
    let all = thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
    });
    for directory in all.iter().filter_map(|(_, group)| group.as_ref()).flat_map(Group::directories) {
        println!("{}", directory.display());
    }
    println!();
    // It may wake for no reason.
    loop {
        thread::park();
    }
}

pub(crate) fn dropped_is_gone() {
    launcher::start().expect("started");
    let process = launcher::process().expect("there is one");
    let groups = Groups::find(Search { ask_manager: false, only: None }).ok();
    let group: Option<Group> = groups.as_ref().map(|groups| groups.create().expect("a group"));
    let running = Running::start_with(&["sleep"], sandbox_spec(Vec::new()), group.as_ref()).asleep();
    let bare = Running::start_bare(&["sleep"]).asleep();
    let (below, inits) = (descendants(process), [running.sandbox.init(), bare.sandbox.init()]);
    assert!(inits.iter().all(|init| lives(*init)));
    drop((running, bare));
    assert!(!inits.iter().any(|init| lives(*init)), "ended before it was dropped");
    let directories: Vec<PathBuf> = group.iter().flat_map(Group::directories).map(Into::into).collect();
    drop(group);
    assert!(!directories.iter().any(|directory| fs::exists(directory).expect("asked")), "{directories:?}");
    // The sweeper too, and all are reaped.
    expect_soon("the launcher is alone", || descendants(process).is_empty());
    assert!(!below.is_empty());
}

pub(crate) fn family_of_a_killed_init() {
    launcher::start().expect("started");
    let process = launcher::process().expect("there is one");
    let others = [Running::start(&["sleep"]).asleep(), Running::start_bare(&["sleep"]).asleep()];
    let spared = descendants(process);
    let bare = Running::start_bare(&["sleep"]).asleep();
    let family: Vec<u32> = descendants(process).into_iter().filter(|pid| !spared.contains(pid)).collect();
    assert_eq!(family.len(), 2, "init and its command: {family:?}");
    end(bare.sandbox.init());
    drop(bare.sandbox);
    assert!(!family.iter().any(|pid| lives(*pid)), "{family:?}");
    assert!(spared.iter().all(|pid| lives(*pid)), "{spared:?}");
    assert!(others.iter().all(|one| one.printed.as_fd().try_clone_to_owned().is_ok()));
}
