//! What is left of old layers, and who could get there.

use std::fs;
use std::time::{Duration, Instant};

use clearing::live::Others;

use crate::site::{Live, Site};

/// How long the kernel may take to unmount.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn nothing_is_left_behind(site: &Site) {
    let mut live = site.live();
    live.sh("echo 0 > file; echo 0 > ~/file");
    live.sandbox.snapshot(Some("zero"), Others::Refuse).expect("a snapshot");
    live.sh("echo 1 > file; echo 1 > ~/file");
    live.sandbox.rollback("zero", Others::Refuse).expect("back");
    let before = Left::of(&mut live);
    for round in 0..25 {
        live.sh(&format!("echo {round} > file; echo {round} > ~/file; find / > /dev/null 2>&1; true"));
        live.sandbox.snapshot(None, Others::Refuse).expect("a snapshot");
        live.sandbox.rollback("zero", Others::Refuse).expect("back");
        assert_eq!(live.sh("cat file ~/file"), "0\n0");
    }
    let after = Left::of(&mut live);
    assert_eq!((&after.mounts, after.own), (&before.mounts, before.own));
    // Init may just be about to give some up; one that is left behind would be so fifty times.
    assert!(after.inits <= before.inits.map(|count| count + 20), "{before:?} {after:?}");
}

/// What unmounts is of the command's user, and so can be stopped by it.
pub(crate) fn stopping_what_unmounts_keeps_nothing(site: &Site) {
    let mut live = site.live();
    live.sh("echo 0 > file; mkdir d; for n in $(seq 200); do echo > d/$n; done");
    live.sandbox.snapshot(Some("zero"), Others::Refuse).expect("a snapshot");
    for round in 0..30 {
        // All but init, and the shell itself.
        live.sh(&format!("kill -STOP -1; echo {round} > file; find . > /dev/null"));
        live.sandbox.rollback("zero", Others::Refuse).expect("back");
    }
    live.sh("echo last > file");
    live.sandbox.rollback("zero", Others::Refuse).expect("back");
    Left::of(&mut live);
}

pub(crate) fn old_layers_are_out_of_reach(site: &Site) {
    let mut live = site.live();
    live.sh("echo secret > secret; echo secret > ~/secret");
    let mounts = "cut -d' ' -f5,6 /proc/self/mountinfo | sort";
    let before = live.sh(mounts);
    live.sandbox.rollback("initial", Others::Refuse).expect("back");
    assert_eq!(live.sh(mounts), before);
    // Neither by the mounts of others, nor by a descriptor, nor above the root.
    assert_eq!(live.sh("find / -name secret 2>/dev/null; ls -a /../.. > ~/up; ls -a / | diff - ~/up"), "");
    assert_eq!(live.sh("ls /proc/1/root /proc/1/cwd /proc/1/fd 2>/dev/null; ls /proc/self/fd | wc -l"), "4");
    // What is permitted is permitted above the new layers, and what is not is not.
    live.sh("echo a > a && mkdir d && mv a d/a && cat d/a && rm -r d && echo b > ~/b && rm ~/b && ls ~ /tmp");
    live.sh("printf '#!/bin/sh\\nexit 0\\n' > run && chmod +x run && ./run");
    for refused in [
        "echo > /etc/x",
        "mkdir /usr/x",
        "echo > /x",
        "mknod node c 1 3",
        "mount -t tmpfs none /tmp",
        "unshare -m true",
        "chroot / true",
    ] {
        let (executed, _) = live.try_sh(refused);
        assert_ne!(executed.exit_code, Some(0), "{refused}");
    }
}

/// What a sandbox has that could be left behind.
#[derive(Debug)]
struct Left {
    mounts: String,
    own: usize,
    inits: Option<usize>,
}

impl Left {
    fn of(live: &mut Live) -> Self {
        let mounts = live.sh("wc -l < /proc/self/mountinfo");
        let init = live.sandbox.init().expect("it lives");
        let children = format!("/proc/{init}/task/{init}/children");
        let since = Instant::now();
        while !fs::read_to_string(&children).expect("its children").is_empty() {
            assert!(since.elapsed() < PATIENCE, "somebody is still there");
            std::thread::sleep(Duration::from_millis(5));
        }
        let count = |path: &str| fs::read_dir(path).ok().map(Iterator::count);
        // Only root may look into init.
        Self { mounts, own: count("/proc/self/fd").expect("ours"), inits: count(&format!("/proc/{init}/fd")) }
    }
}

/// A command that nothing runs beside begins in init's own memory.
pub(crate) fn commands_leave_nothing_in_init(site: &Site) {
    let mut live = site.live();
    let mut run = |count: u32| {
        for _ in 0..count {
            let exec = live.try_begin(&["/bin/true"]).expect("begun");
            live.sandbox.wait(exec).expect("waited");
        }
        let status = fs::read_to_string(format!("/proc/{}/status", live.sandbox.init().expect("it lives")));
        let status = status.expect("read");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("its memory");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
    };
    let (before, after) = (run(50), run(800));
    assert!(after < before + 200, "{before} KiB became {after}");
}
