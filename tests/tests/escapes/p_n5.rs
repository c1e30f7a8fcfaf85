//! P-N5: no mount of any kind: old API, new API, proc, tmpfs, bind, overlay, fuse, cgroup.

use std::path::Path;

use clearing_tests::{Site, for_each_caller};

use crate::attack::{Call, armed, attempt, control, in_namespaces, inside};

#[test]
fn a_tmpfs_cannot_be_mounted() {
    cannot_be_mounted("str:none str:. str:tmpfs 0 null");
}

#[test]
fn a_new_proc_cannot_be_mounted() {
    // Any answer of the mount code itself shows that the call arrives there.
    cannot_be_mounted("str:none str:. str:proc 0 bad");
}

#[test]
fn a_bind_mount_cannot_be_made() {
    cannot_be_mounted("str:/ str:. null 0x1000 null");
}

#[test]
fn a_recursive_bind_mount_cannot_be_made() {
    cannot_be_mounted("str:/proc str:. null 0x5000 null");
}

#[test]
fn an_overlay_cannot_be_mounted() {
    cannot_be_mounted("str:none str:. str:overlay 0 str:lowerdir=/usr:/etc");
}

#[test]
fn a_fuse_file_system_cannot_be_mounted() {
    cannot_be_mounted("str:none str:. str:fuse 0 str:fd=0,rootmode=40000,user_id=0,group_id=0");
}

#[test]
fn a_cgroup_hierarchy_with_a_release_agent_cannot_be_mounted() {
    // CVE-2022-0492. The control names an option that no kernel knows.
    for_each_caller(|caller| {
        let site = armed(caller);
        let line = ["raw", "mount", "str:none", "str:.", "str:cgroup", "0", "str:rdma,release_agent=/x"];
        assert_eq!(inside(&site, &line), "-1 EPERM");
        let other = ["raw", "mount", "str:none", "str:.", "str:no-such-file-system", "0", "null"];
        assert_eq!(in_namespaces(&site, &other), "-1 ENODEV", "control");
    });
}

#[test]
fn terminals_cannot_be_mounted_anew() {
    cannot_be_mounted("str:none str:. str:devpts 0 str:newinstance");
}

#[test]
fn message_queues_cannot_be_mounted() {
    cannot_be_mounted("str:none str:. str:mqueue 0 null");
}

#[test]
fn a_mount_cannot_be_moved() {
    cannot_be_mounted("bad str:. null 0x2000 null");
}

#[test]
fn odd_high_bits_do_not_get_a_mount_through() {
    cannot_be_mounted("str:none str:. str:tmpfs 0x100000000 null");
}

#[test]
fn a_file_system_cannot_be_opened_by_the_new_way() {
    Call::raw("fsopen str:tmpfs 0").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_file_system_cannot_be_configured() {
    Call::raw("fsconfig -1 6 null null 0").expect_refusal("EPERM");
}

#[test]
fn a_file_system_cannot_be_made_a_mount() {
    Call::raw("fsmount -1 0 0").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_mounted_file_system_cannot_be_picked() {
    Call::raw("fspick -100 bad 0").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_tree_cannot_be_cloned() {
    Call::raw("open_tree -100 str:/ 1").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_tree_cannot_be_opened_without_a_clone() {
    Call::raw("open_tree -100 str:/ 0").expect_refusal("EPERM");
}

#[test]
fn a_detached_mount_cannot_be_moved_in() {
    Call::raw("move_mount -1 bad -1 bad 0").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn mounts_of_the_host_cannot_be_listed_by_number() {
    Call::raw("listmount bad bad 0 0").expect_refusal("EPERM");
}

#[test]
fn mounts_of_the_host_are_not_told_by_number() {
    Call::raw("statmount bad bad 0 0").expect_refusal("EPERM");
}

#[test]
fn fuse_has_no_device_and_no_helper_that_works() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "ls /dev/fuse 2>/dev/null; mkdir -p m; fusermount3 m 2>/dev/null && echo mounted";
        let output = attempt(&site, script);
        assert_eq!(output.stdout.lines().count(), 1, "{output}");
        if Path::new("/dev/fuse").exists() {
            assert!(control(&site, "ls /dev/fuse").contains("/dev/fuse"), "control");
        }
    });
}

#[test]
fn the_usual_tool_cannot_mount() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "mkdir -p m; mount -t tmpfs none m && echo mounted";
        let output = attempt(&site, script);
        assert!(!output.stdout.contains("mounted"), "{output}");
        let own = "unshare --user --map-root-user --mount sh -c 'mkdir -p m; mount -t tmpfs none m && echo mounted'";
        assert!(control(&site, own).contains("mounted"), "control");
    });
}

/// The control runs in throw-away namespaces, whose mounts go with it.
#[track_caller]
fn cannot_be_mounted(arguments: &str) {
    Call::raw(&format!("mount {arguments}")).control_in_namespaces().expect_refusal("EPERM");
}
