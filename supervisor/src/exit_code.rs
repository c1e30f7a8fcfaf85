//! Exit codes of `run`: those of timeout(1), env(1) and the shell.

use std::process::ExitCode;

use clearing_runtime::{Failure, Stage};
use nix::libc::{ENOENT, ENOTDIR};

use crate::outcome::{Cause, Outcome};

/// The project changed what a commit would change.
pub(crate) const CONFLICT: u8 = 1;
/// The rules do not let a command run as it is.
pub(crate) const NOT_PERMITTED: u8 = 1;
/// The deadline ended the command.
pub(crate) const DEADLINE: u8 = 124;
/// clearing refused the request or could not set the sandbox up.
pub(crate) const REFUSED: u8 = 125;
/// The program was found and cannot be executed.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// The program was not found.
pub(crate) const NOT_FOUND: u8 = 127;

/// 128 and SIGKILL: a limit ended the command.
pub(crate) const KILLED: u8 = 137;

/// The code that tells how a command ended.
pub(crate) fn of(outcome: &Outcome) -> ExitCode {
    of_end(outcome.cause, outcome.exit_code, outcome.signal)
}

/// The same by what the outcome has of it.
pub(crate) fn of_end(cause: Cause, exit_code: Option<i32>, signal: Option<i32>) -> ExitCode {
    let by_signal =
        |signal: Option<i32>, otherwise| signal.map_or(otherwise, |it| 128u8.wrapping_add(it as u8));
    let code = match cause {
        Cause::Timeout => DEADLINE,
        // Killed, as far as anyone can tell who knows only codes.
        Cause::Oom | Cause::CpuTime | Cause::Output => KILLED,
        // Such a command may have noticed first, and ended in its own way.
        Cause::Disk | Cause::Pids => exit_code.map_or_else(|| by_signal(signal, KILLED), |code| code as u8),
        Cause::Signal => by_signal(signal, REFUSED),
        Cause::Cancelled => KILLED,
        Cause::Exit | Cause::Setup | Cause::Init | Cause::Policy => {
            exit_code.map_or(REFUSED, |code| code as u8)
        }
    };
    ExitCode::from(code)
}

/// The code that tells why there was no command.
pub(crate) fn of_failure(failure: &Failure) -> u8 {
    match (failure.stage, failure.errno) {
        (Stage::Execute, ENOENT | ENOTDIR) => NOT_FOUND,
        (Stage::Execute, _) => NOT_EXECUTABLE,
        _ => REFUSED,
    }
}
