//! The process that begins commands in init's place, and what commands can do to it.

use std::fs;
use std::io::IoSliceMut;
use std::process::Command;
use std::time::{Duration, Instant};

use clearing::live::{Others, Wanted};
use clearing_profiles::LimitName;
use nix::sys::signal::{Signal, kill};
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use crate::site::{Live, Site};

/// What never happens within this does not happen.
const ENOUGH: Duration = Duration::from_secs(10);
/// How often something is tried that may come to nothing on a machine that is slow.
const TRIES: usize = 10;

/// Where this program is asked to look into the memory of the processes inside that are named.
pub(crate) fn spy(processes: &[String]) {
    for process in processes {
        let number: i32 = process.parse().expect("a number");
        let mut bytes = [0; 8];
        let there = [RemoteIoVec { base: spy as *const () as usize, len: bytes.len() }];
        let read = process_vm_readv(Pid::from_raw(number), &mut [IoSliceMut::new(&mut bytes)], &there);
        let memory = fs::File::open(format!("/proc/{number}/mem")).map_err(|error| error.kind());
        let is_there = kill(Pid::from_raw(number), None);
        println!("{is_there:?} {read:?} {:?}", memory.map(|_| ()));
    }
}

pub(crate) fn begins_commands(site: &Site) {
    let mut live = site.live();
    let zygote = (0..TRIES).find_map(|_| one_that_began_a_command(&mut live)).expect("one begins a command");
    // A command is init's own child, leads a session, has default signals, and no descriptors but its three.
    let said = live.bash("echo $PPID $(ps -o sid= -p $$ | tr -d ' ') $$; grep -E 'Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd | wc -l");
    let words: Vec<&str> = said.split_whitespace().collect();
    assert_eq!((words[0], words[1]), ("1", words[2]), "{said}");
    assert_eq!(words[3..], ["SigBlk:", "0000000000000000", "SigIgn:", "0000000000000000", "4"], "{said}");
    let (executed, _) = live.try_sh("exec no-such-program");
    assert_eq!(executed.exit_code, Some(127));
    let exec = live.try_begin(&["no-such-program"]).expect("begun");
    let executed = live.sandbox.wait(exec).expect("it has an outcome");
    assert_eq!(executed.exit_code, Some(127), "{}", executed.outcome());
    assert!(
        is_replaced(&mut live, zygote),
        "one whose memory somebody has left half-way begins nothing more"
    );
    fs::write(site.project.join("text"), "echo $0 $1").expect("written");
    live.sh("chmod +x text");
    let exec = live.try_begin(&["./text", "one"]).expect("begun");
    let executed = live.sandbox.wait(exec).expect("it has an outcome");
    assert_eq!(executed.exit_code, Some(0), "{}", executed.outcome());
}

/// Processes that nobody waits for come to init in between, and its children change under its eyes.
pub(crate) fn no_end_is_missed_among_orphans(site: &Site) {
    // Whoever waits for an end that is never told waits for ever.
    nix::unistd::alarm::set(100);
    let mut live = site.live();
    for name in ["one", "other"] {
        live.begin(name, "while :; do (true &); done", Wanted::default());
    }
    for _ in 0..150 {
        let exec = live.try_begin(&["/bin/true"]).expect("begun");
        assert_eq!(live.sandbox.wait(exec).expect("it has an outcome").exit_code, Some(0));
    }
}

