//! As many as anybody wants, and then none.

use std::io::{Read as _, pipe};
use std::process::{Child, Stdio};
use std::sync::PoisonError;
use std::time::Instant;

use clearing_tests::{Caller, Site, assert_nothing_left, init_of};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::HOST;

/// Alive at the same time.
const CROWD: usize = 1000;

#[test]
fn a_thousand_live_at_once_and_leave_nothing_for_an_ordinary_user() {
    live_and_leave(Caller::Ordinary);
}

#[test]
fn a_thousand_live_at_once_and_leave_nothing_for_root() {
    if Caller::all().contains(&Caller::Root) {
        live_and_leave(Caller::Root);
    }
}

fn live_and_leave(caller: Caller) {
    let _alone = HOST.write().unwrap_or_else(PoisonError::into_inner);
    let site = Site::new(caller);
    let (started, free) = (Instant::now(), available_memory());
    let mut crowd = Crowd(Vec::new());
    let (mut said, say) = pipe().unwrap();
    for _ in 0..CROWD {
        let mut run = site.host(site.binary());
        run.args(["run", "--", "sh", "-c", "echo; exec sleep 600"]);
        run.current_dir(site.project()).env("CLEARING_STATE_DIR", site.state());
        run.stdin(Stdio::null()).stdout(say.try_clone().unwrap()).stderr(Stdio::null());
        crowd.0.push(run.spawn().unwrap());
    }
    drop(say);
    // Each says one byte when its command runs.
    said.read_exact(&mut [0; CROWD]).expect("every command says that it lives");
    let (up, used) = (started.elapsed(), free.saturating_sub(available_memory()) / 1024);
    assert_eq!(crowd.inits(), CROWD, "alive at once");
    drop(crowd);
    eprintln!(
        "{caller:?}: {CROWD} up in {up:.1?} with {used} MiB, gone after {:.1?}",
        started.elapsed() - up
    );
    assert_nothing_left(&site);
}

/// Ended when dropped, all of them and together.
struct Crowd(Vec<Child>);

impl Crowd {
    fn inits(&self) -> usize {
        self.0.iter().filter(|child| init_of(pid(child)).is_some()).count()
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for child in &self.0 {
            let _ = kill(pid(child), Signal::SIGTERM);
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

/// KiB that could be had without swapping.
fn available_memory() -> u64 {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap();
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
