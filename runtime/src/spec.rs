//! The whole description of a sandbox and of a command in it: plain data, printable, comparable.

mod wire;

use std::collections::BTreeSet;
use std::ffi::CString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::guard::Guard;

/// What init is born with: all that [`crate::Sandbox::launch`] needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Namespaces {
    /// The ids that the command has.
    pub identity: Identity,
    /// Which network the command is in.
    pub network: Network,
}

/// What init builds in its namespaces: all that [`crate::Sandbox::build`] needs to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SandboxSpec {
    /// The host name in the sandbox's own UTS namespace.
    pub hostname: String,
    /// What everything that is kept in memory may take together.
    pub memory: Room,
    /// What the root holds, parents before children.
    pub root: Vec<Mount>,
    /// What the command may do beneath which path; everything else is refused.
    pub landlock: Vec<PathRule>,
    /// The answer to each known system call; all others get `ENOSYS`.
    #[serde(skip)]
    pub syscalls: Vec<SyscallRule>,
    /// Guards that may be missing; all others end the set-up when they cannot be had.
    pub best_effort: BTreeSet<Guard>,
}

/// Bounds of a file system in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    /// Bytes of all files; never 0, which means no bound.
    pub bytes: u64,
    /// Files and directories; never 0. Each costs memory that `bytes` does not count.
    pub inodes: u64,
}

/// The ids of the command, inside and out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Identity {
    /// The caller's own ids, the only ones mapped.
    Caller {
        /// The same inside and out.
        uid: u32,
        /// The same inside and out.
        gid: u32,
    },
    /// Ids `0..65536` of the sandbox are `base..base + 65536` of the host. Needs a privileged caller.
    Shifted {
        /// The command's user inside.
        uid: u32,
        /// The command's group inside.
        gid: u32,
        /// First host id of the range.
        base: u32,
    },
}

/// Ids in a shifted range.
pub const SHIFTED_IDS: u32 = 65536;

/// Which network a sandbox has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Network {
    /// A namespace of its own with nothing but loopback.
    None,
    /// The host's.
    Host,
}

/// One step in putting the root together. Targets are absolute paths in the new root; missing
/// parents are made, links in a target are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mount {
    /// An empty directory.
    Directory {
        /// Where.
        #[serde(with = "wire::path")]
        target: PathBuf,
        /// Permission bits.
        mode: u32,
    },
    /// A file of the sandbox's own.
    File {
        /// Where.
        #[serde(with = "wire::path")]
        target: PathBuf,
        /// What it holds; printed as its length.
        #[serde(with = "wire::content")]
        content: Vec<u8>,
        /// Permission bits.
        mode: u32,
    },
    /// A symbolic link.
    Symlink {
        /// Where.
        #[serde(with = "wire::path")]
        target: PathBuf,
        /// What it says.
        #[serde(with = "wire::path")]
        to: PathBuf,
    },
    /// An empty directory in the sandbox's own memory, which the layers there share.
    Memory {
        /// Where.
        #[serde(with = "wire::path")]
        target: PathBuf,
        /// Permission bits of its top.
        mode: u32,
    },
    /// A file or directory of the host, with all that is mounted below it when read-only.
    Bind {
        /// On the host.
        #[serde(with = "wire::path")]
        source: PathBuf,
        /// Where.
        #[serde(with = "wire::path")]
        target: PathBuf,
        /// Whether the command may write.
        access: Access,
        /// Whose ids its files show.
        owners: Owners,
    },
    /// A directory of the host under a layer that takes every change.
    Overlay {
        /// On the host, nearest first.
        #[serde(with = "wire::paths")]
        lower: Vec<PathBuf>,
        /// What takes the changes.
        layer: Layer,
        /// Where.
        #[serde(with = "wire::path")]
        target: PathBuf,
        /// Whose ids its files show.
        owners: Owners,
    },
    /// A new procfs that shows only processes which the reader may trace.
    Proc {
        /// Where.
        #[serde(with = "wire::path")]
        target: PathBuf,
    },
    /// A new devpts instance.
    Devpts {
        /// Where.
        #[serde(with = "wire::path")]
        target: PathBuf,
    },
    /// A device node of the host, the same path inside.
    Device {
        /// `/dev/null` and the like.
        #[serde(with = "wire::path")]
        path: PathBuf,
    },
    /// An empty, unreadable file or directory in place of what is there; nothing where nothing is.
    Mask {
        /// What to cover.
        #[serde(with = "wire::path")]
        target: PathBuf,
    },
    /// What is there made read-only.
    Protect {
        /// What to protect.
        #[serde(with = "wire::path")]
        target: PathBuf,
    },
}

