//! P-F5: file handles don't open anything.

use clearing_tests::decoys::SecretFile;
use clearing_tests::{Caller, for_each_caller};

use crate::attack::{Call, armed, inside, outside};

#[test]
fn the_handle_of_a_file_outside_opens_nothing() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let token = SecretFile::new(&site);
        let path = token.path().to_str().expect("text");
        let handle = outside(&site, &["handle-make", path]);
        assert!(!handle.starts_with('-'), "control: {handle}");
        for directory in [".", "/usr", "/tmp", "/"] {
            let answer = inside(&site, &["handle-open", directory, &handle]);
            assert_eq!(answer, "-1 EPERM", "{directory}");
        }
        if caller == Caller::Root {
            let answer = outside(&site, &["handle-open", ".", &handle]);
            assert!(answer.ends_with("ok"), "control: {answer}");
        }
    });
}

#[test]
fn the_handle_of_a_host_s_root_directory_opens_nothing() {
    // The classic walk out of a container: inode 2 is the root of an ext4.
    Call::probe("handle-open . 08000000010000000200000000000000").control_as_root().expect_refusal("EPERM");
}

#[test]
fn a_handle_made_inside_opens_nothing() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let handle = inside(&site, &["handle-make", "/usr/lib/os-release"]);
        if handle.starts_with('-') {
            return;
        }
        let answer = inside(&site, &["handle-open", "/usr", &handle]);
        assert_eq!(answer, "-1 EPERM");
    });
}

#[test]
fn a_namespace_has_no_handle_that_opens() {
    // FD_NSFS_ROOT: since Linux 6.18 namespaces are opened by number, without /proc. Earlier ones refuse
    // everybody but root before they look at the number.
    Call::probe("handle-namespace -10003").control_as_root().expect_refusal("EPERM");
}

#[test]
fn a_process_has_no_handle_that_opens() {
    // FD_PIDFS_ROOT
    Call::probe("handle-namespace -10002").control_as_root().expect_refusal("EPERM");
}
