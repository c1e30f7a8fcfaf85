//! One command: what init needs to know to start it.

use std::ffi::CString;

use serde::{Deserialize, Serialize};

/// One command to run in a sandbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExecSpec {
    /// Names the command in later messages.
    pub id: u32,
    /// Program and arguments; never empty.
    pub argv: Vec<CString>,
    /// The number of the function that runs in place of a program, with these arguments
    /// ([`crate::register_functions`]).
    pub function: Option<u32>,
    /// `NAME=value`; `PATH` among them finds the program.
    pub environment: Vec<CString>,
    /// Absolute, inside.
    pub cwd: CString,
    /// Which standard streams are a new terminal of the sandbox's own, and its size.
    pub terminal: Option<Terminal>,
    /// Limits of each process.
    pub limits: Vec<ResourceLimit>,
    /// What it finds when it is executed.
    pub laid: Option<Laid>,
    /// Permission bits that new files do not get.
    pub umask: u32,
    /// Whether the sandbox ends with this command.
    pub last: bool,
}

impl ExecSpec {
    /// The only command of a sandbox, with nothing but its program and arguments.
    pub fn of(argv: Vec<CString>) -> Self {
        Self {
            id: 1,
            argv,
            function: None,
            environment: Vec::new(),
            cwd: c"/".into(),
            terminal: None,
            limits: Vec::new(),
            laid: None,
            umask: 0o022,
            last: true,
        }
    }
}

/// Files that a command makes before it is executed, confined as it is: in a directory of their own, which must not
/// exist, and which nobody else may look into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Laid {
    /// Absolute, inside.
    pub directory: CString,
    /// Their names in it, and what they hold.
    pub files: Vec<(CString, Vec<u8>)>,
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
