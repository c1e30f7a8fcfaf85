//! P-E3: no mount, cgroup, process or file is left on the host.

use std::collections::BTreeSet;
use std::fs;

use clearing_tests::{Site, assert_nothing_left, for_each_caller};

use crate::attack::armed;

#[test]
fn an_ordinary_end_leaves_nothing() {
    leaves_nothing(&["sh", "-c", "echo x > file; mkdir -p a/b/c; rm -f probe"]);
}

#[test]
fn a_failing_command_leaves_nothing() {
    leaves_nothing(&["sh", "-c", "echo x > file; exit 3"]);
}

#[test]
fn a_command_that_is_not_there_leaves_nothing() {
    leaves_nothing(&["no-such-command"]);
}

#[test]
fn a_command_that_dies_of_a_signal_leaves_nothing() {
    leaves_nothing(&["sh", "-c", "kill -SEGV $$"]);
}

#[test]
fn directories_that_nobody_may_enter_leave_nothing() {
    leaves_nothing(&["sh", "-c", "mkdir -p a/b; echo x > a/b/c; chmod 000 a/b a; chmod 000 ."]);
}

#[test]
fn a_very_deep_directory_leaves_nothing() {
    leaves_nothing(&[
        "sh",
        "-c",
        "for i in $(seq 300); do mkdir -p deep-name && cd deep-name || exit 1; done",
    ]);
}

#[test]
fn odd_names_leave_nothing() {
    leaves_nothing(&["sh", "-c", "touch -- -rf ' ' \"$(printf 'a\\nb')\" \"$(printf '\\377')\" '*' '..x'"]);
}

#[test]
fn a_deadline_leaves_nothing() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let before = Host::now(&site);
        site.run(["sleep", "20"]).args(["--timeout", "100ms"]).output().expect_code(124);
        before.expect_same(&site);
    });
}

#[test]
fn a_refused_run_leaves_nothing() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let before = Host::now(&site);
        site.run(["true"]).args(["-w", "/"]).output().expect_code(125);
        before.expect_same(&site);
    });
}

#[test]
fn a_command_s_own_session_keyring_leaves_nothing() {
    leaves_nothing(&["sh", "-c", "cat /proc/keys; true"]);
}

#[track_caller]
fn leaves_nothing(command: &[&str]) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let tree = site.project_tree();
        let before = Host::now(&site);
        site.run(command).output();
        before.expect_same(&site);
        site.project_tree().expect_same_as(&tree);
    });
}

/// What of the host a run could add to. Proofs beside this one use other sites.
struct Host {
    mounts: BTreeSet<String>,
    tmp: BTreeSet<String>,
    state: BTreeSet<String>,
}

impl Host {
    fn now(site: &Site) -> Self {
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
        let points = mounts.lines().filter_map(|line| line.split(' ').nth(4));
        Self {
            mounts: points.map(str::to_owned).collect(),
            tmp: names("/tmp").filter(|name| name.contains("clearing")).collect(),
            state: names(&site.state().join("runs")).collect(),
        }
    }

    #[track_caller]
    fn expect_same(&self, site: &Site) {
        assert_nothing_left(site);
        let after = Self::now(site);
        assert_eq!(after.mounts, self.mounts);
        assert_eq!(after.state, self.state);
        let ours = |name: &&String| !name.contains("secret");
        let (now, then): (Vec<_>, Vec<_>) =
            (after.tmp.iter().filter(ours).collect(), self.tmp.iter().filter(ours).collect());
        assert_eq!(now, then);
    }
}

fn names(directory: impl AsRef<std::path::Path>) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned())
}
