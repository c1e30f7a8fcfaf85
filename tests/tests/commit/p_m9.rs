//! P-M9: commit is safe against a change of the host's workspace.

use std::fs;

use clearing_tests::{Site, for_each_caller};

use crate::hands::{commit, more, session};

#[test]
fn what_both_sides_changed_is_refused_with_both_named_and_nothing_lands() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for path in ["both", "dir/a", "fine", "gone"] {
            site.write(path, "one\ntwo\nthree\nfour\nfive\n");
        }
        session(&site, "sed -i s/one/ONE/ both; rm -r dir; echo x > fine; rm gone; echo s > made");
        site.write("both", "one\ntwo\nthree\nfour\nFIVE\n");
        site.write("dir/gained", "mine");
        site.write("gone", "changed");
        site.write("made", "mine");
        let before = site.project_tree();
        let (output, report) = commit(&site);
        output.expect_code(1);
        assert_eq!(report["landed"], false);
        let paths: Vec<_> =
            report["conflicts"].as_array().expect("a list").iter().map(|it| it["path"].as_str()).collect();
        for path in ["both", "dir/gained", "gone", "made"] {
            assert!(paths.contains(&Some(path)), "{path}: {report:#}");
        }
        site.project_tree().expect_same_as(&before);
        let merged = site.clearing(["commit", "s", "--merge", "--yes"]).output();
        merged.expect_code(1);
        assert_eq!(
            fs::read_to_string(site.project().join("both")).expect("there"),
            "ONE\ntwo\nthree\nfour\nFIVE\n"
        );
        assert_eq!(fs::read_to_string(site.project().join("made")).expect("there"), "mine");
        assert_eq!(fs::read_to_string(site.project().join("dir/gained")).expect("there"), "mine");
        assert_eq!(fs::read_to_string(site.project().join("fine")).expect("there"), "x\n");
    });
}

#[test]
fn a_session_goes_on_after_its_commit_and_the_callers_later_work_is_his() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("file", "1");
        session(&site, "echo 2 > file; mkdir made; echo x > made/x");
        commit(&site).0.expect_code(0);
        site.write("made/mine", "mine");
        more(&site, "echo 3 > file; echo y > made/y");
        commit(&site).0.expect_code(0);
        for (path, text) in [("file", "3\n"), ("made/x", "x\n"), ("made/y", "y\n"), ("made/mine", "mine")] {
            assert_eq!(fs::read_to_string(site.project().join(path)).expect("there"), text, "{path}");
        }
    });
}

#[test]
fn dry_run_and_discard_leave_the_project_as_it_is() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("file", "1");
        session(&site, "echo 2 > file");
        let before = site.project_tree();
        let dry = site.clearing(["commit", "s", "--dry-run"]).output();
        dry.expect_code(0);
        assert!(dry.stderr.contains("would land: 0 made, 1 changed"), "{dry}");
        site.clearing(["discard", "s", "--yes"]).output().expect_code(0);
        let (output, report) = commit(&site);
        output.expect_code(0);
        assert_eq!(report["landed"], false);
        site.project_tree().expect_same_as(&before);
    });
}
