//! The whole description of a sandbox and of a command in it: plain data, printable, comparable.

mod exec;
mod syscall;
pub(crate) mod wire;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use self::exec::{ExecSpec, Laid, Resource, ResourceLimit, Terminal, TerminalModes};
pub use self::syscall::{Answer, Comparison, Condition, SyscallRule, Width};
use crate::guard::Guard;

/// What init is born with: all that [`crate::Sandbox::launch`] needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Namespaces {
    /// The ids that the command has.
    pub identity: Identity,
    /// Which network the command is in.
    pub network: Network,
}

/// What init is born as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Birth {
    /// The first process of new namespaces.
    Namespaces(Namespaces),
    /// An ordinary process.
    Bare(Bare),
}

/// What init is born with where the host gives no namespaces: its spec has no mounts, and its Landlock rules
/// are all that keeps a command from the host's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bare {
    /// Whom the command runs as.
    pub user: User,
    /// Whether the filter lets no network be reached, or the host's.
    pub network: Network,
}

/// Whom a command runs as on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum User {
    /// The caller, who is not root.
    Caller,
    /// Somebody else, with no other group. Needs a caller who may change ids.
    Other {
        /// Of the host, and nobody's.
        uid: u32,
        /// The same.
        gid: u32,
    },
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Network {
    /// A namespace of its own with nothing but loopback.
    None,
    /// The host's.
    Host,
}

/// A directory of the host that stays within init's reach, and never in a command's: what the layers of
/// [`crate::Sandbox::remount`] lie in or are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// On the host.
    #[serde(with = "wire::path")]
    pub path: PathBuf,
    /// Whose ids its files show.
    pub owners: Owners,
}

/// What a living sandbox is to show from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remount {
    /// Overlays, and binds that may be written to, each at the target of one that is there, parents before
    /// children. What they are made of lies in a [`Source`] with the same owners. A veil comes before its overlay, and
    /// stays for those that come after it.
    pub steps: Vec<Mount>,
    /// What becomes of other processes than init.
    pub others: Others,
}

/// What becomes of other processes than init when the layers below them change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Others {
    /// While there is one, nothing changes.
    Refuse,
    /// They are killed first.
    End,
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
    /// What the overlay that is mounted there next does not show of its lowest directory.
    Veil {
        /// Where that overlay goes.
        #[serde(with = "wire::path")]
        target: PathBuf,
        /// The hidden paths, relative to it.
        #[serde(with = "wire::paths")]
        paths: Vec<PathBuf>,
        /// The directories that lead to them, outer before inner, as they are to be shown.
        directories: Vec<VeiledDirectory>,
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
    /// What is there made read-only; nothing where nothing is.
    Protect {
        /// What to protect.
        #[serde(with = "wire::path")]
        target: PathBuf,
    },
}

/// A directory in which something is hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VeiledDirectory {
    /// Relative to the top.
    #[serde(with = "wire::path")]
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u32,
    /// Of its last modification.
    pub seconds: i64,
    /// The rest of that.
    pub nanoseconds: u32,
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
    /// Read.
    Read,
    /// Read, and execute programs.
    ReadExecute,
    /// Read and write what exists, with device commands; make and remove nothing.
    ReadWrite,
    /// All rights but making device nodes.
    All,
    /// The same without executing programs.
    AllButExecute,
}