/// What takes the changes of an overlay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Layer {
    /// Two directories of the host with the same parent, `work` fresh and empty.
    Directories {
        /// Takes the changes.
        #[serde(with = "wire::path")]
        upper: PathBuf,
        /// Overlay's own.
        #[serde(with = "wire::path")]
        work: PathBuf,
    },
    /// Two directories, `NAME.upper` and `NAME.work`, in the sandbox's own memory.
    Memory {
        /// A plain file name, of one overlay only.
        name: String,
        /// Permission bits of the upper directory, which are those of the overlay's top.
        mode: u32,
    },
}

/// Whether the command may write to a bind mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Access {
    /// It may not.
    ReadOnly,
    /// It may.
    ReadWrite,
}

/// Whose ids the files of a mount show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Owners {
    /// As the host has them.
    Host,
    /// An id-mapped mount: `uid` and `gid` of the file system are the command's own ids inside, and
    /// what the command makes is stored as theirs. Only with [`Identity::Shifted`].
    Mapped {
        /// Of the file system.
        uid: u32,
        /// Of the file system.
        gid: u32,
    },
}

/// What the command may do beneath a path of the new root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathRule {
    /// A file or directory; a rule for an absent one is left out.
    #[serde(with = "wire::path")]
    pub path: PathBuf,
    /// The rights.
    pub rights: Rights,
}

/// Sets of Landlock rights that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rights {
    /// List directories.
    List,
    /// Read, and execute programs.
    ReadExecute,
    /// Read and write what exists, with device commands; make and remove nothing.
    ReadWrite,
    /// All rights but making device nodes.
    All,
}

/// The answer to one system call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyscallRule {
    /// The kernel's name of the call.
    pub name: &'static str,
    /// The answer, when there are no conditions or all of one list hold.
    pub answer: Answer,
    /// Alternatives, each a list of conditions that must all hold.
    pub when: Vec<Vec<Condition>>,
    /// The answer when there are conditions and no list holds.
    pub otherwise: Answer,
}

/// What a system call gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// It is made.
    Allow,
    /// "Operation not permitted": the call is known and refused.
    Eperm,
    /// "Function not implemented": libraries fall back to an older call.
    Enosys,
}

/// A test of one argument of a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which, from 0.
    pub argument: u8,
    /// How much of it the kernel looks at.
    pub width: Width,
    /// The test.
    pub comparison: Comparison,
    /// What to compare with.
    pub value: u64,
}

/// How many bits of an argument count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Width {
    /// The lower 32.
    Dword,
    /// All 64.
    Qword,
}

/// How an argument is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Comparison {
    /// Equal.
    Equal,
    /// Not equal.
    NotEqual,
    /// Less, unsigned.
    Less,
    /// Less or equal, unsigned.
    LessOrEqual,
    /// Greater, unsigned.
    Greater,
    /// Greater or equal, unsigned.
    GreaterOrEqual,
    /// Equal under a mask.
    MaskedEqual(u64),
}

/// One command to run in a sandbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExecSpec {
    /// Names the command in later messages.
    pub id: u32,
    /// Program and arguments; never empty.
    pub argv: Vec<CString>,
    /// `NAME=value`; `PATH` among them finds the program.
    pub environment: Vec<CString>,
    /// Absolute, inside.
    pub cwd: CString,
    /// Which standard streams are a new terminal of the sandbox's own, and its size.
    pub terminal: Option<Terminal>,
    /// Limits of each process.
    pub limits: Vec<ResourceLimit>,
    /// Permission bits that new files do not get.
    pub umask: u32,
    /// Whether the sandbox ends with this command.
    pub last: bool,
}

/// A terminal for a command.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Terminal {
    /// Whether standard input, output and error are the terminal.
    pub streams: [bool; 3],
    /// Lines of text.
    pub rows: u16,
    /// Characters a line.
    pub columns: u16,
    /// Set before the command can see it.
    pub modes: TerminalModes,
}

/// How a terminal treats what passes through it: the flags and keys of `termios(3)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalModes {
    /// `c_iflag`.
    pub input: u32,
    /// `c_oflag`.
    pub output: u32,
    /// `c_cflag`.
    pub control: u32,
    /// `c_lflag`.
    pub local: u32,
    /// `c_cc`.
    pub keys: [u8; libc::NCCS],
}

/// One limit, soft and hard alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceLimit {
    /// What is limited.
    pub resource: Resource,
    /// In the resource's own unit; a value above the caller's hard limit fails.
    pub value: u64,
}

/// What `setrlimit(2)` limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Resource {
    /// Bytes of a core dump.
    Core,
    /// One more than the highest descriptor.
    OpenFiles,
    /// Bytes of stack of the first thread.
    Stack,
    /// Bytes of locked memory.
    LockedMemory,
    /// Bytes of the largest file.
    FileSize,
    /// Seconds of processor time of one process.
    ProcessorTime,
    /// Processes and threads in the user namespace.
    Processes,
    /// Ceiling for raised nice values.
    Nice,
    /// Ceiling for real-time priority.
    RealTimePriority,
}
