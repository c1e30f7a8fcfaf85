//! By which means this host lets a caller hold limits.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use clearing_tests::{Caller, Output};

/// The strongest that a caller can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// A group of version 2.
    Cgroup2,
    /// Groups of version 1.
    Cgroup1,
    /// No group at all.
    Alone,
}

/// The means of this caller on this host: `$CLEARING_TEST_MEANS` (`cgroup2`, `cgroup1` or `none`), else
/// what the owner of our own group says.
pub(crate) fn of(caller: Caller) -> Means {
    match env::var("CLEARING_TEST_MEANS").as_deref() {
        Ok("cgroup2") => Means::Cgroup2,
        Ok("cgroup1") => Means::Cgroup1,
        Ok("none") => Means::Alone,
        Ok(other) => panic!("CLEARING_TEST_MEANS={other}"),
        Err(_) => found(caller),
    }
}

fn found(caller: Caller) -> Means {
    let owned = |path: &Option<PathBuf>| {
        let metadata = path.as_ref().and_then(|path| fs::metadata(path).ok());
        metadata.is_some_and(|metadata| metadata.uid() == caller.uid())
    };
    let unified = own_group("0::").filter(|group| group.join("memory.stat").exists());
    let legacy = own_group("memory:").or_else(|| own_group(":memory:"));
    match (owned(&unified), owned(&legacy)) {
        (true, _) => Means::Cgroup2,
        (false, true) => Means::Cgroup1,
        _ => Means::Alone,
    }
}

/// The directory of our own group in the hierarchy that a line of `/proc/self/cgroup` speaks of.
fn own_group(marker: &str) -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let unified = marker == "0::";
    let line =
        groups.lines().find(|line| if unified { line.starts_with(marker) } else { line.contains(marker) });
    let path = line?.splitn(3, ':').nth(2)?.trim_start_matches('/');
    let top = if unified { "/sys/fs/cgroup" } else { "/sys/fs/cgroup/memory" };
    Some(PathBuf::from(top).join(path))
}

/// Whether the kernel counts what these means let it swap out.
pub(crate) fn counts_swap(means: Means) -> bool {
    let (group, file) = match means {
        Means::Cgroup2 => (own_group("0::"), "memory.swap.max"),
        Means::Cgroup1 => {
            (own_group("memory:").or_else(|| own_group(":memory:")), "memory.memsw.limit_in_bytes")
        }
        Means::Alone => return false,
    };
    group.is_some_and(|group| group.join(file).exists())
}

impl Means {
    /// What the outcome must name for memory.
    pub(crate) fn of_memory(self) -> &'static str {
        self.or("watchdog")
    }

    /// What the outcome must name for processes.
    pub(crate) fn of_processes(self) -> &'static str {
        self.or("rlimit")
    }

    /// What the outcome must name for processors.
    pub(crate) fn of_processors(self) -> &'static str {
        self.or("none")
    }

    fn or(self, alone: &'static str) -> &'static str {
        match self {
            Self::Cgroup2 => "cgroup2",
            Self::Cgroup1 => "cgroup1",
            Self::Alone => alone,
        }
    }
}

/// Demands what the outcome says of one limit.
#[track_caller]
pub(crate) fn expect_limit(output: &Output, limit: &str, amount: impl Into<serde_json::Value>, means: &str) {
    let told = &output.outcome()["limits"][limit];
    assert_eq!((&told["limit"], &told["enforcedBy"]), (&amount.into(), &means.into()), "{limit}: {output}");
}

/// Demands a cause, and which limit it was.
#[track_caller]
pub(crate) fn expect_cause(output: &Output, cause: &str, limit: &str) {
    let outcome = output.outcome();
    let told = (&outcome["cause"], &outcome["exceeded"]["limit"]);
    assert_eq!(told, (&cause.into(), &limit.into()), "{output}\n{outcome}");
}
