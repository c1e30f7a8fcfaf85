//! P-C1: no_new_privs is set; no capability in any set, bounding included.

use clearing_tests::{Site, for_each_caller};

use crate::attack::{armed, attempt, control, in_namespaces, inside, outside};

#[test]
fn no_new_privileges_can_be_gained() {
    says("NoNewPrivs:\t1\n");
}

#[test]
fn the_inheritable_set_is_empty() {
    says("CapInh:\t0000000000000000\n");
}

#[test]
fn the_permitted_set_is_empty() {
    says("CapPrm:\t0000000000000000\n");
}

#[test]
fn the_effective_set_is_empty() {
    says("CapEff:\t0000000000000000\n");
}

#[test]
fn the_bounding_set_is_empty() {
    says("CapBnd:\t0000000000000000\n");
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let told = control(&site, "cat /proc/self/status");
        assert!(!told.contains("CapBnd:\t0000000000000000"), "control");
    });
}

#[test]
fn the_ambient_set_is_empty() {
    says("CapAmb:\t0000000000000000\n");
}

#[test]
fn every_process_that_is_seen_is_without_capabilities() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "sleep 1 & (setsid sleep 1 &) ; cat /proc/[0-9]*/status | grep Cap | sort -u | cut -f 2";
        let output = attempt(&site, script);
        let sets: Vec<_> = output.stdout.lines().filter(|line| !line.contains(' ')).collect();
        assert!(sets.iter().all(|set| *set == "0000000000000000"), "{output}");
        assert!(!sets.is_empty(), "{output}");
    });
}

#[test]
fn a_capability_cannot_be_raised() {
    // The third version of the header; CAP_SYS_ADMIN in the effective and permitted sets.
    for_each_caller(|caller| {
        let site = armed(caller);
        let wanted = "hex:000020000000200000000000000000000000000000000000";
        let line = ["raw", "capset", "hex:2205082000000000", wanted];
        assert_eq!(inside(&site, &line), "-1 EPERM");
        assert_eq!(in_namespaces(&site, &line), "0 ok", "control");
    });
}

#[test]
fn an_ambient_capability_cannot_be_raised() {
    // PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW
    for_each_caller(|caller| {
        let site = armed(caller);
        assert_eq!(inside(&site, &["raw", "prctl", "47", "2", "13", "0", "0"]), "-1 EPERM");
    });
}

#[test]
fn no_new_privileges_cannot_be_switched_off() {
    for_each_caller(|caller| {
        let site = armed(caller);
        assert_eq!(inside(&site, &["raw", "prctl", "38", "0", "0", "0", "0"]), "-1 EINVAL");
        assert_eq!(inside(&site, &["raw", "prctl", "39", "0", "0", "0", "0"]), "1 ok");
        assert_eq!(outside(&site, &["raw", "prctl", "39", "0", "0", "0", "0"]), "0 ok", "control");
    });
}

#[test]
fn root_s_old_rights_are_switched_off_and_locked() {
    // NOROOT, NO_SETUID_FIXUP, NO_CAP_AMBIENT_RAISE, each with its lock, and the lock of KEEP_CAPS
    for_each_caller(|caller| {
        let site = armed(caller);
        let answer = inside(&site, &["raw", "prctl", "27"]);
        assert_eq!(answer, format!("{} ok", 0b1110_1111));
        assert_eq!(outside(&site, &["raw", "prctl", "27"]), "0 ok", "control");
    });
}

#[test]
fn root_s_old_rights_cannot_be_switched_on() {
    for_each_caller(|caller| {
        let site = armed(caller);
        assert_eq!(inside(&site, &["raw", "prctl", "28", "0"]), "-1 EPERM");
        assert_eq!(in_namespaces(&site, &["raw", "prctl", "28", "0"]), "0 ok", "control");
    });
}

#[test]
fn capabilities_cannot_be_kept_over_a_change_of_user() {
    // PR_SET_KEEPCAPS
    for_each_caller(|caller| {
        let site = armed(caller);
        assert_eq!(inside(&site, &["raw", "prctl", "8", "1"]), "-1 EPERM");
        assert_eq!(outside(&site, &["raw", "prctl", "8", "1"]), "0 ok", "control");
    });
}

#[track_caller]
fn says(line: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        attempt(&site, "cat /proc/self/status").expect_stdout(line);
        if line.contains("NoNewPrivs") {
            assert!(control(&site, "cat /proc/self/status").contains("NoNewPrivs:\t0"), "control");
        }
    });
}
