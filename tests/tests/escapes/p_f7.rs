//! P-F7: read-only mounts can't be remounted, masks can't be taken off, chroot doesn't lead out.

use clearing_tests::Site;
use clearing_tests::for_each_caller;

use crate::attack::{Call, attempt};

#[test]
fn a_read_only_mount_cannot_be_remounted() {
    // MS_REMOUNT | MS_BIND
    Call::raw("mount null str:/usr null 0x1020 null").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn the_root_cannot_be_remounted() {
    Call::raw("mount null str:/ null 0x1020 null").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn propagation_of_the_root_cannot_be_changed() {
    // MS_SHARED | MS_REC
    Call::raw("mount null str:/ null 0x104000 null").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn attributes_of_a_mount_cannot_be_set() {
    Call::raw("mount_setattr -100 str:/ 0 u64:1,0,0,0 32").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn attributes_cannot_be_set_by_the_newest_call() {
    Call::raw("open_tree_attr -100 str:/ 1 u64:0,1,0,0 32").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_mask_cannot_be_taken_off() {
    Call::raw("umount2 str:/proc/sys 2").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn the_root_cannot_be_unmounted() {
    Call::raw("umount2 bad 2").expect_refusal("EPERM");
}

#[test]
fn the_root_cannot_be_changed_to_a_directory_inside() {
    Call::raw("chroot str:.").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn the_root_cannot_be_changed_to_a_descriptor() {
    Call::raw("chroot str:/proc/self/cwd").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn the_root_cannot_be_pivoted() {
    Call::raw("pivot_root bad bad").control_in_namespaces().expect_refusal("EPERM");
}

#[test]
fn a_masked_path_cannot_be_moved_away() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "for f in /proc/kcore /proc/keys /proc/sysrq-trigger /proc/timer_list; do
            mv $f /tmp/moved && echo moved; rm -f $f && test ! -e $f && echo gone; done 2>/dev/null";
        let output = attempt(&site, script);
        assert!(!output.stdout.contains("moved"), "{output}");
    });
}

#[test]
fn no_mount_is_writable_but_the_run_s_own() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "cat /proc/self/mountinfo");
        let state = site.state().display().to_string();
        let own = ["overlay", "tmpfs", "proc", "devpts", "mqueue"];
        let writable = output.stdout.lines().filter(|line| {
            let fields: Vec<_> = line.split(' ').collect();
            fields.len() > 8
                && fields[5].starts_with("rw")
                && !is_device(fields[4])
                && !fields[3].starts_with(&state)
        });
        for mount in writable {
            let kind = mount.split(" - ").nth(1).and_then(|rest| rest.split(' ').next());
            assert!(own.contains(&kind.unwrap_or_default()), "{mount}");
        }
    });
}

#[test]
fn no_mount_honours_set_user_id_bits() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "cat /proc/self/mountinfo");
        for mount in output.stdout.lines().filter(|line| line.contains(" - ")) {
            assert!(mount.contains("nosuid"), "{mount}");
        }
    });
}

#[test]
fn nothing_lies_beneath_the_root() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "cat /proc/self/mountinfo");
        let mounts: Vec<&str> = output.stdout.lines().filter(|line| line.contains(" - ")).collect();
        let at_root: Vec<_> = mounts.iter().filter(|line| line.split(' ').nth(4) == Some("/")).collect();
        assert!(matches!(at_root[..], [root] if root.contains(" - tmpfs ")), "{at_root:?}");
        let points: std::collections::BTreeSet<_> =
            mounts.iter().map(|line| line.split(' ').nth(4)).collect();
        assert_eq!(points.len(), mounts.len(), "a mount covers another: {mounts:#?}");
    });
}

/// Devices are bound one by one; writing to them is what they are for.
fn is_device(mount_point: &str) -> bool {
    mount_point.starts_with("/dev/")
}
