//! P-P3: the sandbox's init can't be traced, its memory not opened, its environment holds no secret;
//! it can't be re-limited, re-prioritised or ended by the command.

use std::fs;

use clearing_tests::decoys::{Process, secret};
use clearing_tests::{Caller, Site, for_each_caller, skip};

use crate::attack::{armed, attempt, control, inside, outside};

#[test]
fn init_cannot_be_attached_to() {
    init_is_kept("trace attach {init}", "EPERM");
}

#[test]
fn init_cannot_be_seized() {
    init_is_kept("trace seize {init}", "EPERM");
}

#[test]
fn the_memory_of_init_cannot_be_read() {
    init_is_kept("memory read {init} 0x400000", "EPERM");
}

#[test]
fn the_memory_of_init_cannot_be_written() {
    init_is_kept("memory write {init} 0x400000", "EPERM");
}

#[test]
fn the_limits_of_init_cannot_be_read() {
    init_is_kept("raw prlimit64 {init} 7 null buf:16", "EPERM");
}

#[test]
fn the_limits_of_init_cannot_be_set() {
    init_is_kept("raw prlimit64 {init} 4 u64:0,0 null", "EPERM");
}

#[test]
fn the_priority_of_init_cannot_be_set() {
    init_is_kept("raw setpriority 0 {init} 19", "EPERM");
}

#[test]
fn the_disk_priority_of_init_cannot_be_set() {
    init_is_kept("raw ioprio_set 1 {init} 0x4007", "EPERM");
}

#[test]
fn the_affinity_of_init_cannot_be_set() {
    init_is_kept("raw sched_setaffinity {init} 8 u64:1", "EPERM");
}

#[test]
fn the_scheduling_of_init_cannot_be_set() {
    init_is_kept("raw sched_setscheduler {init} 3 u64:0", "EPERM");
}

#[test]
fn the_scheduling_parameters_of_init_cannot_be_set() {
    init_is_kept("raw sched_setparam {init} u64:0", "EPERM");
}

#[test]
fn the_scheduling_attributes_of_init_cannot_be_set() {
    // SCHED_BATCH; 48 is the size of the first version of the structure
    init_is_kept("raw sched_setattr {init} u64:0x300000030,0,0,0,0,0 0", "EPERM");
}

#[test]
fn high_bits_in_the_number_do_not_reach_init() {
    // The kernel reads a PID as 32 bits.
    for_each_caller(|caller| {
        let site = armed(caller);
        let line = ["raw", "sched_setscheduler", "0x100000001", "3", "u64:0"];
        assert_eq!(inside(&site, &line), "-1 EPERM");
        let process = Process::start(&site);
        let high = format!("{:#x}", u64::from(process.pid()) | 1 << 32);
        let line = ["raw", "sched_setscheduler", &high, "3", "u64:0"];
        assert_eq!(outside(&site, &line), "0 ok", "control");
    });
}

#[test]
fn init_cannot_be_moved_to_another_process_group() {
    for_each_caller(|caller| {
        let site = armed(caller);
        assert!(inside(&site, &["raw", "setpgid", "1", "1"]).starts_with("-1 E"));
        assert_eq!(outside(&site, &["raw", "setpgid", "0", "0"]), "0 ok", "control");
    });
}

#[test]
fn no_signal_ends_stops_or_hurries_init() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "for s in $(seq 1 64); do kill -$s 1 2>/dev/null; done; sleep 0.2; echo alive; exit 7";
        let output = site.run(["sh", "-c", script]).output();
        output.expect_code(7).expect_stdout("alive");
    });
}

#[test]
fn init_cannot_be_killed_by_its_descriptor() {
    for_each_caller(|caller| {
        let site = armed(caller);
        for signal in ["9", "15", "19", "11"] {
            let line = format!("./probe raw pidfd_send_signal pidfd:1 {signal} null 0");
            let output = site.run(["sh", "-c", &format!("{line}; sleep 0.05; exit 7")]).output();
            output.expect_code(7);
        }
    });
}