pub(crate) fn a_thousand_commands_leave_one(site: &Site) {
    let mut live = site.live();
    for _ in 0..1000 {
        let exec = live.try_begin(&["/bin/true"]).expect("begun");
        assert_eq!(live.sandbox.wait(exec).expect("ended").exit_code, Some(0));
    }
    let zygote = zygote(&live).expect("one is kept");
    assert_eq!(children(&live), [zygote]);
    // One that works and is asked for nothing more does not keep one either.
    for left in ["", "sleep 1000 > /dev/null 2>&1 &"] {
        live.sh(left);
        let begun = Instant::now();
        while children(&live).len() > usize::from(!left.is_empty()) {
            assert!(begun.elapsed() < ENOUGH, "an idle sandbox keeps none");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// What it would tell of guards is what init tells.
pub(crate) fn outcomes_are_the_same(site: &Site) {
    let mut live = site.live();
    let guards = |outcome: &str| {
        let outcome: serde_json::Value = serde_json::from_str(outcome).expect("JSON");
        (outcome["guards"].clone(), outcome["limits"].clone())
    };
    let (by_init, _) = live.try_sh("true");
    zygote(&live).expect("one");
    let (by_zygote, _) = live.try_sh("true");
    assert_eq!(guards(&by_init.outcome()), guards(&by_zygote.outcome()));
}

pub(crate) fn limits_are_the_commands(site: &Site) {
    let mut live = site.live();
    let limited = |name, text: &str| Wanted { limits: vec![(name, text.to_owned())], ..Wanted::default() };
    let usual = live.sh("ulimit -n");
    for _ in 0..2 {
        zygote(&live).expect("one");
        let exec = live.begin("few", "ulimit -n", limited(LimitName::Nofile, "101"));
        assert_eq!(live.wait(exec, "few").1, "101");
        assert_eq!(live.sh("ulimit -n"), usual);
    }
    // Eight at once: the shell, and seven that it begins.
    let seven = "for n in 1 2 3 4 5 6 7; do sleep 0.3 & done; wait; echo all";
    let exec = live.begin("eight", seven, limited(LimitName::Processes, "8"));
    let (executed, said) = live.wait(exec, "eight");
    assert_eq!((executed.exit_code, said.as_str()), (Some(0), "all"), "{}", executed.outcome());
}

pub(crate) fn killed_it_is_replaced(site: &Site) {
    let mut live = site.live();
    for round in 0..10 {
        live.sh("true");
        zygote(&live);
        let (executed, said) = live.try_sh(&format!("echo {round}; kill -9 -1; echo on"));
        assert_eq!(said, format!("{round}\non"), "{}", executed.outcome());
    }
    // At the very moment at which it is given something to do.
    for _ in 0..50 {
        live.sh("true");
        let Some(zygote) = zygote(&live) else { continue };
        let killer = Command::new("/bin/sh").args(["-c", &format!("kill -9 {zygote}")]).spawn();
        assert_eq!(live.sh("echo done"), "done");
        killer.expect("spawned").wait().expect("ended");
    }
}

pub(crate) fn stopped_it_keeps_nobody(site: &Site) {
    let mut live = site.live();
    live.sh("true");
    let stopped = zygote(&live).expect("one");
    live.sh("kill -STOP -1");
    assert_eq!(live.sh("echo on"), "on");
    // Again and again, so that no SIGCONT helps.
    let script = format!("while kill -STOP {stopped} 2> /dev/null; do :; done");
    let mut stopper = Command::new("/bin/sh").args(["-c", &script]).spawn().expect("spawned");
    let begun = Instant::now();
    for _ in 0..5 {
        assert_eq!(live.sh("echo still"), "still");
    }
    assert!(begun.elapsed() < ENOUGH);
    stopper.kill().expect("killed");
    stopper.wait().expect("ended");
    assert!((0..TRIES).any(|_| is_untouched_by_signals(&mut live)), "its signals are none of a command's");
}

pub(crate) fn nobody_looks_into_it(site: &Site) {
    let mut live = site.live();
    fs::copy(std::env::current_exe().expect("us"), site.project.join("proof")).expect("copied");
    let sleeping = live.begin("other", "echo $$ > pid; exec sleep 1000", Wanted::default());
    let begun = Instant::now();
    while live.sh("cat pid 2> /dev/null || true").is_empty() {
        assert!(begun.elapsed() < ENOUGH);
    }
    let other = live.sh("cat pid");
    let zygote = inside(zygote(&live).expect("one"));
    let said = live.sh(&format!("./proof spy 1 {zygote} {other}; ls /proc | grep -cx {zygote} || true"));
    let hidden = "Ok(()) Err(EPERM) Err(NotFound)";
    // Another command of the same sandbox is seen, and can be signalled; it is under another domain.
    let [init, its, others, listed] = said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
    assert_eq!((its, listed), (hidden, "0"), "{said}");
    // Everybody knows that there is an init. Once that has looked at its own directory the kernel has an entry for it, which
    // stays closed.
    let closed = "Ok(()) Err(EPERM) Err(PermissionDenied)";
    assert!([hidden, closed].contains(&init), "{said}");
    assert!(others.starts_with("Ok(()) Err(EPERM) "), "{said}");
    live.sandbox.cancel(sleeping).expect("asked");
    live.sandbox.wait(sleeping).expect("ended");
}

/// It begins commands under the rules and in the view that are shown then, and is nobody who is alive.
pub(crate) fn layers_change_beside_it(site: &Site) {
    let mut live = site.live();
    for round in 0..5 {
        live.sh(&format!("echo {round} > round"));
        zygote(&live).expect("one");
        let name = format!("s{round}");
        live.sandbox.snapshot(Some(&name), Others::Refuse).expect("it is not alive");
        live.sh("echo later > round");
        zygote(&live).expect("one");
        live.sandbox.rollback(&name, Others::Refuse).expect("it is not alive");
        zygote(&live).expect("one is made after a change of layers too");
        assert_eq!(live.sh("cat round; echo more > more; cat more"), format!("{round}\nmore"));
    }
}

/// What only init can do for a command is done by init: a command without capabilities cannot come here.
pub(crate) fn what_takes_rights_is_done(site: &Site) {
    let mut live = site.live();
    live.sh("chmod 0 .");
    let zygote = zygote(&live).expect("one");
    assert_eq!(live.sh("cd . 2> /dev/null || echo closed"), "closed");
    assert!(is_replaced(&mut live, zygote), "it was asked first, and begins nothing more");
}

pub(crate) fn terminals_come_from_it_too(site: &Site) {
    let mut live = site.live();
    let wanted = || Wanted { on_terminal: true, ..Wanted::default() };
    for _ in 0..3 {
        let exec = live.begin("none", "test -t 0 && test -t 1 && : < /dev/tty && exit 7", wanted());
        assert_eq!(live.wait(exec, "none").0.exit_code, Some(7));
        zygote(&live).expect("one");
    }
}

/// The one that began a command; on a slow machine init may not wait for it, and begins that itself.
fn one_that_began_a_command(live: &mut Live) -> Option<i32> {
    live.sh("true");
    let zygote = zygote(live)?;
    let mark = live.bash("ulimit -R");
    (mark_of(zygote)? == mark).then_some(zygote)
}

/// Whether another one takes the place of one that begins nothing more.
fn is_replaced(live: &mut Live, old: i32) -> bool {
    (0..TRIES).any(|_| {
        live.sh("true");
        zygote(live).is_some_and(|zygote| zygote != old)
    })
}

fn is_untouched_by_signals(live: &mut Live) -> bool {
    live.sh("true");
    let zygote = zygote(live).expect("another one");
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGUSR1] {
        kill(Pid::from_raw(zygote), signal).expect("sent");
    }
    assert_eq!(live.sh("sleep 0.1; echo on"), "on");
    self::zygote(live) == Some(zygote)
}

/// The one of a sandbox, as the host numbers it, when it is there soon.
fn zygote(live: &Live) -> Option<i32> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        let named = |process: &i32| {
            let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
            name == "clearing-zygote\n" && filters(*process) == 1
        };
        if let Some(zygote) = children(live).into_iter().find(named) {
            // It may be about to say that it is prepared.
            std::thread::sleep(Duration::from_millis(20));
            return Some(zygote);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    None
}

/// How many filters it is under.
fn filters(process: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let count = status.lines().find_map(|line| line.strip_prefix("Seccomp_filters:"));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

fn children(live: &Live) -> Vec<i32> {
    let init = live.sandbox.init().expect("an init");
    let text = fs::read_to_string(format!("/proc/{init}/task/{init}/children")).expect("its children");
    text.split_whitespace().map(|number| number.parse().expect("a number")).collect()
}

/// As it is numbered in its sandbox.
fn inside(process: i32) -> String {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:")).expect("its numbers");
    line.split_whitespace().next_back().expect("a number").to_owned()
}

/// None of one that is gone.
fn mark_of(process: i32) -> Option<String> {
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).ok()?;
    clearing_runtime::mark_in_limits(&limits).map(|mark| mark.to_string())
}
