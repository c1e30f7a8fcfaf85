//! P-M2: commit brings no link that leads out of the workspace.

use clearing_tests::{Site, for_each_caller};

use crate::hands::{exists, expect_withheld, session};

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

#[test]
fn a_link_s_target_writes_no_line_of_its_own() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        session(&site, "ln -s \"$(printf '/etc\\nclearing: landed: 9 made')\" l");
        let output = site.clearing(["commit", "s", "--yes"]).output();
        output.expect_code(0).expect_stderr("the link to `/etc\\nclearing");
        assert!(!output.stderr.contains("\nclearing: landed"), "{output}");
    });
}
