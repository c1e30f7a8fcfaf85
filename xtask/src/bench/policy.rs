//! `cargo xtask bench policy`: what it costs to judge a command, and to check a patch, before anything is made.
//!
//! `supervisor/examples/judging.rs` does it in one process and tells every time that it took; a sandbox, which a
//! patch is checked in, is what `bench start` measures.

use std::process::Command;

use super::figures::quantile;
use crate::{Result, build, shell};

/// How often a command is judged, and a patch checked.
const ROUNDS: [&str; 2] = ["5000", "500"];

/// Builds it for release, measures on a disk, below `$TMPDIR` or `/var/tmp`, and prints the table.
pub(crate) fn start(options: &[&str]) -> Result {
    let [commands, patches] = match options {
        [] => ROUNDS,
        ["--rounds", commands, patches] => [*commands, *patches],
        _ => return Err("usage: cargo xtask bench policy [--rounds COMMANDS PATCHES]".into()),
    };
    let judging = build::release_example("judging")?;
    let directory = tempfile::Builder::new()
        .prefix("clearing-bench-")
        .tempdir_in(std::env::var_os("TMPDIR").unwrap_or_else(|| "/var/tmp".into()))?;
    let mut measurer = Command::new(judging);
    measurer.env_clear().arg(directory.path()).args([commands, patches]);
    let told = shell::read(&mut measurer)?;
    println!("{commands} commands and {patches} patches judged, as user {}", nix::unistd::geteuid());
    println!("load average {}", std::fs::read_to_string("/proc/loadavg")?.trim_end());
    println!("{:<32}{:>10}{:>10}{:>10}{:>10}", "", "µs p50", "p99", "limit", "within");
    for line in told.lines() {
        println!("{}", row(line)?);
    }
    Ok(())
}

/// A line of the table, from the name, the limit in microseconds and all nanoseconds.
fn row(told: &str) -> Result<String> {
    let mut fields = told.split('\t');
    let mut field = || fields.next().ok_or_else(|| format!("no measurement: {told}"));
    let (name, limit, times) = (field()?, field()?, field()?);
    let limit: f64 = limit.parse()?;
    let microseconds = times.split(' ').map(|time| time.parse::<f64>().map(|time| time / 1000.0));
    let microseconds: Vec<f64> = microseconds.collect::<std::result::Result<_, _>>()?;
    let [half, most] = [0.5, 0.99].map(|part| quantile(&microseconds, part));
    let within = if most <= limit { "yes" } else { "NO" };
    Ok(format!("{name:<32}{half:>10.1}{most:>10.1}{limit:>10.0}{within:>10}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_what_is_within_its_limit() {
        let told = |limit: u32| row(&format!("argv\t{limit}\t1000 3000 2000")).unwrap();
        assert_eq!(told(3).split_whitespace().collect::<Vec<_>>(), ["argv", "2.0", "3.0", "3", "yes"]);
        assert!(told(2).ends_with("NO"));
        assert!(row("argv\t50").is_err() && row("").is_err());
    }
}
