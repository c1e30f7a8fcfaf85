//! A process that stops at each of its system calls, so that it can be killed just before any of them.
//!
//! What it forks is followed; what runs in a sandbox has no trace of its own to tell.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::Site;

/// A system call that changes something on a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The call's name.
    pub call: &'static str,
    /// The last path that it names, or what its descriptor is open on.
    pub path: PathBuf,
}

/// How a traced process ended, and what it changed until then.
#[derive(Debug)]
pub struct Trace {
    /// The exit code; none if it was killed.
    pub code: Option<i32>,
    /// The calls that change something, in order.
    pub changes: Vec<Change>,
    /// How many calls it made in all.
    pub calls: usize,
}

/// Runs `clearing ARGUMENT…` to its end and counts its calls.
///
/// # Panics
///
/// If it cannot be traced.
pub fn run_and_count(site: &Site, arguments: &[&str]) -> Trace {
    trace(site, arguments, At::kill(None), Options::empty())
}

/// Runs `clearing ARGUMENT…` and kills it, with all that it forked, just before the call of this number
/// that changes something; without a number it runs to its end.
///
/// # Panics
///
/// If it cannot be traced.
pub fn run_and_kill(site: &Site, arguments: &[&str], before: Option<usize>) -> Trace {
    let with_children =
        Options::PTRACE_O_TRACEFORK | Options::PTRACE_O_TRACEVFORK | Options::PTRACE_O_TRACECLONE;
    trace(site, arguments, At::kill(before), with_children)
}

/// The same for a verb that runs a command: only the calls of `clearing` itself count, and it alone is killed.
/// What it has started runs beside it, as it would anywhere.
///
/// # Panics
///
/// If it cannot be traced.
pub fn run_and_kill_alone(site: &Site, arguments: &[&str], before: Option<usize>) -> Trace {
    trace(site, arguments, At::kill(before), Options::empty())
}

/// Runs `clearing ARGUMENT…` and does something just before the call of this number that changes something;
/// then it goes on.
///
/// # Panics
///
/// If it cannot be traced.
pub fn run_and_meddle(site: &Site, arguments: &[&str], before: usize, meddle: impl FnMut()) -> Trace {
    let mut meddle = meddle;
    trace(site, arguments, At { point: Some(before), act: Act::Meddle(&mut meddle) }, Options::empty())
}

/// What is done at which call.
struct At<'a> {
    point: Option<usize>,
    act: Act<'a>,
}

enum Act<'a> {
    Kill,
    Meddle(&'a mut dyn FnMut()),
}

impl At<'_> {
    fn kill(point: Option<usize>) -> Self {
        Self { point, act: Act::Kill }
    }
}

fn trace(site: &Site, arguments: &[&str], at: At<'_>, followed: Options) -> Trace {
    // It stops itself until it is traced, and is what we want from its second execve on.
    let mut command = site.host("sh");
    command.args(["-c", r#"kill -STOP $$; exec "$@""#, "sh"]).arg(site.binary()).args(arguments);
    command.env("CLEARING_STATE_DIR", site.state()).process_group_of_its_own();
    let mut child = command.spawn().expect("the process starts");
    let leader = Pid::from_raw(child.id().cast_signed());
    waitpid(leader, Some(WaitPidFlag::WUNTRACED)).expect("it stops");
    let options = Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_EXITKILL;
    ptrace::seize(leader, options | followed).expect("a child can be traced");
    kill(leader, Signal::SIGCONT).expect("it goes on");
    let mut tracer = Tracer {
        leader,
        at,
        changes: Vec::new(),
        calls: 0,
        inside: HashMap::new(),
        begun: false,
        code: None,
    };
    tracer.follow();
    // It has been waited for already.
    let _ = child.wait();
    Trace { code: tracer.code, changes: tracer.changes, calls: tracer.calls }
}

trait OwnGroup {
    fn process_group_of_its_own(&mut self) -> &mut Self;
}

impl OwnGroup for Command {
    fn process_group_of_its_own(&mut self) -> &mut Self {
        use std::os::unix::process::CommandExt as _;
        self.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
    }
}

struct Tracer<'a> {
    leader: Pid,
    at: At<'a>,
    changes: Vec<Change>,
    calls: usize,
    /// Who is inside a call.
    inside: HashMap<Pid, bool>,
    /// Whether the program has been executed.
    begun: bool,
    code: Option<i32>,
}

impl Tracer<'_> {
    fn follow(&mut self) {
        loop {
            let Ok(status) = waitpid(group_of(self.leader), Some(WaitPidFlag::__WALL)) else {
                return;
            };
            let Some(pid) = status.pid() else { return };
            match status {
                WaitStatus::Exited(_, code) if pid == self.leader => self.code = Some(code),
                WaitStatus::Exited(..) | WaitStatus::Signaled(..) => {}
                WaitStatus::PtraceSyscall(_) => {
                    if self.at_call(pid) {
                        self.kill_all();
                        continue;
                    }
                    let _ = ptrace::syscall(pid, None);
                }
                WaitStatus::PtraceEvent(_, _, event) => {
                    if event == libc::PTRACE_EVENT_EXEC {
                        self.begun = true;
                        self.inside.insert(pid, true);
                    }
                    let _ = ptrace::syscall(pid, None);
                }
                WaitStatus::Stopped(_, signal) => {
                    let pass = !matches!(signal, Signal::SIGTRAP | Signal::SIGSTOP | Signal::SIGCONT);
                    let _ = ptrace::syscall(pid, pass.then_some(signal));
                }
                _ => drop(ptrace::syscall(pid, None)),
            }
        }
    }

    /// Whether this is the call to be killed before.
    fn at_call(&mut self, pid: Pid) -> bool {
        let inside = self.inside.entry(pid).or_default();
        *inside = !*inside;
        if !*inside || !self.begun {
            return false;
        }
        self.calls += 1;
        let Some(change) = ptrace::getregs(pid).ok().and_then(|regs| change(pid, &regs)) else {
            return false;
        };
        if self.at.point == Some(self.changes.len()) {
            match &mut self.at.act {
                Act::Kill => return true,
                Act::Meddle(meddle) => meddle(),
            }
        }
        self.changes.push(change);
        false
    }

    fn kill_all(&mut self) {
        for pid in self.inside.keys() {
            let _ = kill(*pid, Signal::SIGKILL);
        }
    }
}

