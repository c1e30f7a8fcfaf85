//! Functions of the supervisor's own that run in a sandbox, confined exactly like a command.
//!
//! A sandbox's init is a fork of the supervisor and has its code, so nothing has to be executed, and nothing of
//! it be seen inside. What is left of the supervisor in its memory is what init has left there.

use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use crate::error::{AtStage as _, Failure, Stage};
use crate::spec::ExecSpec;

/// What runs in place of a program: it is given the arguments, has the three standard streams and no other
/// descriptor, and returns its exit code. What it writes through buffers it has to flush.
pub type Function = fn(&[CString]) -> u8;

static FUNCTIONS: OnceLock<&'static [Function]> = OnceLock::new();

/// The exit code of a function that panicked, as that of a program of Rust's.
const PANICKED: u8 = 101;

/// Makes functions known, which an [`ExecSpec`] then names by their numbers. Once, and before the first
/// sandbox is launched; what is made known later no init has.
///
/// False if there are others already.
pub fn register_functions(functions: &'static [Function]) -> bool {
    FUNCTIONS.set(functions).is_ok()
}

/// The function of this number.
pub(crate) fn find(number: u32) -> Result<Function, Failure> {
    let known = FUNCTIONS.get().and_then(|functions| functions.get(number as usize));
    known.copied().ok_or(nix::errno::Errno::ENOENT).at(Stage::Execute, || format!("function {number}"))
}

/// Runs it to its end, and the process with it.
pub(crate) fn run(function: Function, spec: &ExecSpec) -> ! {
    // What goes on after a panic would be init's own code.
    let code = catch_unwind(AssertUnwindSafe(|| function(&spec.argv))).unwrap_or(PANICKED);
    crate::confine::exit(i32::from(code))
}
