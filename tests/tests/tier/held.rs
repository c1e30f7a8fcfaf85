//! One attack, or a few, for each promise whose file in `escapes` asks for answers that only namespaces give.

use clearing_tests::decoys::{
    AbstractSocket, PathSocket, Process, SecretFile, SystemVMemory, TcpPort, UdpPort, secret,
};
use clearing_tests::{Caller, Site, for_each_caller};

use crate::attack::{armed, assert_keeps, attempt, inside, outside};

#[test]
fn p_f2_content_outside_cannot_be_changed() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        let path = token.path().display();
        attempt(
            &site,
            &format!("echo x > {path}; echo x >> {path}; rm -f {path}; mv {path} x; truncate -s 0 {path}"),
        );
        attempt(&site, &format!("cd {}; touch new; mkdir d; ln -s x l", site.home().display()));
        assert!(token.is_intact());
        assert!(!site.home().join("new").exists() && !site.home().join("d").exists());
    });
}

#[test]
fn p_f3_a_link_in_the_project_reads_nothing_outside() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        let path = token.path().display().to_string();
        assert_keeps(
            &site,
            token.secret(),
            &format!("ln -sf {path} l; cat l; ln {path} h; cat h; rm -f l h"),
        );
    });
}

#[test]
fn p_f4_a_process_of_the_host_leads_nowhere() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let (token, process) = (SecretFile::new(&site), Process::start(&site));
        let (path, pid) = (token.path().display(), process.pid());
        let script = format!("cat /proc/{pid}/root{path}; cat /proc/1/root{path}; cat /proc/self/root{path}");
        assert_keeps(&site, token.secret(), &script);
    });
}

#[test]
fn p_f5_a_handle_opens_nothing() {
    refused("raw open_by_handle_at -100 hex:0800000001000000aaaaaaaaaaaaaaaa 0");
}

#[test]
fn p_f6_what_is_written_beside_the_project_goes_with_the_run() {
    for_each_caller(|caller| {
        let (site, mark) = (Site::new(caller), secret());
        let script = format!(
            "echo {mark} > ~/{mark}; echo {mark} > $TMPDIR/{mark}; ls ~ $TMPDIR; touch /tmp/{mark} /dev/shm/{mark}"
        );
        attempt(&site, &script).expect_stdout(&mark);
        for place in [site.home(), "/tmp".into(), "/dev/shm".into()] {
            assert!(!place.join(&mark).exists(), "{}", place.display());
        }
        clearing_tests::assert_nothing_left(&site);
    });
}

#[test]
fn p_f7_p_n5_nothing_is_mounted() {
    refused("raw mount 0 str:/ 0 4128 0");
    refused("raw mount str:x str:/ str:tmpfs 0 0");
    refused("raw fsopen str:tmpfs 0");
    refused("raw chroot str:/");
}

#[test]
fn p_f9_p_w3_no_socket_of_the_host_is_reached() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let path = PathSocket::listen(&site, &site.home().join("socket"));
        let name = AbstractSocket::listen();
        for (line, reached) in [
            (path.path().display().to_string(), &(|| path.was_reached()) as &dyn Fn() -> bool),
            (format!("@{}", name.name()), &|| name.was_reached()),
        ] {
            assert_eq!(inside(&site, &["connect-unix", &line]), "-1 EPERM");
            assert!(!reached());
            assert_eq!(outside(&site, &["connect-unix", &line]), "0 ok", "control");
            assert!(reached(), "control");
        }
    });
}

#[test]
fn p_d2_no_device_is_made_or_opened() {
    refused("raw mknod str:node 8576 259");
    refused("raw renameat2 -100 str:probe -100 str:other 4");
    refused("open /dev/kmsg r");
    refused("open /dev/mem r");
}

#[test]
fn p_h2_a_secret_of_the_environment_does_not_come_in() {
    for_each_caller(|caller| {
        let (site, hidden) = (Site::new(caller), secret());
        let output = site.run(["env"]).env("SECRET_TOKEN", &hidden).env("LD_LIBRARY_PATH", &hidden).output();
        output.expect_code(0).expect_stdout("PATH=");
        assert!(!output.stdout.contains(&hidden), "{output}");
    });
}

#[test]
fn p_i1_shared_memory_of_the_host_is_out_of_reach() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let memory = SystemVMemory::make(&site);
        assert_eq!(inside(&site, &["shm-read", &memory.id().to_string()]), "-1 ENOSYS");
        assert!(memory.is_intact());
    });
}

