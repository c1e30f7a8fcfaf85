//! P-M2: commit brings no link that leads out of the workspace.

use clearing_tests::{Site, for_each_caller};

use crate::hands::{exists, expect_withheld};

#[test]
fn no_link_that_leads_out_lands() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("d/file", "x");
        let script = "ln -s /etc/passwd absolute; ln -s ../../x d/up; ln -s /proc/self/root proc
            ln -s proc/etc through; ln -s d/../../x wild; ln -s d/file inside; ln -s ../fine d/fine";
        expect_withheld(&site, script, "CLR-COMMIT-LINK", &["absolute", "d/up", "proc", "through", "wild"]);
        for path in ["absolute", "d/up", "proc", "through", "wild"] {
            assert!(!exists(&site, path), "{path}");
        }
        assert!(exists(&site, "inside") && exists(&site, "d/fine"));
    });
}
