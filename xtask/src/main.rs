//! The chores of this repository: `cargo xtask CHORE`.

mod bench;
mod build;
mod ci;
mod dist;
mod packages;
mod relay;
mod shell;
mod test;
mod tidy;
mod vm;

use std::process::ExitCode;

/// What a chore comes to; the error is one that a person can read.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "usage: cargo xtask CHORE

  test                       install what the tests need, then run every test
  ci                         format, lints, tidy, test: what is run on every change
  tidy                       the house rules: layers, sizes, SAFETY comments, top level, …
  bench start [--rounds N]   what starting a sandbox costs, beside a bare spawn and other tools
  bench exec [--rounds N]    what one more command costs in a sandbox that lives on
  bench workspace [--rounds N] [--sizes N,…]
                             snapshot, rollback, diff and commit beside tools that copy, over N files each
  bench policy [--rounds COMMANDS PATCHES]
                             judging a command, and checking a patch of 1,000 lines
  dist [DIRECTORY]           the binary with completions, manual pages and sums, laid as below a prefix
  vm [OPTION…] -- COMMAND…   runs a command in a throw-away Debian machine under qemu";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match chore(&words) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn chore(words: &[&str]) -> Result<ExitCode> {
    match words {
        ["test"] => test::test()?,
        ["ci"] => ci::ci()?,
        ["tidy"] => tidy::tidy()?,
        ["bench", "start", options @ ..] => bench::start(options)?,
        ["bench", "workspace", options @ ..] => bench::workspace::start(options)?,
        ["bench", "exec", options @ ..] => bench::exec::start(options)?,
        ["bench", "policy", options @ ..] => bench::policy::start(options)?,
        [bench::http::MEASURE, directory, rounds] => bench::http::measure(directory, rounds)?,
        [bench::rpc::MEASURE, door, directory, rounds] => bench::rpc::measure(door, directory, rounds)?,
        [bench::workspace::MEASURE, directory, rounds, sizes] => {
            bench::workspace::measure(directory, rounds, sizes)?;
        }
        [bench::MEASURE, directory, rounds] => bench::measure(directory, rounds)?,
        ["dist", directory @ ..] => dist::dist(directory)?,
        ["vm", options @ ..] => return vm::vm(options),
        ["help" | "--help" | "-h"] => println!("{USAGE}"),
        _ => return Err(USAGE.into()),
    }
    Ok(ExitCode::SUCCESS)
}