#[test]
fn p_p2_a_process_of_the_host_is_not_touched() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let mut process = Process::start(&site);
        let pid = process.pid().to_string();
        for line in [["raw", "kill", &pid, "9"], ["raw", "tkill", &pid, "9"]] {
            assert!(inside(&site, &line).starts_with("-1 E"), "{line:?}");
        }
        for line in [["trace", "attach", &pid], ["trace", "seize", &pid]] {
            assert!(inside(&site, &line).starts_with("-1 E"), "{line:?}");
        }
        for line in [
            vec!["raw", "sched_setaffinity", &pid, "8", "u64:1"],
            vec!["raw", "sched_setscheduler", &pid, "5", "u64:0"],
            vec!["raw", "sched_setparam", &pid, "u64:0"],
            vec!["raw", "setpriority", "0", &pid, "5"],
        ] {
            assert!(inside(&site, &line).starts_with("-1 E"), "{line:?}");
        }
        // The kernel calls it a success when nobody may be signalled; nobody outside is.
        site.run(["./probe", "raw", "kill", "-1", "9"]).output();
        assert!(process.is_alive());
        assert_eq!(outside(&site, &["raw", "kill", &pid, "0"]), "0 ok", "control");
    });
}

#[test]
fn p_p5_nothing_of_sys_is_opened() {
    refused("open /sys/kernel/mm r");
    refused("open /sys/fs/cgroup/cgroup.procs w");
    refused("open /proc/sys/kernel/core_pattern w");
}

#[test]
fn p_s1_p_s3_p_s6_the_filter_is_on_for_every_task() {
    for_each_caller(|caller| {
        let site = armed(caller);
        for context in ["thread", "session", "orphan", "memfd"] {
            let answer = inside(&site, &["within", context, "raw", "unshare", "268435456"]);
            assert!(answer.starts_with("-1 E"), "{context}: {answer}");
        }
    });
    for call in
        ["raw bpf 0 0 0", "raw perf_event_open 0 0 0 0 0", "raw userfaultfd 0", "raw syslog 3 buf:64 64"]
    {
        refused(call);
    }
}

#[test]
fn p_t1_nothing_is_typed_into_a_terminal() {
    refused("raw ioctl 0 0x5412 str:x");
    refused("raw ioctl 0 0x100005412 str:x");
}

#[test]
fn p_w1_p_w2_p_w4_nothing_of_a_network_is_reached() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let (tcp, udp) =
            (TcpPort::listen("127.0.0.1").expect("tcp"), UdpPort::listen("127.0.0.1").expect("udp"));
        let port = |address: std::net::SocketAddr| address.port().to_string();
        assert_eq!(inside(&site, &["connect", "127.0.0.1", &port(tcp.address())]), "-1 EPERM");
        assert_eq!(inside(&site, &["send", "127.0.0.1", &port(udp.address())]), "-1 EPERM");
        assert!(!tcp.was_reached() && !udp.was_reached());
        assert_eq!(outside(&site, &["connect", "127.0.0.1", &port(tcp.address())]), "0 ok", "control");
        assert!(tcp.was_reached(), "control");
    });
}

#[test]
fn p_w5_p_w6_p_w7_there_is_no_socket_of_any_kind() {
    for family in ["1", "2", "10", "16", "17", "38", "40"] {
        refused(&format!("raw socket {family} 2 0"));
    }
    refused("raw socketpair 1 2 0 buf:8");
}

#[test]
fn p_c2_p_c3_the_command_is_not_root_and_cannot_be() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let script = "id -u; chmod 4755 probe; ./probe ids; ./probe raw setuid 0; ./probe raw setgroups 0 0";
        let output = attempt(&site, script);
        assert_ne!(output.stdout.lines().next(), Some("0"), "{output}");
        assert!(!output.stdout.split_whitespace().any(|word| word == "0"), "{output}");
        assert_eq!(output.stdout.matches("-1 E").count(), 2, "{output}");
        if caller == Caller::Ordinary {
            assert!(output.stdout.starts_with(&caller.uid().to_string()), "{output}");
        }
    });
}

#[test]
fn p_e2_p_e3_a_killed_supervisor_leaves_nothing_after_the_next_command() {
    use nix::sys::signal::Signal;
    for_each_caller(|caller| {
        let (site, mark) = (Site::new(caller), secret());
        let running = site.run(["sh", "-c", "touch started; sleep 30; true", &mark]).spawn();
        let started = || {
            let runs = std::fs::read_dir(site.state().join("runs")).into_iter().flatten().flatten();
            runs.into_iter().any(|run| run.path().join("project.copy/started").exists())
        };
        let waited = (0..3000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            started()
        });
        assert!(waited, "the command began");
        running.signal(Signal::SIGKILL);
        drop(running);
        crate::marked::expect_gone(&mark, std::time::Duration::from_secs(5));
        site.run(["true"]).output().expect_code(0);
        clearing_tests::assert_nothing_left(&site);
    });
}

/// A call of the probe's, its words parted by spaces, that must fail.
#[track_caller]
fn refused(line: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let answer = inside(&site, &line.split(' ').collect::<Vec<_>>());
        assert!(answer.starts_with("-1 E"), "{line}: {answer}");
    });
}
