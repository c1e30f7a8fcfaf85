//! Why a program could not be executed inside.

use clearing_runtime::Stage::{self, Execute};
use nix::libc::{E2BIG, EACCES, ENOENT, ENOEXEC, ENOTDIR, EPERM};

use super::program::Sighting::{Binary, Directory, NoInterpreter, NotExecutable, Nowhere, Script};
use super::rule::Rule;
use super::rule::When::Program;

const EXECUTE: &[Stage] = &[Execute];
const ABSENT: &[i32] = &[ENOENT, ENOTDIR];
const REFUSED: &[i32] = &[EACCES, EPERM];

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    Rule { stages: EXECUTE, call: "execve", errnos: ABSENT, when: &[Program(Nowhere)], text: NOWHERE },
    Rule { stages: EXECUTE, call: "execve", errnos: ABSENT, when: &[Program(NoInterpreter)], text: NO_INTERPRETER },
    Rule { stages: EXECUTE, call: "execve", errnos: ABSENT, when: &[Program(Script)], text: SCRIPT_NOT_IN_VIEW },
    Rule { stages: EXECUTE, call: "execve", errnos: ABSENT, when: &[], text: NOT_IN_VIEW },
    Rule { stages: EXECUTE, call: "execve", errnos: REFUSED, when: &[Program(Directory)], text: DIRECTORY },
    Rule { stages: EXECUTE, call: "execve", errnos: REFUSED, when: &[Program(NotExecutable)], text: NOT_EXECUTABLE },
    Rule { stages: EXECUTE, call: "execve", errnos: REFUSED, when: &[Program(Script)], text: INTERPRETER_REFUSED },
    Rule { stages: EXECUTE, call: "execve", errnos: REFUSED, when: &[Program(Binary)], text: REFUSED_INSIDE },
    Rule { stages: EXECUTE, call: "execve", errnos: &[ENOEXEC], when: &[], text: WRONG_FORMAT },
    Rule { stages: EXECUTE, call: "execve", errnos: &[E2BIG], when: &[], text: TOO_LONG },
];

const NOWHERE: &str =
    "`{program}` is not on this host either: install it, or correct its name; looked for in {path}";
const NO_INTERPRETER: &str = "`{program}` is a script for `{interpreter}`, which this host does not have: install that, or correct its first line";
const SCRIPT_NOT_IN_VIEW: &str = "`{program}` is a script for `{interpreter}`; one of the two is not in view. A \
    command sees the system's directories, the project, and those directories of `PATH` that are not the home \
    directory itself: put the directory of both into `PATH`";
const NOT_IN_VIEW: &str = "`{program}` is on this host, but it or its dynamic loader is not in view. A command sees \
    the system's directories, the project, and those directories of `PATH` that are not the home directory \
    itself: put its directory into `PATH`, or under `read` in the section [filesystem] of a profile";
const DIRECTORY: &str = "`{program}` is a directory: name a program in it";
const NOT_EXECUTABLE: &str =
    "`{program}` has no permission to be executed: `chmod +x` it, or name its interpreter";
const INTERPRETER_REFUSED: &str =
    "`{program}` is a script for `{interpreter}`; see that both can be read and executed";
const REFUSED_INSIDE: &str = "`{program}` may be executed on this host but not inside: the private home, `/tmp` and \
    the directories that a profile names decide; call it from the project or from `PATH`";
const WRONG_FORMAT: &str =
    "`{program}` is no program for this machine: built for another architecture, or damaged";
const TOO_LONG: &str = "arguments and environment take more than the kernel allows (128 KiB for one, a quarter of \
    the stack limit together): hand them over in a file, or raise `limits.stack` in a profile";
