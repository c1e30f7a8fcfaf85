//! P-D2: no device node can be made or opened.

use clearing_tests::{Caller, for_each_caller, skip};

use crate::attack::{Call, armed, attempt, control, inside, outside};

#[test]
fn a_character_device_cannot_be_made() {
    // 1:5 is /dev/zero
    Call::raw("mknod str:node 0x2190 0x105").control_as_root().expect_refusal("EPERM");
}

#[test]
fn a_block_device_cannot_be_made() {
    Call::raw("mknod str:node 0x6190 0xfe00").control_as_root().expect_refusal("EPERM");
}

#[test]
fn a_device_cannot_be_made_beside_a_descriptor() {
    Call::raw("mknodat -100 str:node 0x2190 0x105").control_as_root().expect_refusal("EPERM");
}

#[test]
fn a_whiteout_cannot_be_forged() {
    // Device 0:0 needs no right on the bare host, and means "deleted" to an overlay.
    Call::raw("mknod str:node 0x2000 0").expect_refusal("EPERM");
}

#[test]
fn a_whiteout_cannot_be_forged_with_high_bits_in_its_mode() {
    Call::raw("mknodat -100 str:node 0x100002000 0").expect_refusal("EPERM");
}

#[test]
fn a_whiteout_cannot_be_left_by_a_rename() {
    // RENAME_WHITEOUT needs CAP_MKNOD on the bare host as well, but in one's own user namespace.
    for_each_caller(|caller| {
        let site = armed(caller);
        site.write("file", "contents");
        let line = ["raw", "renameat2", "-100", "str:file", "-100", "str:moved", "4"];
        assert!(inside(&site, &line).starts_with("-1 E"));
    });
}

#[test]
fn a_named_pipe_can_still_be_made() {
    for_each_caller(|caller| {
        let site = armed(caller);
        assert_eq!(inside(&site, &["raw", "mknod", "str:pipe", "0x1180", "0"]), "0 ok");
    });
}

#[test]
fn a_device_lying_in_the_project_cannot_be_opened() {
    if !Caller::all().contains(&Caller::Root) {
        return skip("only root can put a device into a project");
    }
    for_each_caller(|caller| {
        let site = armed(caller);
        let root = armed(Caller::Root);
        let node = site.project().join("node");
        let made = outside(&root, &["raw", "mknod", &format!("str:{}", node.display()), "0x21b6", "0x105"]);
        assert_eq!(made, "0 ok", "root makes a device");
        site.own(&node);
        control(&root, &format!("chmod 666 {}", node.display()));
        assert_eq!(inside(&site, &["open", "node", "r"]), "-1 EACCES");
        let bare = outside(&site, &["open", "node", "r"]);
        if bare == "-1 EACCES" {
            return skip("control: the project's file system takes no devices (nodev)");
        }
        assert!(bare.ends_with("ok"), "control: {bare}");
    });
}

#[test]
fn the_usual_tool_cannot_make_a_device() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let output = attempt(&site, "mknod node c 1 3; mknod white c 0 0; ls node white 2>/dev/null");
        assert_eq!(output.stdout.lines().count(), 1, "{output}");
        assert!(control(&site, "mknod white c 0 0; ls white").contains("white"), "control");
    });
}
