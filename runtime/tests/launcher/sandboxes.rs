//! Sandboxes with this program in them, and little else.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clearing_runtime::cgroup::Group;
use clearing_runtime::spec::{
    Access, Bare, Birth, ExecSpec, Mount, Network, Owners, PathRule, Rights, Room, SandboxSpec, SyscallRule,
    User,
};
use clearing_runtime::{ExitStatus, Report, Sandbox};
use nix::unistd::geteuid;

use crate::calls::CALLS;
use crate::identity::namespaces;

/// What never happens within this does not happen.
const ENOUGH: Duration = Duration::from_secs(30);

pub(crate) fn payload(words: &[&str]) {
    match words {
        ["say", word] => print!("{word}"),
        ["owner", path] => print!("{}", std::fs::metadata(path).expect("there").uid()),
        // Who has heard that knows that it runs.
        ["sleep"] => {
            println!("asleep");
            std::io::stdout().flush().expect("told");
            std::thread::sleep(Duration::from_secs(1000));
        }
        other => panic!("{other:?}"),
    }
}

/// A sandbox with a command in it, and what that prints.
pub(crate) struct Running {
    pub(crate) sandbox: Sandbox,
    pub(crate) printed: File,
}

impl Running {
    pub(crate) fn start(words: &[&str]) -> Self {
        Self::start_with(words, sandbox_spec(Vec::new()), None)
    }

    pub(crate) fn start_with(words: &[&str], spec: SandboxSpec, group: Option<&Group>) -> Self {
        let sandbox = Sandbox::launch(&Birth::Namespaces(namespaces()), group).expect("launched");
        sandbox.build(&spec, &[]).expect("asked");
        Self::exec(sandbox, &exec_spec("/payload", words))
    }

    pub(crate) fn start_bare(words: &[&str]) -> Self {
        let user =
            if geteuid().is_root() { User::Other { uid: 600_000, gid: 600_000 } } else { User::Caller };
        let sandbox = Sandbox::launch(&Birth::Bare(Bare { user, network: Network::None }), None);
        let sandbox = sandbox.expect("launched");
        sandbox.build(&SandboxSpec { root: Vec::new(), ..sandbox_spec(Vec::new()) }, &[]).expect("asked");
        let own = std::env::current_exe().expect("own path");
        Self::exec(sandbox, &exec_spec(own.to_str().expect("text"), words))
    }

    fn exec(sandbox: Sandbox, spec: &ExecSpec) -> Self {
        let null = File::open("/dev/null").expect("null");
        let (printed, write) = std::io::pipe().expect("pipe");
        let errors = std::io::stderr();
        sandbox.exec(spec, [null.as_fd(), write.as_fd(), errors.as_fd()]).expect("asked");
        Self { sandbox, printed: File::from(std::os::fd::OwnedFd::from(printed)) }
    }

    /// Waits until its command says that it sleeps.
    pub(crate) fn asleep(mut self) -> Self {
        let mut line = [0; 7];
        self.printed.read_exact(&mut line).expect("a word of the command");
        assert_eq!(&line, b"asleep\n");
        self
    }

    /// What it printed when it has ended, which must be in order.
    pub(crate) fn end(mut self) -> String {
        loop {
            match self.sandbox.next_report().expect("a report").expect("init lives").0 {
                Report::Exited { status, .. } => break assert_eq!(status, ExitStatus::Code(0)),
                Report::Failed(failure) | Report::NotStarted { failure, .. } => panic!("{failure}"),
                _ => {}
            }
        }
        drop(self.sandbox);
        let mut printed = String::new();
        self.printed.read_to_string(&mut printed).expect("text");
        printed
    }
}

pub(crate) fn bind(source: PathBuf, target: &str, owners: Owners) -> Mount {
    Mount::Bind { source, target: target.into(), access: Access::ReadOnly, owners }
}

pub(crate) fn sandbox_spec(more: Vec<Mount>) -> SandboxSpec {
    let root = vec![
        bind(std::env::current_exe().expect("own path"), "/payload", Owners::Host),
        Mount::Proc { target: "/proc".into() },
        Mount::Device { path: "/dev/null".into() },
        Mount::Memory { target: "/tmp".into(), mode: 0o1777 },
    ];
    SandboxSpec {
        hostname: "clearing".into(),
        memory: Room { bytes: 1 << 30, inodes: 1000 },
        root: root.into_iter().chain(more).collect(),
        landlock: vec![PathRule { path: "/".into(), rights: Rights::ReadExecute }],
        syscalls: CALLS.iter().map(|name| SyscallRule::allowed(name)).collect(),
        best_effort: BTreeSet::new(),
    }
}

fn exec_spec(program: &str, words: &[&str]) -> ExecSpec {
    let argv = [program, "payload"]
        .into_iter()
        .chain(words.iter().copied())
        .map(|word| CString::new(word).expect("text"));
    ExecSpec::of(argv.collect())
}

/// Whether a process runs. One that has only to be reaped does not.
pub(crate) fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// All processes that have `ancestor` above them.
pub(crate) fn descendants(ancestor: u32) -> Vec<u32> {
    let parent_of = |pid: u32| -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
    };
    let mut found = vec![ancestor];
    let all: Vec<u32> = std::fs::read_dir("/proc")
        .expect("procfs")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    let pairs: Vec<(u32, u32)> = all.into_iter().filter_map(|pid| Some((pid, parent_of(pid)?))).collect();
    let mut next = 0;
    while let Some(above) = found.get(next).copied() {
        found.extend(pairs.iter().filter(|(_, parent)| *parent == above).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

pub(crate) fn expect_soon(what: &str, condition: impl Fn() -> bool) {
    let until = Instant::now() + ENOUGH;
    while !condition() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
