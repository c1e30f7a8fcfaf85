//! P-C2: the payload is never the host's root; setuid/setgroups don't work; no extra groups where the
//! caller is root. An ordinary user keeps the caller's groups, unmapped.

use std::fs;
use std::time::{Duration, Instant};

use clearing_tests::{Caller, DEADLINE, Site, for_each_caller};

use crate::attack::{armed, attempt, control, in_namespaces, inside, outside};

#[test]
fn the_command_is_not_root_inside() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let ids = inside(&site, &["ids"]);
        assert!(ids.split(' ').all(|id| id != "0"), "{ids}");
        if caller == Caller::Root {
            assert_eq!(outside(&site, &["ids"]), "0 0 0 0 0 0", "control");
        }
    });
}

#[test]
fn the_command_is_not_root_as_the_host_sees_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mark = clearing_tests::decoys::secret();
        let running = site.run(["sh", "-c", "sleep 60; true", &mark]).spawn();
        let status = status_of(&mark);
        drop(running);
        let expected = match caller {
            Caller::Root => 524_288..=u32::MAX - 1,
            Caller::Ordinary => caller.uid()..=caller.uid(),
        };
        for field in ["Uid:", "Gid:"] {
            let ids = ids_of(&status, field);
            assert_eq!(ids.len(), 4, "{status}");
            assert!(ids.iter().all(|id| expected.contains(id)), "{status}");
        }
    });
}

#[test]
fn root_s_further_groups_are_dropped() {
    if !Caller::all().contains(&Caller::Root) {
        return clearing_tests::skip("an ordinary caller keeps the caller's groups");
    }
    let site = Site::new(Caller::Root);
    let mark = clearing_tests::decoys::secret();
    let groups = ["setpriv", "--groups", "4,5,6", "--"];
    let running = site.run(["sh", "-c", "sleep 60; true", &mark]).through(groups).spawn();
    let status = status_of(&mark);
    drop(running);
    assert!(ids_of(&status, "Groups:").iter().all(|id| *id >= 524_288), "{status}");
    assert!(
        control(&site, "setpriv --groups 4,5,6 -- cat /proc/self/status").contains("Groups:\t4 5 6"),
        "control"
    );
}

#[test]
fn nobody_of_the_host_is_mapped_but_the_caller_who_is_not_root() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for map in ["uid_map", "gid_map"] {
            let output = attempt(&site, &format!("cat /proc/self/{map}"));
            let lines: Vec<_> = output.stdout.lines().collect();
            assert_eq!(lines.len(), 2, "one line, and the end: {output}");
            let map: Vec<_> = lines[0].split_whitespace().collect();
            assert_eq!(map.len(), 3, "{output}");
            let numbers: Vec<u32> = map.iter().filter_map(|word| word.parse().ok()).collect();
            match caller {
                // A range of its own, far above anybody of the host's.
                Caller::Root => assert!(numbers[1] >= 524_288, "{output}"),
                Caller::Ordinary => assert_eq!(numbers[1..], [caller.uid(), 1], "{output}"),
            }
        }
    });
}

#[test]
fn the_map_cannot_be_written_again() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script =
            "for f in uid_map gid_map setgroups; do echo '0 0 1' > /proc/self/$f && echo written; done";
        let output = attempt(&site, script);
        assert!(!output.stdout.contains("written"), "{output}");
    });
}

#[test]
fn no_call_makes_the_command_root() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let all =
            ["setuid 0", "setgid 0", "setreuid 0 0", "setregid 0 0", "setresuid 0 0 0", "setresgid 0 0 0"];
        for call in all {
            let line = format!("raw {call}");
            let line: Vec<_> = line.split(' ').collect();
            // Not mapped is EINVAL, mapped to somebody else than the host's root is EPERM.
            let answer = inside(&site, &line);
            assert!(["-1 EINVAL", "-1 EPERM"].contains(&answer.as_str()), "{call}: {answer}");
            assert_eq!(in_namespaces(&site, &line), "0 ok", "control: {call}");
        }
    });
}

#[test]
fn the_user_of_the_file_system_cannot_be_changed() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let mine = inside(&site, &["raw", "setfsuid", "-1"]);
        let script = "./probe raw setfsuid 0; cat /proc/self/status | grep Uid";
        let output = attempt(&site, script);
        let own = mine.trim_end_matches(" ok");
        output.expect_stdout(&format!("Uid:\t{own}\t{own}\t{own}\t{own}\n"));
    });
}

#[test]
fn groups_cannot_be_set() {
    for_each_caller(|caller| {
        let site = armed(caller);
        assert_eq!(inside(&site, &["raw", "setgroups", "0", "null"]), "-1 EPERM");
        if caller == Caller::Root {
            assert_eq!(outside(&site, &["raw", "setgroups", "0", "null"]), "0 ok", "control");
        }
    });
}

#[test]
fn a_file_cannot_be_given_to_root() {
    for_each_caller(|caller| {
        let site = armed(caller);
        site.write("file", "contents");
        let line = ["raw", "chown", "str:file", "0", "0"];
        assert!(inside(&site, &line).starts_with("-1 E"));
        if caller == Caller::Root {
            assert_eq!(outside(&site, &line), "0 ok", "control");
        }
    });
}

#[test]
fn files_of_root_are_nobody_s() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "stat -c %u /usr/bin/env");
        assert!(!output.stdout.starts_with("0\n"), "{output}");
        assert!(control(&site, "stat -c %u /usr/bin/env").starts_with("0\n"), "control");
    });
}

#[test]
fn substitute_user_programs_give_nothing() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "su -c 'echo became root' </dev/null; sudo -n echo became root; setpriv --reuid 0 echo became root";
        let output = attempt(&site, script);
        assert!(!output.stdout.contains("became root"), "{output}");
        if caller == Caller::Root {
            assert!(control(&site, "setpriv --reuid 0 echo became root").contains("became"), "control");
        }
    });
}

/// The host's record of the process whose command line ends with `mark`.
fn status_of(mark: &str) -> String {
    let end = Instant::now() + DEADLINE;
    while Instant::now() < end {
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            if line.starts_with("sh\0") && line.trim_end_matches('\0').ends_with(mark) {
                return fs::read_to_string(entry.path().join("status")).unwrap_or_default();
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the command is not seen from outside");
}

fn ids_of(status: &str, field: &str) -> Vec<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let ids = line.unwrap_or_default().split_whitespace();
    ids.filter_map(|id| id.parse().ok()).collect()
}
