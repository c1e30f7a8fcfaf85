//! The proofs that need the real target: suites of tests, run in a machine.

use std::path::Path;

use super::job::{BINARY, Job};
use super::options::User;
use crate::{Result, build, shell};

/// The test programs, of the crate `clearing-tests`, that are run in machines, as far as they are there.
const TESTS: [&str; 2] = ["escapes", "limits"];

/// Where a machine has them, with the probe beside them.
const PLACE: &str = "/opt/clearing-tests";

/// By how much the tests' patience grows: a fork with an exec takes that much longer than on the host.
const SLOWNESS: &str = "10";

/// The tests as one command, which runs all of them wherever one fails; `words` are options of theirs.
pub(super) fn job(binary: &Path, user: User, words: &[String]) -> Result<Job> {
    let programs = build::test_programs("clearing-tests", &TESTS)?;
    let sources = shell::top().canonicalize()?.join("tests");
    let inside = |program: &Path| Path::new(PLACE).join(program.file_name().unwrap_or_default());
    let each = programs.iter().map(|program| format!("{} \"$@\" || failed=1\n", inside(program).display()));
    let script = format!("failed=0\n{}exit $failed", each.collect::<String>());
    let probe = programs.first().ok_or("there are no tests to run")?.with_file_name("clearing-probe");
    let mut command: Vec<_> = ["sh", "-c", &script, "sh"].map(str::to_owned).into();
    command.extend_from_slice(words);
    let mut job = Job::new(&command).binary(binary).copy(&sources, &sources);
    for program in programs.iter().chain([&probe]) {
        job = job.copy(program, inside(program));
    }
    if user == User::Ordinary {
        job = job.env("CLEARING_TEST_CALLERS", "ordinary");
    }
    Ok(job.current_dir(&sources).env("CLEARING_BIN", BINARY).env("CLEARING_TEST_SLOW", SLOWNESS))
}
