//! What runs in the sandboxes.

use std::fs::File;
use std::io::Write as _;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

const MIB: usize = 1 << 20;

pub(crate) fn run(words: &[&str]) -> ExitCode {
    match words {
        ["group"] => print!("{}", std::fs::read_to_string("/proc/self/cgroup").expect("procfs")),
        ["nothing"] => {}
        ["sleep"] => std::thread::sleep(Duration::from_secs(1000)),
        ["keep", mib] => {
            let held = grown(number(mib));
            std::thread::sleep(Duration::from_secs(20));
            hold(&held);
        }
        ["hog", mib] => hold(&grown(number(mib))),
        ["many", count, mib] => many(number(count), number(mib)),
        ["memfd", mib] => {
            fill(File::from(memfd_create(c"hog", MFdFlags::empty()).expect("memfd")), number(mib))
        }
        ["tmpfs", mib] => fill(File::create("/tmp/hog").expect("file"), number(mib)),
        ["bomb", count] => bomb(number(count)),
        ["threads", count] => threads(number(count)),
        ["burn", milliseconds] => burn(Duration::from_millis(number(milliseconds) as u64)),
        ["burn", milliseconds, mib] => {
            let held = grown(number(mib));
            burn(Duration::from_millis(number(milliseconds) as u64));
            hold(&held[..1]);
        }
        other => panic!("{other:?}"),
    }
    ExitCode::SUCCESS
}

fn number(word: &str) -> usize {
    word.parse().expect("a number")
}

/// So much memory, every page of it written.
fn grown(mib: usize) -> Vec<Vec<u8>> {
    (0..mib).map(|_| vec![1; MIB]).collect()
}

fn hold(held: &[Vec<u8>]) {
    println!("held {}", held.len());
}

/// Each has little, and all together too much.
fn many(count: usize, mib: usize) {
    let children: Vec<_> = (0..count).map(|_| myself(&["keep", &mib.to_string()]).spawn()).collect();
    std::thread::sleep(Duration::from_secs(20));
    drop(children);
}

fn myself(words: &[&str]) -> Command {
    let mut me = Command::new("/payload");
    me.arg("payload").args(words);
    me
}

fn fill(mut file: File, mib: usize) {
    for _ in 0..mib {
        file.write_all(&vec![1; MIB]).expect("written");
    }
    println!("filled");
}

/// Children that live on, until no more can be had.
fn bomb(count: usize) {
    let spawned = (0..count).map_while(|_| myself(&["sleep"]).spawn().ok());
    let children: Vec<_> = spawned.collect();
    println!("{} children", children.len());
    children.into_iter().for_each(|mut child| child.kill().expect("killed"));
}

fn threads(count: usize) {
    let spawn = |_| std::thread::Builder::new().spawn(|| std::thread::sleep(Duration::from_secs(5))).ok();
    println!("{} threads", (0..count).map_while(spawn).count());
    std::process::exit(0);
}

/// Uses so much more processor time, and tells what it has used in all.
fn burn(time: Duration) {
    let started = Instant::now();
    let used = || {
        let usage = getrusage(UsageWho::RUSAGE_SELF).expect("usage");
        Duration::from_micros((usage.user_time() + usage.system_time()).num_microseconds() as u64)
    };
    let until = used() + time;
    while used() < until {
        for number in 0..100_000_u64 {
            std::hint::black_box(number);
        }
    }
    println!("{} ms for {} ms", started.elapsed().as_millis(), used().as_millis());
}
