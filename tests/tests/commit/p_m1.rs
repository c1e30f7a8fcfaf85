//! P-M1: commit never follows a link.

use std::fs;
use std::os::unix::fs::symlink;

use clearing_tests::{Site, for_each_caller};

use crate::hands::{commit, session};

#[test]
fn a_directory_or_file_that_became_a_link_is_not_written_through() {
    for target in ["../outside", "absolute", "proc"] {
        for_each_caller(|caller| {
            let site = Site::new(caller);
            let outside = site.write_home("outside/file", "safe").parent().expect("a parent").to_owned();
            site.write("d/file", "old");
            session(&site, "echo evil > d/file; echo evil > d/new");
            fs::rename(site.project().join("d"), site.home().join("moved")).expect("moved");
            let absolute = match target {
                "absolute" => outside.clone(),
                "proc" => format!("/proc/self/root{}", outside.display()).into(),
                relative => relative.into(),
            };
            symlink(absolute, site.project().join("d")).expect("a link");
            let (output, report) = commit(&site);
            output.expect_code(1);
            assert!(!report["conflicts"].as_array().expect("a list").is_empty(), "{report:#}");
            assert_eq!(fs::read_to_string(outside.join("file")).expect("there"), "safe");
            assert!(!outside.join("new").exists());
        });
    }
}

#[test]
fn a_hard_link_to_outside_is_not_written_through() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let project = site.write("file", "old");
        let other = site.home().join("other-name");
        fs::hard_link(project, &other).expect("a hard link");
        session(&site, "echo new > file");
        commit(&site).0.expect_code(0);
        assert_eq!(fs::read_to_string(other).expect("there"), "old");
    });
}

#[test]
fn a_project_that_became_a_link_is_refused() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("file", "old");
        session(&site, "echo new > file");
        let moved = site.home().join("moved");
        fs::rename(site.project(), &moved).expect("moved");
        symlink(&moved, site.project()).expect("a link");
        let output = site.clearing(["commit", "s"]).current_dir(site.home()).output();
        output.expect_code(125);
        assert!(output.stderr.contains("link"), "{output}");
        assert_eq!(fs::read_to_string(moved.join("file")).expect("there"), "old");
    });
}
