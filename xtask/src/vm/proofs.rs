//! The proofs that need the real target: test programs, run in machines.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::job::{BINARY, Job};
use super::machine::End;
use super::options::{Init, Options, Suite, User};
use super::slice::{listed, slice};
use super::start;
use crate::{Result, build, shell};

/// The test programs, of the crate `clearing-tests`, that are run in machines, as far as they are there.
const TESTS: [&str; 5] = ["escapes", "limits", "sessions", "quotas", "service"];

/// Where a machine has them, with the probe beside them.
const PLACE: &str = "/opt/clearing-tests";

/// By how much the tests' patience grows. Starting a program takes ten times as long as on the host, but
/// no limit of theirs is that narrow.
const SLOWNESS: &str = "5";

/// More than any machine takes; what hangs is ended.
const TIMEOUT: Duration = Duration::from_secs(900);

/// The escapes that each kernel has its own way to decide about, by words in their names, beside the machine's
/// part of all ([`slice`]): what works inside, and the layers. The whole suite takes a quarter of an hour a
/// machine: `cargo xtask vm --suite bookworm --proofs` runs it when a kernel is in doubt.
const ESCAPES_OF_A_KERNEL: [&str; 2] = ["p_u1::", "lessons::overlay"];

/// Those that depend on who started the caller, and on what control groups they have.
const ESCAPES_OF_AN_INIT: [&str; 2] = ["p_e2::", "p_e3::"];

/// All limits but those whose proof rests on how long something takes: under emulation a page costs as much
/// as a thousand instructions, and 25,000 files take longer to remove than a proof waits.
const LIMITS: [&str; 6] =
    ["--skip", "many_small_files", "--skip", "memory_near_its_limit", "--skip", "a_job_of_200"];

/// The limits that each kernel has its own way to hold; the first machine runs all.
const LIMITS_OF_A_KERNEL: [&str; 5] =
    ["memory::anonymous", "memory::many", "memory::files_in", "processes::a_fork_bomb", "leaf::"];

/// One for each control group that an init may not have delegated.
const LIMITS_OF_AN_INIT: [&str; 4] =
    ["memory::anonymous", "processes::a_fork_bomb", "cpu::half", "leaf::out_of_memory"];

/// Ids that are shifted are nobody's in a tree of groups.
const LIMITS_OF_ROOT: [&str; 1] = ["leaf::"];

/// What each kernel's overlay has a part in: several layers, going back, and what lands.
const SESSIONS_OF_A_KERNEL: [&str; 4] =
    ["upon::what_one", "going_back::a_rollback", "forked::", "keeping::a_run_lands"];

/// Nothing of a session depends on who started the caller.
const SESSIONS_OF_AN_INIT: [&str; 1] = ["upon::what_one"];

/// One boot, and which tests are run in it: words in their names, or options of the test programs.
struct Proof {
    suite: Suite,
    init: Init,
    runs: Runs,
}

/// What is run in a machine.
enum Runs {
    /// As an ordinary user.
    Ordinary {
        escapes: &'static [&'static str],
        limits: &'static [&'static str],
        sessions: &'static [&'static str],
    },
    /// As root: what only root can have, and the limits that are held for root in another way.
    Quotas,
    /// As root: what takes a service manager.
    Service,
}

const PROOFS: [Proof; 7] = [
    Proof::of_a_kernel(Suite::Trixie, &LIMITS),
    Proof::of_an_init(Init::Systemd),
    Proof::of_an_init(Init::Login),
    Proof::of_a_kernel(Suite::Bookworm, &LIMITS_OF_A_KERNEL),
    Proof::of_a_kernel(Suite::TrixieBackports, &LIMITS_OF_A_KERNEL),
    Proof { suite: Suite::Trixie, init: Init::Small, runs: Runs::Quotas },
    Proof { suite: Suite::Trixie, init: Init::Systemd, runs: Runs::Service },
];

/// The machines that share the escapes among them.
const SHARING: usize = 5;

