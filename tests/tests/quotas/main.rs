//! Project quotas: the kernel itself holds what is written to disk, where root and the file system allow that.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

mod disk;

use clearing_tests::{Caller, Output, Run, Site, for_each_caller};
use nix::sys::signal::Signal;

use disk::{Disk, Quotas};

const MEBIBYTE: u64 = 1 << 20;
/// So long a supervisor may take to hear of a command; what it does next waits longer.
const HEARD: std::time::Duration = std::time::Duration::from_secs(1);

#[test]
fn the_kernel_holds_the_limits_though_nobody_watches() {
    with_quotas(|site, disk| {
        let script = "echo ready; sleep 3
            dd if=/dev/zero of=large bs=64k count=3200; echo done";
        let output = unwatched(run(site, disk, &["sh", "-c", script]).args(["--disk", "50M"]));
        assert!(output.stderr.contains("quota exceeded") || output.stderr.contains("No space"), "{output}");
        expect_held(&output, "disk", 50 * MEBIBYTE);
        let used = output.outcome()["exceeded"]["used"].as_u64().unwrap();
        assert!((50 * MEBIBYTE..52 * MEBIBYTE).contains(&used), "{used}: {output}");

        let script = "echo ready; sleep 3; ./probe files 2000; echo done";
        let output = unwatched(run(site, disk, &["sh", "-c", script]).args(["--inodes", "100"]));
        expect_held(&output, "inodes", 100);
        assert!(output.outcome()["exceeded"]["used"].as_u64() <= Some(100 + 256), "{output}");
        assert_eq!(disk.limited_projects(site), [""; 0], "the limits are given back");
    });
}

#[test]
fn a_command_does_not_leave_its_project() {
    with_quotas(|site, disk| {
        let script = "mkdir own; : > own/file
            for it in own own/file . $HOME; do ./probe leave-project $it; done
            dd if=/dev/zero of=own/large bs=64k count=3200 2>&1; sleep 60";
        let output = run(site, disk, &["sh", "-c", script]).args(["--disk", "50M"]).output();
        let tried: Vec<_> = output.stdout.lines().take(16).collect();
        assert!(tried.len() == 16 && tried.iter().all(|line| line.starts_with("-1 ")), "{output}");
        expect_held(&output, "disk", 50 * MEBIBYTE);
    });
}

#[test]
fn what_a_killed_run_left_is_given_back_with_it() {
    with_quotas(|site, disk| {
        let running = run(site, disk, &["sh", "-c", "echo ready; sleep 60"]).spawn();
        running.expect_printed("ready");
        assert_eq!(disk.limited_projects(site).len(), 1);
        running.signal(Signal::SIGKILL);
        running.wait();
        let collected = || {
            run(site, disk, &["true"]).output().expect_code(0);
            disk.limited_projects(site).is_empty()
        };
        // The run counts as alive until the last of its processes is gone.
        while !collected() {}
    });
}

#[test]
fn a_session_has_its_limit_for_as_long_as_a_command_runs() {
    with_quotas(|site, disk| {
        let clearing = |words: &[&str]| site.clearing(words).env("CLEARING_STATE_DIR", disk.state());
        clearing(&["create", "--name", "s"]).output().expect_code(0);
        let exec = |script: &str| {
            let words = ["exec", "s", "--json", "--disk", "50M", "--", "sh", "-c", script];
            let output = clearing(&words).output();
            let last = output.stdout.lines().last().unwrap().to_owned();
            serde_json::from_str::<serde_json::Value>(&last).unwrap()
        };
        let first = exec("dd if=/dev/zero of=one bs=1M count=30");
        assert_eq!(
            (&first["cause"], &first["limits"]["disk"]["enforcedBy"]),
            (&"exit".into(), &"quota".into())
        );
        assert_eq!(disk.limited_projects(site), [""; 0]);
        let second = exec("dd if=/dev/zero of=two bs=1M count=30; sleep 60");
        assert_eq!(
            (&second["cause"], &second["exceeded"]["limit"]),
            (&"disk".into(), &"disk".into()),
            "{second}"
        );
        clearing(&["snapshot", "s"]).output().expect_code(0);
        let third = exec("dd if=/dev/zero of=three bs=1M count=30");
        assert_eq!(
            (&third["cause"], &third["limits"]["disk"]["enforcedBy"]),
            (&"exit".into(), &"quota".into())
        );
        assert_eq!(disk.limited_projects(site), [""; 0]);
        let killed = clearing(&["exec", "s", "--", "sh", "-c", "echo ready; sleep 60"]).spawn();
        killed.expect_printed("ready");
        assert_eq!(disk.limited_projects(site).len(), 1);
        killed.signal(Signal::SIGKILL);
        killed.wait();
        // It counts as held until the last of its processes is gone.
        while clearing(&["rm", "--yes", "s"]).output().code != Some(0) {}
        assert_eq!(disk.limited_projects(site), [""; 0], "with the layer goes its limit");
    });
}

#[test]
fn a_file_system_that_was_not_told_to_is_told_of() {
    let Some((site, disk)) = prepared(Quotas::Off) else { return };
    let output = run(&site, &disk, &["true"]).output();
    expect_why(&output, "no project quota");
}

#[test]
fn where_the_kernel_does_not_hold_it_the_outcome_says_why() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["true"]).args(["--layer", "disk"]).output();
        let why = if caller == Caller::Root { "no project quota" } else { "root's to set" };
        expect_why(&output, why);
        let output = site.run(["true"]).args(["--layer", "copy"]).output();
        expect_why(&output, "a copy of the project");
    });
}

/// Acts with a state directory where projects have quotas.
fn with_quotas(act: impl FnOnce(&Site, &Disk)) {
    if let Some((site, disk)) = prepared(Quotas::Held) {
        act(&site, &disk);
    }
}

/// In the order in which they may go.
fn prepared(quotas: Quotas) -> Option<(Site, Disk)> {
    if !nix::unistd::geteuid().is_root() {
        return None;
    }
    let site = Site::new(Caller::Root);
    site.install_probe();
    let disk = Disk::new(&site, quotas)?;
    Some((site, disk))
}

fn run<'s>(site: &'s Site, disk: &Disk, command: &[&str]) -> Run<'s> {
    site.run(command).args(["--layer", "disk"]).env("CLEARING_STATE_DIR", disk.state())
}

/// Stops the supervisor from the moment that the command says `ready` to that at which it says `done`.
fn unwatched(run: Run<'_>) -> Output {
    let running = run.spawn();
    running.expect_printed("ready");
    // The command's word may be there before the supervisor has heard that it runs, and has counted what was there.
    std::thread::sleep(HEARD);
    running.signal(Signal::SIGSTOP);
    running.expect_printed("done");
    running.signal(Signal::SIGCONT);
    running.wait()
}

#[track_caller]
fn expect_held(output: &Output, limit: &str, amount: u64) {
    let outcome = output.outcome();
    let told = (&outcome["cause"], &outcome["exceeded"]["limit"], &outcome["exceeded"]["allowed"]);
    assert_eq!(told, (&"disk".into(), &limit.into(), &amount.into()), "{output}\n{outcome}");
    assert_eq!(outcome["limits"][limit]["enforcedBy"], "quota", "{outcome}");
}

#[track_caller]
fn expect_why(output: &Output, why: &str) {
    let limit = &output.outcome()["limits"]["disk"];
    assert_eq!(limit["enforcedBy"], "watchdog", "{output}");
    assert!(limit["why"].as_str().is_some_and(|told| told.contains(why)), "{limit}");
}
