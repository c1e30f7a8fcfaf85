//! The chores of this repository: `cargo xtask CHORE`.

mod bench;
mod build;
mod ci;
mod packages;
mod shell;
mod test;
mod tidy;

use std::process::ExitCode;

/// What a chore comes to; the error is one that a person can read.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "usage: cargo xtask CHORE

  test                       install what the tests need, then run every test
  ci                         format, lints, tidy, test: what is run on every change
  tidy                       the house rules: layers, sizes, SAFETY comments, top level, …
  bench start [--rounds N]   what starting a sandbox costs, beside a bare spawn and other tools";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match chore(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn chore(words: &[&str]) -> Result {
    match words {
        ["test"] => test::test(),
        ["ci"] => ci::ci(),
        ["tidy"] => tidy::tidy(),
        ["bench", "start", options @ ..] => bench::start(options),
        [bench::MEASURE, directory, rounds] => bench::measure(directory, rounds),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}
