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
    let code = match outcome.cause {
        Cause::Timeout => DEADLINE,
        // Killed, as far as anyone can tell who knows only codes.
        Cause::Oom | Cause::CpuTime | Cause::Output => KILLED,
        // Such a command may have noticed first, and ended in its own way.
        Cause::Disk | Cause::Pids => match (outcome.exit_code, outcome.signal) {
            (Some(code), _) => code as u8,
            (None, signal) => signal.map_or(KILLED, |signal| 128u8.wrapping_add(signal as u8)),
        },
        Cause::Exit => outcome.exit_code.map_or(REFUSED, |code| code as u8),
        Cause::Signal => outcome.signal.map_or(REFUSED, |signal| 128u8.wrapping_add(signal as u8)),
        Cause::Cancelled => KILLED,
        Cause::Setup | Cause::Init | Cause::Policy => outcome.exit_code.map_or(REFUSED, |code| code as u8),
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
