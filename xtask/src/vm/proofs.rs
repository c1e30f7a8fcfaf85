//! The proofs that need the real target: test programs, run in machines.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::job::{BINARY, Job};
use super::machine::End;
use super::options::{Init, Options, Suite, User};
use super::start;
use crate::{Result, build, shell};

/// The test programs, of the crate `clearing-tests`, that are run in machines, as far as they are there.
const TESTS: [&str; 3] = ["escapes", "limits", "sessions"];

/// Where a machine has them, with the probe beside them.
const PLACE: &str = "/opt/clearing-tests";

/// By how much the tests' patience grows. Starting a program takes ten times as long as on the host, but
/// no limit of theirs is that narrow.
const SLOWNESS: &str = "5";

/// More than any machine takes; what hangs is ended.
const TIMEOUT: Duration = Duration::from_secs(900);

/// The escapes that a kernel's own ways decide about, by words in their names: what works inside, the
/// layers, the namespaces, the ends. All of them take ten minutes a machine, and the host has run them:
/// `cargo xtask vm --suite bookworm --proofs` does when a kernel is in doubt.
const ESCAPES_OF_A_KERNEL: [&str; 6] =
    ["p_u1::", "in_the_workspace", "lessons::overlay", "p_n1::", "p_e2::", "p_e3::"];

/// Those that depend on who started the caller, and on what control groups they have.
const ESCAPES_OF_AN_INIT: [&str; 3] = ["p_u1::", "p_e2::", "p_e3::"];

/// All limits but those whose proof rests on how long something takes: under emulation a page costs as much
/// as a thousand instructions, and 25,000 files take longer to remove than a proof waits.
const LIMITS: [&str; 6] =
    ["--skip", "many_small_files", "--skip", "memory_near_its_limit", "--skip", "a_job_of_200"];

/// The limits that each kernel has its own way to hold; the first machine runs all.
const LIMITS_OF_A_KERNEL: [&str; 4] =
    ["memory::anonymous", "memory::many", "memory::files_in", "processes::a_fork_bomb"];

/// One for each control group that an init may not have delegated.
const LIMITS_OF_AN_INIT: [&str; 3] = ["memory::anonymous", "processes::a_fork_bomb", "cpu::half"];

/// What each kernel's overlay has a part in: several layers, going back, and what lands.
const SESSIONS_OF_A_KERNEL: [&str; 4] =
    ["upon::what_one", "going_back::a_rollback", "forked::", "keeping::a_run_lands"];

/// Nothing of a session depends on who started the caller.
const SESSIONS_OF_AN_INIT: [&str; 1] = ["upon::what_one"];

/// One boot, and which tests are run in it: words in their names, or options of the test programs.
struct Proof {
    suite: Suite,
    init: Init,
    escapes: &'static [&'static str],
    limits: &'static [&'static str],
    sessions: &'static [&'static str],
}

const PROOFS: [Proof; 5] = [
    Proof { limits: &LIMITS, ..Proof::of_a_kernel(Suite::Trixie) },
    Proof::of_an_init(Init::Systemd),
    Proof::of_an_init(Init::Login),
    Proof::of_a_kernel(Suite::Bookworm),
    Proof::of_a_kernel(Suite::TrixieBackports),
];

/// Runs every proof in a machine of its own, and shows each line that is printed to `see`.
///
/// A machine that cannot be had is an error where nothing may go unproved, and is told aloud elsewhere.
pub(crate) fn prove(binary: &Path, see: &mut (dyn FnMut(&str) + Send)) -> Result {
    let programs = build::test_programs("clearing-tests", &TESTS)?;
    let mut failed = Vec::new();
    for proof in &PROOFS {
        println!("\n     Running in a machine: {proof}");
        let begin = Instant::now();
        match proof.run(&job(binary, &programs, User::Ordinary, |name| proof.filter(name))?, see) {
            Ok(End::Exited(0)) => {}
            Ok(End::Exited(status)) => failed.push(format!("{proof}: status {status}")),
            Ok(End::TimedOut) => failed.push(format!("{proof}: stopped at its time limit")),
            Err(error) if std::env::var_os("CLEARING_TEST_NO_SKIPS").is_some() => {
                failed.push(format!("{proof}: the machine failed: {error}"));
            }
            Err(error) => {
                let said = format!("SKIPPED all proofs in a machine, {proof}: {error}");
                println!("{said}");
                see(&said);
            }
        }
        println!("     {proof}: {} s", begin.elapsed().as_secs());
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
}

/// The tests as one command, all of them, with the same options for each program.
pub(super) fn all(binary: &Path, user: User, options: &[String]) -> Result<Job> {
    let programs = build::test_programs("clearing-tests", &TESTS)?;
    job(binary, &programs, user, |_| options.to_vec())
}

impl Proof {
    const fn of_a_kernel(suite: Suite) -> Self {
        Self {
            suite,
            init: Init::Small,
            escapes: &ESCAPES_OF_A_KERNEL,
            limits: &LIMITS_OF_A_KERNEL,
            sessions: &SESSIONS_OF_A_KERNEL,
        }
    }

    const fn of_an_init(init: Init) -> Self {
        Self {
            suite: Suite::Trixie,
            init,
            escapes: &ESCAPES_OF_AN_INIT,
            limits: &LIMITS_OF_AN_INIT,
            sessions: &SESSIONS_OF_AN_INIT,
        }
    }

    fn run(&self, job: &Job, see: &mut (dyn FnMut(&str) + Send)) -> Result<End> {
        let options = Options { suite: self.suite, init: self.init, timeout: TIMEOUT, ..Options::default() };
        start(&options)?.run(job, None, see)
    }

    fn filter(&self, program: &str) -> Vec<String> {
        let words = match program {
            "escapes" => self.escapes,
            "limits" => self.limits,
            _ => self.sessions,
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }
}

/// The programs as one command, which runs all of them wherever one fails, each with its own options.
fn job(
    binary: &Path,
    programs: &[PathBuf],
    user: User,
    options: impl Fn(&str) -> Vec<String>,
) -> Result<Job> {
    let sources = shell::top().canonicalize()?.join("tests");
    let inside = |name: &str| Path::new(PLACE).join(name);
    let probe = programs.first().ok_or("there are no tests to run")?.with_file_name("clearing-probe");
    let mut script = String::from("failed=0\n");
    for program in programs {
        let name = test_name(program);
        let words = options(name).into_iter().map(|word| shell::quoted(&word)).collect::<Vec<_>>();
        script += &format!("{} {} || failed=1\n", inside(name).display(), words.join(" "));
    }
    script += "exit $failed";
    let mut job = Job::new(&["sh", "-c", &script]).binary(binary);
    for program in programs {
        job = job.copy(program, inside(test_name(program)));
    }
    if user == User::Ordinary {
        job = job.env("CLEARING_TEST_CALLERS", "ordinary");
    }
    job = job.copy(probe, inside("clearing-probe")).copy(&sources, &sources).current_dir(&sources);
    Ok(job.env("CLEARING_BIN", BINARY).env("CLEARING_TEST_SLOW", SLOWNESS))
}

/// `escapes` of `…/deps/escapes-2eb8e8c3e0d20cc3`.
fn test_name(program: &Path) -> &str {
    let name = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.split('-').next().unwrap_or(name)
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "kernel of {}, init {}, an ordinary user", self.suite.name(), self.init.name())
    }
}