/// All that share the leader's process group.
fn group_of(leader: Pid) -> Pid {
    Pid::from_raw(-leader.as_raw())
}

const FICLONE: u64 = 0x4004_9409;

/// What the call is about to change, if anything.
fn change(pid: Pid, regs: &libc::user_regs_struct) -> Option<Change> {
    let number = regs.orig_rax.cast_signed();
    let text = |address: u64| text_at(pid, address);
    let descriptor = |fd: u64| fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap_or_default();
    let creates = regs.rdx & (libc::O_CREAT | libc::O_TRUNC) as u64 != 0;
    let (call, path) = match number {
        libc::SYS_openat if creates => ("openat", text(regs.rsi)),
        libc::SYS_write => ("write", descriptor(regs.rdi)),
        libc::SYS_pwrite64 => ("pwrite64", descriptor(regs.rdi)),
        libc::SYS_writev => ("writev", descriptor(regs.rdi)),
        libc::SYS_renameat => ("renameat", text(regs.r10)),
        libc::SYS_renameat2 => ("renameat2", text(regs.r10)),
        libc::SYS_rename => ("rename", text(regs.rsi)),
        libc::SYS_unlinkat => ("unlinkat", text(regs.rsi)),
        libc::SYS_mkdirat => ("mkdirat", text(regs.rsi)),
        libc::SYS_mkdir => ("mkdir", text(regs.rdi)),
        libc::SYS_symlinkat => ("symlinkat", text(regs.rdx)),
        libc::SYS_linkat => ("linkat", text(regs.r10)),
        libc::SYS_mknodat => ("mknodat", text(regs.rsi)),
        libc::SYS_fchmod => ("fchmod", descriptor(regs.rdi)),
        libc::SYS_fchmodat | libc::SYS_fchmodat2 => ("fchmodat", text(regs.rsi)),
        libc::SYS_fchown => ("fchown", descriptor(regs.rdi)),
        libc::SYS_fchownat => ("fchownat", text(regs.rsi)),
        libc::SYS_fsetxattr => ("fsetxattr", descriptor(regs.rdi)),
        libc::SYS_setxattr | libc::SYS_lsetxattr => ("setxattr", text(regs.rdi)),
        libc::SYS_utimensat if regs.rsi == 0 => ("utimensat", descriptor(regs.rdi)),
        libc::SYS_utimensat => ("utimensat", text(regs.rsi)),
        libc::SYS_ftruncate => ("ftruncate", descriptor(regs.rdi)),
        libc::SYS_fallocate => ("fallocate", descriptor(regs.rdi)),
        libc::SYS_fsync | libc::SYS_fdatasync => ("fsync", descriptor(regs.rdi)),
        libc::SYS_syncfs => ("syncfs", descriptor(regs.rdi)),
        libc::SYS_ioctl if regs.rsi == FICLONE => ("ficlone", descriptor(regs.rdi)),
        libc::SYS_copy_file_range => ("copy_file_range", descriptor(regs.rdx)),
        libc::SYS_mount | libc::SYS_move_mount | libc::SYS_umount2 => ("mount", PathBuf::new()),
        _ => return None,
    };
    // What is told to somebody is no change.
    let told = matches!(call, "write" | "writev") && !path.is_absolute() || path.starts_with("/dev");
    (!told).then_some(Change { call, path })
}

/// The text at an address of the process, up to its NUL.
fn text_at(pid: Pid, address: u64) -> PathBuf {
    let mut text = Vec::new();
    let Ok(memory) = File::open(format!("/proc/{pid}/mem")) else { return PathBuf::new() };
    let mut byte = [0];
    while text.len() < 4096
        && memory.read_exact_at(&mut byte, address + text.len() as u64).is_ok()
        && byte[0] != 0
    {
        text.push(byte[0]);
    }
    PathBuf::from(OsStr::from_bytes(&text))
}
