//! A function that runs in place of a program is confined as a program is, and ends as one does.
//!
//! All in one process with one thread, as in a supervisor: init is a fork of it and has its functions.

#[path = "cgroups/identity.rs"]
mod identity;

use std::collections::BTreeSet;
use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::panic::catch_unwind;
use std::path::Path;
use std::process::ExitCode;

use clearing_runtime::spec::{
    Access, Birth, ExecSpec, Mount, Owners, PathRule, Resource, ResourceLimit, Rights, Room, SandboxSpec,
    SyscallRule,
};
use clearing_runtime::{
    ExitStatus, Failure, Function, Report, Sandbox, Stage, duplicate, register_functions,
};
use identity::namespaces;

/// Their numbers are their places.
const FUNCTIONS: [Function; 5] = [tell, look, touch, fail, wait];
const TELL: u32 = 0;
const LOOK: u32 = 1;
const TOUCH: u32 = 2;
const FAIL: u32 = 3;
const WAIT: u32 = 4;

const PROOFS: [(&str, fn()); 6] = [
    ("a_function_has_arguments_streams_and_an_exit_code", has_arguments_streams_and_a_code),
    ("a_function_is_confined_as_a_program_is", is_confined),
    ("a_function_touches_what_the_domain_and_the_filter_let_it", touches_only_what_it_may),
    ("a_function_that_panics_ends_with_101_and_init_lives_on", panics_alone),
    ("a_function_nobody_made_known_is_a_failure", unknown_is_a_failure),
    ("a_function_can_be_killed_while_it_runs", can_be_killed),
];

fn main() -> ExitCode {
    assert!(register_functions(&FUNCTIONS) && !register_functions(&FUNCTIONS));
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut failed = 0;
    for (name, proof) in PROOFS.iter().filter(|(name, _)| words.iter().all(|word| name.contains(word))) {
        let proved = catch_unwind(proof).is_ok();
        println!("test {name} ... {}", if proved { "ok" } else { "FAILED" });
        failed += u8::from(!proved);
    }
    ExitCode::from(failed)
}

fn tell(arguments: &[CString]) -> u8 {
    let mut input = String::new();
    let read = std::io::stdin().read_to_string(&mut input);
    let text = format!("{} {:?} {}", input.trim(), arguments, read.is_ok());
    std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush()).expect("written");
    7
}

/// Tells what the kernel says of the process that it is.
fn look(_: &[CString]) -> u8 {
    let status = fs::read_to_string("/proc/thread-self/status").expect("status");
    let wanted = ["CapEff", "CapBnd", "CapPrm", "NoNewPrivs", "Seccomp:", "NSpid"];
    let lines = status.lines().filter(|line| wanted.iter().any(|start| line.starts_with(start)));
    let open: Vec<i32> = (0..64).filter(|number| duplicate(*number).is_ok()).collect();
    let core = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_FSIZE).expect("limit");
    let text = format!("{}\nopen {open:?}\nfsize {}\n", lines.collect::<Vec<_>>().join("\n"), core.0);
    std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush()).expect("written");
    0
}

/// Tries to write to, and to read, each of the paths, and to make a directory, which the filter refuses.
fn touch(paths: &[CString]) -> u8 {
    let mut text = String::new();
    for path in paths {
        let path = Path::new(OsStr::from_bytes(path.as_bytes()));
        let (wrote, read) = (fs::write(path.join("new"), "x").is_ok(), fs::read_dir(path).is_ok());
        text += &format!("{} wrote {wrote} read {read}\n", path.display());
    }
    text += &format!("mkdir {}\n", fs::create_dir("/tmp/directory").is_ok());
    std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush()).expect("written");
    0
}

fn fail(_: &[CString]) -> u8 {
    panic!("as it should")
}

fn wait(_: &[CString]) -> u8 {
    loop {
        std::thread::sleep(std::time::Duration::from_secs(60));
    }
}

/// How a function ended, and what it wrote.
struct Ended {
    status: Result<ExitStatus, Failure>,
    printed: String,
}

fn has_arguments_streams_and_a_code() {
    let ended = run(TELL, &["one", "two"]);
    assert_eq!(ended.status.expect("started"), ExitStatus::Code(7));
    assert_eq!(ended.printed, "input [\"one\", \"two\"] true");
}

fn is_confined() {
    let Ended { status, printed } = run(LOOK, &[]);
    assert_eq!(status.expect("started"), ExitStatus::Code(0), "{printed}");
    for expected in [
        "CapEff:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
        // It sees itself as init's child, in a PID namespace of its own.
        "NSpid:\t2",
        "open [0, 1, 2]",
        "fsize 4096",
    ] {
        assert!(printed.lines().any(|line| line == expected), "{expected}:\n{printed}");
    }
}

