//! What a run may have left on the host: processes, mounts, cgroups, directories.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::timely::own_processor_time;
use crate::{Site, patience};

/// How long what is left may take to go by itself.
const GRACE: Duration = Duration::from_secs(1);

/// Demands that the site's runs left nothing that bears its name.
///
/// Looks for processes (by environment, command line, working directory, root and program), mounts
/// in any mount namespace, control groups without a process, and directories of ended runs.
/// Processes of other users, and those that are not dumpable, show this to root alone.
///
/// # Panics
///
/// If something is still there after a second, as [`patience`] has it, and after a second more of
/// looking without a pause, not counting the time in which others had the processor.
#[track_caller]
pub fn assert_nothing_left(site: &Site) {
    let end = Instant::now() + patience(GRACE);
    let mut left = everything_left(site);
    while !left.is_empty() && Instant::now() < end {
        thread::sleep(Duration::from_millis(20));
        keep_what_stays(&mut left, site);
    }
    let looked = own_processor_time();
    while !left.is_empty() && own_processor_time() - looked < GRACE {
        keep_what_stays(&mut left, site);
    }
    assert!(left.is_empty(), "left behind:\n{}", left.join("\n"));
}

/// A process that shows the name elsewhere now, having executed another program, is still there.
fn keep_what_stays(left: &mut Vec<String>, site: &Site) {
    let what = |trace: &String| trace.split(": ").next().map(str::to_owned);
    let still = everything_left(site);
    left.retain(|trace| still.iter().any(|other| what(other) == what(trace)));
}

fn everything_left(site: &Site) -> Vec<String> {
    let name = site.directory().to_string_lossy();
    let mut left = Vec::new();
    for process in processes() {
        left.extend(process_traces(&process, &name));
    }
    left.extend(empty_groups(Path::new("/sys/fs/cgroup")));
    left.extend(runs(&site.state()));
    left
}

fn processes() -> Vec<PathBuf> {
    let entries = fs::read_dir("/proc").expect("/proc is mounted").flatten();
    let myself = std::process::id().to_string();
    let is_other = |name: &str| name != myself && name.bytes().all(|byte| byte.is_ascii_digit());
    entries
        .filter(|entry| entry.file_name().to_str().is_some_and(is_other))
        .map(|entry| entry.path())
        .collect()
}

fn process_traces(process: &Path, name: &str) -> Option<String> {
    let in_file = |file: &&str| {
        fs::read(process.join(file)).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(name))
    };
    let in_link = |link: &&str| {
        fs::read_link(process.join(link)).is_ok_and(|target| target.to_string_lossy().contains(name))
    };
    let files: Vec<_> = ["environ", "cmdline", "mountinfo"].into_iter().filter(in_file).collect();
    let links: Vec<_> = ["cwd", "root", "exe"].into_iter().filter(in_link).collect();
    let found = [files, links].concat();
    (!found.is_empty()).then(|| format!("{}: {}", process.display(), found.join(", ")))
}

/// Groups of ours without a process in them or below. One that a run beside this proof is just making or leaving
/// is gone, or has a process, at the next look.
fn empty_groups(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let children = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut found = Vec::new();
    for path in children.map(|entry| entry.path()) {
        let ours = path.file_name().is_some_and(|name| name.to_string_lossy().contains("clearing"));
        if ours && is_empty(&path) {
            found.push(path.display().to_string());
        }
        found.extend(empty_groups(&path));
    }
    found
}

fn is_empty(group: &Path) -> bool {
    let processes = fs::read_to_string(group.join("cgroup.procs"));
    let below = fs::read_dir(group).into_iter().flatten().flatten();
    let mut groups = below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    processes.is_ok_and(|processes| processes.is_empty()) && groups.all(|entry| is_empty(&entry.path()))
}

fn runs(state: &Path) -> Vec<String> {
    let entries = fs::read_dir(state.join("runs")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path().display().to_string()).collect()
}
