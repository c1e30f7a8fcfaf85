//! How many system calls one more command takes: what it costs beside its program, on a machine of any speed.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::site::Site;

/// Of the supervisor, of init, of the zygote and of the command, whose program makes some thirty of them. To see that
/// nothing new is to be hidden, the supervisor opens the project and takes one look at each directory of it. Some ten
/// more or fewer depend on who is quicker: what init does between two commands it waits for.
const MOST: usize = 165;

/// When a project is so old that its times are trusted.
const OLD: Duration = Duration::from_secs(4);

/// Where this program is to run a command so many times, and do nothing else.
pub(crate) fn repeat(site: &Site, times: usize) {
    let mut live = site.live();
    for _ in 0..times {
        let exec = live.try_begin(&["/bin/true"]).expect("begun");
        assert_eq!(live.sandbox.wait(exec).expect("ended").exit_code, Some(0));
    }
}

pub(crate) fn are_few(site: &Site) {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: there is no strace");
        return;
    }
    // What is younger is read before each command, since its times do not tell whether it was changed.
    thread::sleep(OLD);
    let each = || (count(site, 60) - count(site, 20)) / 40;
    let each = (0..3).map(|_| each()).find(|each| *each <= MOST).unwrap_or_else(each);
    println!("one more command takes {each} system calls");
    assert!(each <= MOST, "one more command takes {each} system calls");
}

fn count(site: &Site, times: usize) -> usize {
    let directory = tempfile::tempdir_in(&site.home).expect("a directory");
    let us = std::env::current_exe().expect("us");
    let mut traced = Command::new("strace");
    traced.args(["-ff", "-qq", "-e", "signal=none", "-o"]).arg(directory.path().join("of")).arg(us);
    let status = traced.args(["repeat", &times.to_string()]).status().expect("spawned");
    assert!(status.success(), "{status}");
    let traces = fs::read_dir(directory.path()).expect("traces").flatten();
    traces.map(|trace| fs::read_to_string(trace.path()).expect("text").lines().count()).sum()
}
