//! P-P5: `/sys` is absent or read-only; no cgroup file is writable; no debugfs, tracefs, efivars.

use clearing_tests::{Caller, Site, for_each_caller};

use crate::attack::{armed, attempt, control, inside, outside};

#[test]
fn sys_is_not_there() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "ls -A /sys 2>/dev/null");
        assert_eq!(output.stdout.lines().count(), 1, "{output}");
        assert!(control(&site, "ls -A /sys").contains("kernel"), "control");
    });
}

#[test]
fn no_file_system_of_the_kernel_is_mounted() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let kinds = [
            "sysfs",
            "cgroup",
            "debugfs",
            "tracefs",
            "securityfs",
            "efivarfs",
            "configfs",
            "pstore",
            "bpf",
            "fusectl",
            "binfmt_misc",
            "nsfs",
            "hugetlbfs",
            "selinuxfs",
        ];
        let output = attempt(&site, "cat /proc/self/mountinfo");
        for kind in kinds {
            let mounted = format!(" - {kind}");
            assert!(!output.stdout.contains(&mounted), "{kind}: {output}");
        }
        assert!(control(&site, "cat /proc/self/mountinfo").contains(" - sysfs"), "control");
    });
}

#[test]
fn no_cgroup_can_be_made() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "mkdir /sys/fs/cgroup/escape /sys/fs/cgroup/*/escape && echo success";
        let output = attempt(&site, script);
        assert!(!output.stdout.contains("success"), "{output}");
        assert!(!std::path::Path::new("/sys/fs/cgroup/escape").exists());
    });
}

#[test]
fn no_file_of_a_cgroup_can_be_opened_for_writing() {
    for_each_caller(|caller| {
        let site = armed(caller);
        for file in ["cgroup.procs", "release_agent", "unified/cgroup.procs", "memory/cgroup.procs"] {
            let path = format!("/sys/fs/cgroup/{file}");
            assert_eq!(inside(&site, &["open", &path, "w"]), "-1 ENOENT", "{file}");
        }
        let known = ["/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory/cgroup.procs"];
        if caller == Caller::Root {
            let opened = |path: &&str| outside(&site, &["open", path, "w"]).ends_with("ok");
            assert!(known.iter().any(opened), "control");
        }
    });
}

#[test]
fn the_cgroup_of_the_host_is_not_named() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "cat /proc/self/cgroup");
        for line in output.stdout.lines().filter(|line| line.contains(':')) {
            assert!(line.ends_with(":/"), "{output}");
        }
    });
}
