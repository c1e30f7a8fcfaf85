//! The `clearing` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    clearing::cli::main()
}
