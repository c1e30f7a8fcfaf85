//! What threads can have done.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::chown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use clearing_runtime::probe::{self, Request};
use clearing_runtime::spec::{Birth, Owners};
use clearing_runtime::{Helper, Sandbox, Stage, Work, launcher, register_works};
use nix::unistd::geteuid;

use crate::identity::{identity, namespaces};
use crate::place::SECRET;
use crate::sandboxes::{Running, bind, expect_soon, sandbox_spec};

static WORKS: [Work; 1] = [write_words];

pub(crate) fn register() {
    assert!(register_works(&WORKS));
}

fn write_words(words: &[u8], mut handed: Vec<OwnedFd>) {
    let mut last = File::from(handed.pop().expect("a descriptor"));
    last.write_all(words).expect("written");
    write!(last, " with {} more", handed.len()).expect("written");
}

fn start() -> u32 {
    launcher::start().expect("started");
    launcher::process().expect("there is one")
}

pub(crate) fn fifty_of_eight_threads() {
    start();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= 50 {
                        return;
                    }
                    let word = number.to_string();
                    assert_eq!(Running::start(&["say", &word]).end(), word);
                }
            });
        }
    });
    assert!(next.into_inner() >= 50);
}

pub(crate) fn owners_from_a_thread() {
    const OWNER: u32 = 7777;
    File::create("file").expect("made");
    let here = std::env::current_dir().expect("here");
    let owners = Owners::Mapped { uid: OWNER, gid: OWNER };
    let spec = sandbox_spec(vec![bind(here, "/owned", owners)]);
    start();
    if geteuid().is_root() {
        chown("file", Some(OWNER), Some(OWNER)).expect("given");
        let spawned = thread::spawn(|| Running::start_with(&["owner", "/owned/file"], spec, None).end());
        assert_eq!(spawned.join().expect("no panic"), "1000");
    } else {
        let sandbox = Sandbox::launch(&Birth::Namespaces(namespaces()), None).expect("launched");
        let failure = thread::scope(|scope| scope.spawn(move || sandbox.build(&spec, &[])).join());
        let failure = failure.expect("no panic").expect_err("who has one id maps no others");
        assert_eq!((failure.stage, failure.errno), (Stage::IdMap, libc::EINVAL));
    }
}

pub(crate) fn probed_from_a_thread() {
    let [first, second] = ["first", "second"].map(|name| {
        std::fs::create_dir(name).expect("made");
        std::env::current_dir().expect("here").join(name)
    });
    let directories = [first.clone()];
    let request = |scratch| Request {
        identity: identity(),
        scratch,
        layers_in_memory: true,
        directories: &directories,
    };
    let before = probe::all(&request(&first));
    start();
    let after = thread::scope(|scope| scope.spawn(|| probe::all(&request(&second))).join());
    assert_eq!(after.expect("no panic"), before);
    assert!(thread::spawn(|| probe::sandbox_works(identity())).join().expect("no panic"));
}

pub(crate) fn works_are_done() {
    let expect_done = || {
        let (mut read, write) = std::io::pipe().expect("pipe");
        let null = File::open("/dev/null").expect("null");
        let helper = Helper::work(0, b"words", &[null.as_fd(), write.as_fd()]).expect("forked");
        drop(write);
        helper.wait();
        let mut written = String::new();
        read.read_to_string(&mut written).expect("text");
        assert_eq!(written, "words with 1 more");
    };
    expect_done();
    start();
    thread::spawn(expect_done).join().expect("no panic");
    let unknown = Helper::work(1, b"", &[]).expect_err("nobody made it known");
    assert_eq!(unknown.kind(), std::io::ErrorKind::NotFound);
}

pub(crate) fn second_is_refused() {
    start();
    let failure = launcher::start().expect_err("there is one");
    assert_eq!((failure.stage, failure.errno), (Stage::Launcher, libc::EALREADY));
}

pub(crate) fn descriptors_are_closed() {
    let before = std::io::pipe().expect("pipe");
    let launcher = start();
    let after = std::io::pipe().expect("pipe");
    let first = Running::start(&["sleep"]).asleep();
    let second = Running::start(&["sleep"]).asleep();
    for (mut read, write) in [before, after] {
        drop(write);
        assert_eq!(read.read(&mut [0]).expect("read"), 0, "the end, as nobody else can write");
    }
    if geteuid().is_root() {
        // The errands, and a signalfd; where it answered it closes after the answer.
        expect_soon("nothing else is left open", || open_in(launcher).len() == 5);
        let (launcher, inits) = (open_in(launcher), [&first, &second].map(|one| open_in(one.sandbox.init())));
        for (init, other) in [(&inits[0], &inits[1]), (&inits[1], &inits[0])] {
            let sockets: Vec<&String> = init.iter().filter(|link| link.starts_with("socket:")).collect();
            assert_eq!(sockets.len(), 1, "{init:?}");
            assert!(!launcher.contains(sockets[0]) && !other.contains(sockets[0]), "{sockets:?}");
        }
    }
}

/// What a process has open.
fn open_in(process: u32) -> Vec<String> {
    let entries = std::fs::read_dir(format!("/proc/{process}/fd")).expect("root may look");
    // What is closed meanwhile is not open.
    let links = entries.filter_map(|entry| std::fs::read_link(entry.expect("an entry").path()).ok());
    links.map(|link| link.to_string_lossy().into_owned()).collect()
}

pub(crate) fn environment_is_wiped() {
    let environment = |process: u32| std::fs::read(format!("/proc/{process}/environ"));
    let has_secret = |bytes: &[u8]| bytes.windows(SECRET.len()).any(|some| some == SECRET.as_bytes());
    assert!(has_secret(&environment(std::process::id()).expect("our own")));
    match environment(start()) {
        Ok(bytes) => assert!(geteuid().is_root() && !has_secret(&bytes), "{bytes:?}"),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied),
    }
}

/// What each of so many idle inits has in memory, in KiB.
pub(crate) fn measure(count: usize) {
    let launcher = start();
    let all: Vec<Running> = (0..count).map(|_| Running::start(&["sleep"]).asleep()).collect();
    let shown = |pid: u32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("root may look");
        let wanted = ["Rss:", "Pss:", "Private_Dirty:", "Pss_Dirty:"];
        let lines = text.lines().filter(|line| wanted.iter().any(|name| line.starts_with(name)));
        lines.map(|line| line.split_whitespace().take(2).collect::<String>()).collect::<Vec<_>>().join(" ")
    };
    println!("launcher {}", shown(launcher));
    all.iter().step_by(count.div_ceil(5)).for_each(|one| println!("init {}", shown(one.sandbox.init())));
}