#[test]
fn the_files_of_init_in_proc_cannot_be_read() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let files = "environ mem auxv maps smaps stack syscall io limits pagemap personality wchan timers";
        let script = format!("for f in {files}; do head -c 1 /proc/{{pid}}/$f | wc -c; done 2>/dev/null");
        let output = attempt(&site, &script.replace("{pid}", "1"));
        let read = output.stdout.lines().filter(|line| *line == "1").count();
        assert_eq!(read, 0, "{output}");
        assert!(control(&site, &script.replace("{pid}", "self")).contains("1\n"), "control");
    });
}

#[test]
fn the_links_of_init_in_proc_cannot_be_read() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script =
            "for l in exe cwd root ns/mnt ns/pid fd/0; do readlink /proc/{pid}/$l; done; ls /proc/{pid}/fd";
        let output = attempt(&site, &script.replace("{pid}", "1"));
        assert_eq!(output.stdout.lines().count(), 1, "{output}");
        assert!(control(&site, &script.replace("{pid}", "self")).contains("mnt:"), "control");
    });
}

#[test]
fn the_files_of_init_in_proc_cannot_be_written() {
    for_each_caller(|caller| {
        let site = armed(caller);
        for file in ["mem", "oom_score_adj", "comm", "clear_refs", "coredump_filter", "timerslack_ns"] {
            let answer = inside(&site, &["open", &format!("/proc/1/{file}"), "w"]);
            assert!(answer.starts_with("-1 E"), "{file}: {answer}");
            let own = outside(&site, &["open", &format!("/proc/self/{file}"), "w"]);
            assert!(own.ends_with("ok"), "control: {file}: {own}");
        }
    });
}

#[test]
fn init_is_no_child_to_wait_for_or_to_debug_by_a_thread() {
    init_is_kept("raw ptrace 0x4206 {init} 0 0", "EPERM");
}

#[test]
fn neither_environment_nor_memory_of_init_holds_a_secret_of_the_caller() {
    if !Caller::all().contains(&Caller::Root) {
        return skip("only root can look into a process that is not dumpable");
    }
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let (kept, given) = (secret(), "given-by-name");
        let run = site.run(["sh", "-c", "echo ready; exec sleep 60"]).env("DECOY_TOKEN", &kept);
        let running = run.args(["-e", &format!("GIVEN={given}")]).spawn();
        running.expect_printed("ready\n");
        let tree = descendants(running.pid().as_raw().unsigned_abs());
        assert!(tree.len() >= 2, "init and the command run: {tree:?}");
        for pid in &tree {
            let found = holds(*pid, kept.as_bytes());
            assert!(!found, "process {pid} below the supervisor holds the secret");
        }
        // The same look finds what is there: the variable that was handed in.
        let told = tree.iter().any(|pid| holds(*pid, given.as_bytes()));
        assert!(told, "control");
        drop(running);
    });
}

/// `{init}` stands for PID 1 inside; for the control, for a process of the caller's outside.
#[track_caller]
fn init_is_kept(line: &str, errno: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let process = Process::start(&site);
        let refusal = format!("-1 {errno}");
        let with = |pid: &str| line.replace("{init}", pid);
        let attack = with("1");
        let attack: Vec<_> = attack.split(' ').collect();
        assert_eq!(inside(&site, &attack), refusal, "{attack:?}");
        let bare = with(&process.pid().to_string());
        let bare: Vec<_> = bare.split(' ').collect();
        assert_ne!(outside(&site, &bare), refusal, "control: {bare:?}");
    });
}

/// All processes that come from `pid`, without itself.
fn descendants(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    children.flat_map(|child| [vec![child], descendants(child)].concat()).collect()
}

/// Whether a text is in the environment or the writable memory of a process.
fn holds(pid: u32, text: &[u8]) -> bool {
    use std::os::unix::fs::FileExt as _;
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let Ok(memory) = fs::File::open(format!("/proc/{pid}/mem")) else {
        return contains(&environment, text);
    };
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let writable = maps.lines().filter(|line| line.contains(" rw"));
    contains(&environment, text)
        || writable.filter_map(range).any(|(start, end)| {
            let size = usize::try_from(end - start).unwrap_or(0).min(64 << 20);
            let mut bytes = vec![0; size];
            memory.read_at(&mut bytes, start).is_ok_and(|_| contains(&bytes, text))
        })
}

fn range(map: &str) -> Option<(u64, u64)> {
    let (start, rest) = map.split_once('-')?;
    let end = rest.split(' ').next()?;
    Some((u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?))
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
