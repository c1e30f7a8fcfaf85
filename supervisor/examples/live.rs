//! A session in a sandbox that lives on, driven line by line from standard input: `sh SCRIPT`,
//! `snapshot`, `rollback SNAPSHOT`, `refresh`, `pairs N`.
//!
//! Each line is answered by one: microseconds from the request to the answer, microseconds of processor time
//! that the supervisor, init and what they began took since the answer before, and the snapshot's name, or of `N`
//! pairs the microseconds that `/bin/true` takes bare and in the sandbox.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Instant;

use clearing::live::{LiveSandbox, Others, Wanted};
use nix::sys::resource::{UsageWho, getrusage};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let session = std::env::args().nth(1).ok_or("usage: live SESSION")?;
    let mut live = LiveSandbox::open(&session)?;
    let mut used = processor_time(&live);
    for line in std::io::stdin().lines() {
        let line = line?;
        let since = Instant::now();
        let said = answer(&mut live, line.split_once(' ').unwrap_or((&line, "")))?;
        let elapsed = since.elapsed().as_micros();
        let before = std::mem::replace(&mut used, processor_time(&live));
        println!("{elapsed} {} {said}", used.saturating_sub(before));
    }
    Ok(live.end()?)
}

fn answer(live: &mut LiveSandbox, request: (&str, &str)) -> Result<String> {
    match request {
        ("sh", script) => {
            let null = || File::options().read(true).write(true).open("/dev/null").map(OwnedFd::from);
            let command = ["/bin/sh", "-c", script].map(OsString::from);
            let executed = live.exec(&command, [null()?, null()?, null()?])?;
            Ok(format!("{:?}", executed.exit_code))
        }
        ("pairs", rounds) => pairs(live, rounds.parse()?),
        ("snapshot", _) => Ok(live.snapshot(None, Others::Refuse)?.name),
        ("rollback", name) => Ok(live.rollback(name, Others::Refuse)?.unwrap_or_default()),
        ("refresh", _) => live.refresh(Others::Refuse).map(|()| String::new()).map_err(Into::into),
        (verb, _) => Err(format!("unknown: {verb}").into()),
    }
}

fn pairs(live: &mut LiveSandbox, rounds: usize) -> Result<String> {
    let (null, command) = (File::options().read(true).write(true).open("/dev/null")?, ["/bin/true".into()]);
    let mut said = String::new();
    // The first ones find nothing in any cache.
    for round in 0..rounds + 20 {
        let since = Instant::now();
        let status = Command::new("/bin/true").stdin(Stdio::null()).status()?;
        let bare = since.elapsed();
        let streams = [null.try_clone()?, null.try_clone()?, null.try_clone()?].map(OwnedFd::from);
        let since = Instant::now();
        let exec = live.begin_exec(&command, streams, Wanted::default())?;
        let executed = live.wait(exec)?;
        let own = since.elapsed();
        if !status.success() || executed.exit_code != Some(0) {
            return Err(executed.outcome().into());
        }
        if round >= 20 {
            let microseconds = [bare, own].map(|time| time.as_secs_f64() * 1e6);
            said.push_str(&format!("{:.1} {:.1} ", microseconds[0], microseconds[1]));
        }
    }
    Ok(said)
}

/// Of ourselves, of init, and of what init has reaped, in microseconds. The kernel counts the last in ticks.
fn processor_time(live: &LiveSandbox) -> u64 {
    let own = getrusage(UsageWho::RUSAGE_SELF).map_or(0, |used| {
        let microseconds =
            |time: nix::sys::time::TimeVal| time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64;
        microseconds(used.user_time()) + microseconds(used.system_time())
    });
    let read = |name: &str| {
        let path = format!("/proc/{}/{name}", live.init().unwrap_or(0));
        std::fs::read_to_string(path).unwrap_or_default()
    };
    let init = read("schedstat").split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0u64);
    let stat = read("stat");
    // Behind the name in parentheses the eighteenth and fourteenth words more.
    let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
    let ticks: u64 = after.split(' ').skip(13).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
    own + init / 1000 + ticks * 10_000
}
