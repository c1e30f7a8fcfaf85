//! What a check of a patch asks of the kernel, call by call: unlike the time that it takes, that is the same on every
//! machine.
//!
//! It is done in a process of its own, once and then more often, and that process is stopped at each of its calls.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use clearing::MeasuredCheck;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// Files in each of these directories, which lie in others.
const DIRECTORIES: [&str; 3] = ["a/deep", "b/deep", "c/deep"];
const FILES: usize = 4;
/// With those above them and the top.
const ALL_DIRECTORIES: usize = 7;

const BOTH: &str = "the_calls_of_a_check_follow_its_files_and_directories_and_no_memory_is_given_back";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, directory, rounds] = arguments.as_slice()
        && first == "check"
    {
        check(Path::new(directory), rounds.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    let filters: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    if !filters.is_empty() && !filters.iter().any(|filter| BOTH.contains(*filter)) {
        return ExitCode::SUCCESS;
    }
    calls_follow_files_and_directories();
    println!("{BOTH} ... ok");
    println!("1 passed, 0 failed");
    ExitCode::SUCCESS
}

fn calls_follow_files_and_directories() {
    let scratch = tempfile::tempdir().expect("a directory");
    let patch = make(scratch.path());
    fs::write(scratch.path().join("patch"), patch).expect("a file");
    // What a process does before and after, and for its first checks, is the same each time.
    let (few, many) = (calls(scratch.path(), 5), calls(scratch.path(), 15));
    let files = DIRECTORIES.len() * FILES;
    // A file is opened, looked at, read and closed; a directory is asked for `HEAD`; the top is opened and closed.
    let expected = 4 * files + ALL_DIRECTORIES + 2;
    // With debug assertions the standard library asks whether a descriptor is open before it closes it.
    let asked = if cfg!(debug_assertions) { files + 1 } else { 0 };
    assert_eq!(many.others - few.others, 2 * 10 * (expected + asked), "calls of ten checks");
    // When the allocator asks for more depends on where the heap begins; a check does not each time.
    assert!(many.memory.saturating_sub(few.memory) < 2 * 10, "memory: {few:?}, then {many:?}");
}

/// At how many calls a process was stopped: at each as it begins and as it ends.
#[derive(Debug, Default)]
struct Calls {
    /// To have memory, or to give it back.
    memory: usize,
    others: usize,
}

impl Calls {
    fn add(&mut self, call: i64) {
        let memory = [libc::SYS_brk, libc::SYS_mmap, libc::SYS_munmap, libc::SYS_mremap, libc::SYS_madvise];
        *if memory.contains(&call) { &mut self.memory } else { &mut self.others } += 1;
    }
}

/// In the process that is looked at.
fn check(directory: &Path, rounds: usize) {
    let patch = fs::read(directory.join("patch")).expect("the patch");
    let check = MeasuredCheck::of(&patch).expect("a patch");
    for _ in 0..rounds {
        let files = check.check(&directory.join("tree")).expect("an answer");
        assert_eq!(files, DIRECTORIES.len() * FILES, "the patch is accepted");
    }
}

/// Makes a tree of files of 200 lines, and a patch that changes two lines of each.
fn make(top: &Path) -> String {
    let line =
        |number: usize| format!("    let value_{number} = compute(value, {number}).unwrap_or_default();\n");
    let mut patch = String::new();
    for (directory, number) in DIRECTORIES.iter().flat_map(|it| (0..FILES).map(move |number| (it, number))) {
        let path = format!("{directory}/file{number}.rs");
        fs::create_dir_all(top.join("tree").join(directory)).expect("a directory");
        fs::write(top.join("tree").join(&path), (1..=200).map(line).collect::<String>()).expect("a file");
        write!(patch, "diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n").expect("text");
        for at in [40, 140] {
            let [before, old, new, after] = [at, at + 1, at + 1001, at + 2].map(line);
            write!(patch, "@@ -{at},3 +{at},3 @@\n {before}-{old}+{new} {after}").expect("text");
        }
    }
    patch
}

/// What a process asks the kernel for that checks the patch so often.
fn calls(directory: &Path, rounds: usize) -> Calls {
    let own = std::env::current_exe().expect("a path");
    // It stops itself until it is traced.
    let mut command = Command::new("sh");
    command.args(["-c", r#"kill -STOP $$; exec "$@""#, "sh"]).arg(own).arg("check").arg(directory);
    let mut child = command.arg(rounds.to_string()).spawn().expect("the process starts");
    let pid = Pid::from_raw(child.id().cast_signed());
    waitpid(pid, Some(WaitPidFlag::WUNTRACED)).expect("it stops");
    ptrace::seize(pid, Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_EXITKILL).expect("it is traced");
    kill(pid, Signal::SIGCONT).expect("it goes on");
    let mut calls = Calls::default();
    loop {
        match waitpid(pid, None).expect("it is waited for") {
            WaitStatus::Exited(_, code) => {
                assert_eq!(code, 0, "the checks fail");
                break;
            }
            WaitStatus::PtraceSyscall(_) => calls.add(at_call(pid)),
            WaitStatus::Signaled(_, signal, _) => panic!("it ended by {signal}"),
            _ => {}
        }
        ptrace::syscall(pid, None).expect("it goes on");
    }
    // It has been waited for already.
    let _ = child.wait();
    calls
}

/// Which call a process is stopped at.
fn at_call(pid: Pid) -> i64 {
    let told = fs::read_to_string(format!("/proc/{pid}/syscall")).expect("it is stopped");
    told.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}
