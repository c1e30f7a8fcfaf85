//! A sandbox with this program in it, and little else.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clearing_runtime::cgroup::{Events, Group, Groups, Leaf, Limits, Sample, Search, Version};
use clearing_runtime::spec::{
    Access, Birth, ExecSpec, Mount, Owners, PathRule, Rights, Room, SandboxSpec, SyscallRule,
};
use clearing_runtime::{ExitStatus, Report, Sandbox};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::identity::namespaces;

/// How a program ended, and what its group said.
#[derive(Debug)]
pub(crate) struct Ended {
    /// None when init was killed along with it.
    pub(crate) status: Option<ExitStatus>,
    pub(crate) printed: String,
    pub(crate) wall: Duration,
    pub(crate) sample: Sample,
    pub(crate) events: Events,
    /// Whether the group's alarm rang.
    pub(crate) rang: bool,
}

/// Runs this program with `words` in a group of its own; ends it when memory has run out.
pub(crate) fn run(groups: &Groups, limits: Limits, words: &[&str]) -> Ended {
    let mut group = groups.create().expect("a group");
    let (mut read, write) = nix::unistd::pipe().map(|(read, write)| (File::from(read), write)).expect("pipe");
    let started = Instant::now();
    let mut sandbox = start(&mut group, limits, words, &File::from(write));
    for enforcement in group.enforced() {
        enforcement.taken.as_ref().expect("taken");
    }
    let (status, rang) = serve(&mut sandbox, &group);
    let wall = started.elapsed();
    drop(sandbox);
    let (sample, events) = (group.sample(), group.events());
    group.remove().expect("removed");
    let mut printed = String::new();
    read.read_to_string(&mut printed).expect("text");
    Ended { status, printed, wall, sample, events, rang }
}

/// A sandbox in which this program has been asked to run.
pub(crate) fn start(group: &mut Group, limits: Limits, words: &[&str], out: &File) -> Sandbox {
    let sandbox = build(group, limits);
    let null = File::open("/dev/null").expect("null");
    let errors = std::io::stderr();
    sandbox.exec(&exec_spec(words), [null.as_fd(), out.as_fd(), errors.as_fd()]).expect("asked");
    sandbox
}

/// The same in a leaf.
pub(crate) fn start_in(leaf: &Leaf, group: &mut Group, words: &[&str], out: &File) -> Sandbox {
    let sandbox = build(group, Limits::default());
    let null = File::open("/dev/null").expect("null");
    let errors = std::io::stderr();
    sandbox.exec_in(leaf, &exec_spec(words), [null.as_fd(), out.as_fd(), errors.as_fd()]).expect("asked");
    sandbox
}

fn build(group: &mut Group, limits: Limits) -> Sandbox {
    let mut sandbox = Sandbox::launch(&Birth::Namespaces(namespaces()), Some(group)).expect("launched");
    sandbox.build(&sandbox_spec(), &[]).expect("asked");
    sandbox.limit(group, limits).expect("limited");
    sandbox
}

pub(crate) fn serve(sandbox: &mut Sandbox, group: &Group) -> (Option<ExitStatus>, bool) {
    let mut rang = false;
    loop {
        let mut polled = vec![PollFd::new(sandbox.as_fd(), PollFlags::POLLIN)];
        polled.extend(group.alarm().map(|alarm| PollFd::new(alarm, PollFlags::POLLIN)));
        poll(&mut polled, PollTimeout::NONE).expect("poll");
        let ready: Vec<bool> = polled.iter().map(|fd| fd.any().unwrap_or(true)).collect();
        let (reported, ringing) = (ready[0], ready.get(1).copied().unwrap_or(false));
        drop(polled);
        if ringing {
            rang = true;
            if group.events().oom_kills > 0 {
                group.kill();
            }
        }
        if reported {
            match sandbox.next_report().expect("a report").map(|(report, _)| report) {
                None => return (None, rang),
                Some(Report::Exited { status, .. }) => return (Some(status), rang),
                Some(Report::Failed(failure) | Report::NotStarted { failure, .. }) => panic!("{failure}"),
                Some(_) => {}
            }
        }
    }
}

/// What groups add to a sandbox, in microseconds: the same many times without one and with one.
pub(crate) fn measure(version: &str, rounds: usize) -> ExitCode {
    let only = match version {
        "v1" => Some(Version::V1),
        "v2" => Some(Version::V2),
        _ => None,
    };
    let mut times: [Vec<u128>; 2] = Default::default();
    for round in 0..rounds * 2 {
        let started = Instant::now();
        if round % 2 == 0 {
            without_group()
        } else {
            with_group(only)
        }
        times[round % 2].push(started.elapsed().as_micros());
    }
    for (what, times) in ["without", "with"].iter().zip(&mut times) {
        times.sort_unstable();
        println!("{what}: median {} µs, least {} µs", times[times.len() / 2], times[0]);
    }
    ExitCode::SUCCESS
}

fn without_group() {
    let null = File::options().read(true).write(true).open("/dev/null").expect("null");
    let mut sandbox = Sandbox::launch(&Birth::Namespaces(namespaces()), None).expect("launched");
    sandbox.build(&sandbox_spec(), &[]).expect("asked");
    sandbox.exec(&exec_spec(&["nothing"]), [null.as_fd(); 3]).expect("asked");
    until_exited(&mut sandbox);
}

fn with_group(only: Option<Version>) {
    let limits = Limits { memory: Some(512 << 20), processes: Some(64), cpu: Some(1000) };
    let null = File::options().read(true).write(true).open("/dev/null").expect("null");
    let groups = Groups::find(Search { ask_manager: false, only }).expect("groups");
    let mut group = groups.create().expect("a group");
    let mut sandbox = start(&mut group, limits, &["nothing"], &null);
    until_exited(&mut sandbox);
    drop(sandbox);
    std::hint::black_box((group.sample(), group.events()));
    group.remove().expect("removed");
}

fn until_exited(sandbox: &mut Sandbox) {
    loop {
        match sandbox.next_report().expect("a report") {
            Some((Report::Exited { .. }, _)) => return,
            Some((Report::Ready { .. } | Report::Started { .. }, _)) => {}
            other => panic!("{:?}", other.map(|(report, _)| report)),
        }
    }
}

fn exec_spec(words: &[&str]) -> ExecSpec {
    let argv = ["/payload", "payload"].iter().chain(words).map(|word| CString::new(*word).expect("text"));
    ExecSpec::of(argv.collect())
}

fn sandbox_spec() -> SandboxSpec {
    let bind = |source: PathBuf, target: &str| Mount::Bind {
        source,
        target: target.into(),
        access: Access::ReadOnly,
        owners: Owners::Host,
    };
    let link = |target: &str, to: &str| Mount::Symlink { target: target.into(), to: to.into() };
    SandboxSpec {
        hostname: "clearing".into(),
        memory: Room { bytes: 1 << 30, inodes: 1000 },
        root: vec![
            bind("/usr".into(), "/usr"),
            link("/lib", "usr/lib"),
            link("/lib64", "usr/lib64"),
            bind(std::env::current_exe().expect("own path"), "/payload"),
            Mount::Proc { target: "/proc".into() },
            Mount::Device { path: "/dev/null".into() },
            Mount::Memory { target: "/tmp".into(), mode: 0o1777 },
        ],
        landlock: vec![
            PathRule { path: "/".into(), rights: Rights::ReadExecute },
            PathRule { path: "/tmp".into(), rights: Rights::All },
        ],
        syscalls: crate::calls::CALLS.iter().map(|name| SyscallRule::allowed(name)).collect(),
        best_effort: BTreeSet::new(),
    }
}