/// Runs every proof in a machine of its own, and shows each line that is printed to `see`.
///
/// A machine that cannot be had is an error where nothing may go unproved, and is told aloud elsewhere.
pub(crate) fn prove(binary: &Path, see: &mut (dyn FnMut(&str) + Send)) -> Result {
    let programs = build::test_programs("clearing-tests", &TESTS)?;
    let escapes = escapes_of(&programs)?;
    let mut failed = Vec::new();
    for (number, proof) in PROOFS.iter().enumerate() {
        let part = |words: &[&str]| slice(&escapes, (number, SHARING), words);
        let job = job(binary, &programs, proof.user(), |name| proof.options(name, part))?;
        println!("\n     Running in a machine: {proof}");
        let begin = Instant::now();
        match proof.run(&job, see) {
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
    job(binary, &programs, user, |_| Some(options.to_vec()))
}

/// The names of all escapes.
fn escapes_of(programs: &[PathBuf]) -> Result<Vec<String>> {
    let program = programs.iter().find(|program| test_name(program) == "escapes");
    let program = program.ok_or("there are no escapes to be tried")?;
    Ok(listed(&shell::read(Command::new(program).args(["--list", "--format", "terse"]))?))
}

impl Proof {
    const fn of_a_kernel(suite: Suite, limits: &'static [&'static str]) -> Self {
        let (escapes, sessions) = (&ESCAPES_OF_A_KERNEL, &SESSIONS_OF_A_KERNEL);
        Self { suite, init: Init::Small, runs: Runs::Ordinary { escapes, limits, sessions } }
    }

    const fn of_an_init(init: Init) -> Self {
        let (escapes, limits, sessions) = (&ESCAPES_OF_AN_INIT, &LIMITS_OF_AN_INIT, &SESSIONS_OF_AN_INIT);
        Self { suite: Suite::Trixie, init, runs: Runs::Ordinary { escapes, limits, sessions } }
    }

    fn user(&self) -> User {
        if matches!(self.runs, Runs::Ordinary { .. }) { User::Ordinary } else { User::Root }
    }

    fn run(&self, job: &Job, see: &mut (dyn FnMut(&str) + Send)) -> Result<End> {
        let options = Options {
            suite: self.suite,
            init: self.init,
            user: self.user(),
            timeout: TIMEOUT,
            ..Options::default()
        };
        start(&options)?.run(job, None, see)
    }

    /// The options of a test program, if it is run; `part` is the machine's of the escapes, with those named.
    fn options(&self, program: &str, part: impl Fn(&[&str]) -> Vec<String>) -> Option<Vec<String>> {
        let owned = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect());
        match (&self.runs, program) {
            (Runs::Ordinary { escapes, .. }, "escapes") => {
                let mut options = vec!["--exact".to_owned()];
                options.extend(part(escapes));
                Some(options)
            }
            (Runs::Ordinary { limits, .. }, "limits") => owned(limits),
            (Runs::Ordinary { sessions, .. }, "sessions") => owned(sessions),
            (Runs::Quotas, "limits") => owned(&LIMITS_OF_ROOT),
            (Runs::Quotas, "quotas") | (Runs::Service, "service") => owned(&[]),
            _ => None,
        }
    }
}

/// The programs as one command, which runs all of them wherever one fails, each with its own options.
fn job(
    binary: &Path,
    programs: &[PathBuf],
    user: User,
    options: impl Fn(&str) -> Option<Vec<String>>,
) -> Result<Job> {
    let sources = shell::top().canonicalize()?.join("tests");
    let inside = |name: &str| Path::new(PLACE).join(name);
    let probe = programs.first().ok_or("there are no tests to run")?.with_file_name("clearing-probe");
    let mut script = String::from("failed=0\n");
    for program in programs {
        let name = test_name(program);
        let Some(options) = options(name) else { continue };
        let words = options.iter().map(|word| shell::quoted(word)).collect::<Vec<_>>();
        script += &format!("{} {} || failed=1\n", inside(name).display(), words.join(" "));
    }
    script += "exit $failed";
    let mut job = Job::new(&["sh", "-c", &script]).binary(binary);
    for program in programs {
        job = job.copy(program, inside(test_name(program)));
    }
    job = match user {
        User::Ordinary => job.env("CLEARING_TEST_CALLERS", "ordinary"),
        User::Root => job.env("CLEARING_TEST_QUOTAS", "must").env("CLEARING_TEST_SERVICE", "must"),
    };
    let units = shell::top().canonicalize()?.join("supervisor/systemd");
    job = job.copy(&units, &units);
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
        let user = if self.user() == User::Root { "root" } else { "an ordinary user" };
        write!(f, "kernel of {}, init {}, {user}", self.suite.name(), self.init.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_share_the_escapes_are_all_that_try_any() {
        let tries = |proof: &Proof| proof.options("escapes", |_| Vec::new()).is_some();
        let (sharing, others) = PROOFS.split_at(SHARING);
        assert!(sharing.iter().all(tries) && !others.iter().any(tries));
    }
}
