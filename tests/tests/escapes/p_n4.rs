//! P-N4: the host's namespaces can't be joined, by a file of `/proc` or by a pidfd.

use clearing_tests::decoys::Process;
use clearing_tests::{Site, for_each_caller};

use crate::attack::{Call, armed, attempt, control, in_namespaces, inside, outside};

#[test]
fn a_namespace_cannot_be_joined_by_its_file() {
    Call::raw("setns file:/proc/self/ns/uts 0").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn namespaces_cannot_be_joined_by_a_pidfd() {
    Call::raw("setns pidfd:self 0x4000000").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn joining_with_high_bits_is_refused() {
    Call::raw("setns -1 0x100000000").expect_refusal("EPERM");
}

#[test]
fn the_namespaces_of_init_have_no_file_to_open() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let process = Process::start(&site);
        for kind in ["mnt", "net", "pid", "user", "uts", "ipc", "cgroup"] {
            let answer = inside(&site, &["open", &format!("/proc/1/ns/{kind}"), "r"]);
            assert!(answer.starts_with("-1 E"), "{kind}: {answer}");
            let path = format!("/proc/{}/ns/{kind}", process.pid());
            assert!(outside(&site, &["open", &path, "r"]).ends_with("ok"), "control");
        }
    });
}

#[test]
fn the_user_namespace_above_cannot_be_opened() {
    // NS_GET_USERNS from the own user namespace
    for_each_caller(|caller| {
        let site = armed(caller);
        let line = ["raw", "ioctl", "file:/proc/self/ns/user", "0xb701", "0"];
        assert_eq!(inside(&site, &line), "-1 EPERM");
        let below = ["raw", "ioctl", "file:/proc/self/ns/uts", "0xb701", "0"];
        assert!(in_namespaces(&site, &below).ends_with("ok"), "control");
    });
}

#[test]
fn the_pid_namespace_above_cannot_be_opened() {
    // NS_GET_PARENT
    for_each_caller(|caller| {
        let site = armed(caller);
        let line = ["raw", "ioctl", "file:/proc/self/ns/pid", "0xb702", "0"];
        assert_eq!(inside(&site, &line), "-1 EPERM");
    });
}

#[test]
fn a_pidfd_of_init_hands_out_no_namespace() {
    // PIDFD_GET_MNT_NAMESPACE and PIDFD_GET_USER_NAMESPACE
    for_each_caller(|caller| {
        let site = armed(caller);
        for request in ["0xff03", "0xff09"] {
            let answer = inside(&site, &["raw", "ioctl", "pidfd:1", request, "0"]);
            assert!(answer.starts_with("-1 E"), "{request}: {answer}");
        }
        let process = Process::start(&site).pid();
        assert!(process > 1);
    });
}

#[test]
fn the_usual_tool_cannot_join_a_namespace() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "nsenter --target 1 --mount --pid --user echo joined";
        let output = attempt(&site, script);
        assert!(!output.stdout.contains("joined"), "{output}");
        let own = "unshare --user --map-root-user nsenter --user=/proc/self/ns/user echo joined || unshare --user --map-root-user --uts nsenter --uts=/proc/self/ns/uts echo joined";
        assert!(control(&site, own).contains("joined"), "control");
    });
}