fn touches_only_what_it_may() {
    let Ended { status, printed } = run(TOUCH, &["/tmp", "/", "/etc", "/root"]);
    assert_eq!(status.expect("started"), ExitStatus::Code(0), "{printed}");
    let expected = "/tmp wrote true read true\n/ wrote false read true\n/etc wrote false read false\n\
                    /root wrote false read false\nmkdir false\n";
    assert_eq!(printed, expected);
}

fn panics_alone() {
    assert_eq!(run(FAIL, &[]).status.expect("started"), ExitStatus::Code(101));
}

fn unknown_is_a_failure() {
    let failure = run(99, &[]).status.expect_err("nobody made it known");
    assert_eq!((failure.stage, failure.errno), (Stage::Execute, libc::ENOENT));
}

fn can_be_killed() {
    let (sandbox, _) = start(WAIT, &[]);
    let ended = end(sandbox, |sandbox| sandbox.signal(1, libc::SIGKILL).expect("asked"));
    assert_eq!(ended.expect("started"), ExitStatus::Signal(libc::SIGKILL));
}

fn run(function: u32, arguments: &[&str]) -> Ended {
    let (sandbox, mut read) = start(function, arguments);
    let status = end(sandbox, |_| {});
    let mut printed = String::new();
    read.read_to_string(&mut printed).expect("text");
    Ended { status, printed }
}

fn start(function: u32, arguments: &[&str]) -> (Sandbox, File) {
    let (read, write) = nix::unistd::pipe().expect("pipe");
    let (input, mut feed) = nix::unistd::pipe().map(|(read, write)| (read, File::from(write))).expect("pipe");
    feed.write_all(b"input").expect("fed");
    drop(feed);
    let sandbox = Sandbox::launch(&Birth::Namespaces(namespaces()), None).expect("launched");
    sandbox.build(&sandbox_spec(), &[]).expect("asked");
    // What a panic says is longer than the functions may make a file, which standard error may be.
    let errors = File::options().write(true).open("/dev/null").expect("opened");
    let streams = [input.as_fd(), write.as_fd(), errors.as_fd()];
    sandbox.exec(&exec_spec(function, arguments), streams).expect("asked");
    (sandbox, File::from(read))
}

/// Follows it to its end; `started` is called when it runs.
fn end(mut sandbox: Sandbox, started: impl Fn(&Sandbox)) -> Result<ExitStatus, Failure> {
    loop {
        match sandbox.next_report().expect("a report").expect("init lives").0 {
            Report::Exited { status, .. } => return Ok(status),
            Report::Started { .. } => started(&sandbox),
            Report::Failed(failure) | Report::NotStarted { failure, .. } => return Err(failure),
            _ => {}
        }
    }
}

fn exec_spec(function: u32, arguments: &[&str]) -> ExecSpec {
    let argv = arguments.iter().map(|word| CString::new(*word).expect("text")).collect();
    let limits = vec![ResourceLimit { resource: Resource::FileSize, value: 4096 }];
    ExecSpec { function: Some(function), limits, ..ExecSpec::of(argv) }
}

fn sandbox_spec() -> SandboxSpec {
    let bind = Mount::Bind {
        source: "/usr".into(),
        target: "/usr".into(),
        access: Access::ReadOnly,
        owners: Owners::Host,
    };
    let everything = PathRule { path: "/".into(), rights: Rights::ReadExecute };
    SandboxSpec {
        hostname: "clearing".into(),
        memory: Room { bytes: 1 << 30, inodes: 1000 },
        root: vec![
            bind,
            Mount::Proc { target: "/proc".into() },
            Mount::Memory { target: "/tmp".into(), mode: 0o1777 },
        ],
        landlock: vec![everything, PathRule { path: "/tmp".into(), rights: Rights::All }],
        syscalls: CALLS.iter().map(|name| SyscallRule::allowed(name)).collect(),
        best_effort: BTreeSet::new(),
    }
}

/// What these functions make of the kernel; `mkdir` is not among it.
const CALLS: [&str; 31] = [
    "brk",
    "clock_nanosleep",
    "close",
    "close_range",
    "exit",
    "exit_group",
    "fcntl",
    "fstat",
    "futex",
    "getdents64",
    "getpid",
    "getrandom",
    "gettid",
    "lseek",
    "madvise",
    "mmap",
    "mprotect",
    "mremap",
    "munmap",
    "nanosleep",
    "newfstatat",
    "openat",
    "pread64",
    "prlimit64",
    "read",
    "rt_sigaction",
    "rt_sigprocmask",
    "statx",
    "tgkill",
    "write",
    "writev",
];
