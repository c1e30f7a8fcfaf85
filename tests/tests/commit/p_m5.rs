//! P-M5: what git runs can't be changed through a run; git's own work lands.

use std::fs;

use clearing_tests::{Site, expect_success, for_each_caller};

use crate::hands::{exists, expect_withheld, more, session};

fn repository(site: &Site) {
    site.write("file", "one\n");
    let script = "git init -q -b main . && git config user.name A && git config user.email a@example.org
        git add file && git commit -qm one";
    expect_success(site.host("sh").args(["-ec", script]));
}

#[test]
fn hooks_config_and_attributes_do_not_land() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        repository(&site);
        let config = fs::read_to_string(site.project().join(".git/config")).expect("a config");
        let script = "echo '#!/bin/sh' > .git/hooks/pre-commit; git config core.fsmonitor ./evil
            mkdir -p .git/info .git/modules/x; echo '* filter=evil' > .git/info/attributes
            echo x > .git/modules/x/config; echo x > .git/config.worktree; mkdir -p .git/objects/info
            echo /etc > .git/objects/info/alternates; ln -s ../../evil .git/refs/link";
        let paths = [
            ".git/hooks/pre-commit",
            ".git/config",
            ".git/info/attributes",
            ".git/modules/x/config",
            ".git/config.worktree",
            ".git/objects/info/alternates",
            ".git/refs/link",
        ];
        expect_withheld(&site, script, "CLR-COMMIT-GIT", &paths);
        assert_eq!(fs::read_to_string(site.project().join(".git/config")).expect("a config"), config);
        assert!(!exists(&site, ".git/hooks/pre-commit") && !exists(&site, ".git/info/attributes"));
    });
}

#[test]
fn a_repository_is_not_replaced() {
    let ways = [
        ("rm -r .git; git init -q", ".git/refs/heads/main"),
        ("rm -r .git; echo 'gitdir: evil' > .git", ".git"),
        ("rm -r .git; ln -s evil .git", ".git"),
        ("rm -r .git", ".git"),
    ];
    for (replace, path) in ways {
        for_each_caller(|caller| {
            let site = Site::new(caller);
            repository(&site);
            expect_withheld(&site, replace, "CLR-COMMIT-GIT", &[path]);
            let log = expect_success(site.host("git").args(["log", "--format=%s"]));
            assert_eq!(log, "one\n", "{replace}");
            expect_success(site.host("git").args(["fsck", "--strict"]));
        });
    }
}

#[test]
fn a_commit_of_git_lands() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        repository(&site);
        session(&site, "echo two >> file; git commit -qam two; git branch other; git gc -q");
        site.clearing(["commit", "s"]).output().expect_code(0);
        assert_eq!(expect_success(site.host("git").args(["log", "--format=%s"])), "two\none\n");
        assert_eq!(expect_success(site.host("git").args(["status", "--porcelain"])), "");
        expect_success(site.host("git").args(["fsck", "--strict"]));
    });
}

#[test]
fn what_git_writes_outside_of_a_linked_worktree_is_told_by_diff_and_commit() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        // The project is the worktree; its repository lies beside it.
        let script = "cd .. && git init -q -b main main && cd main && git config user.name A &&
            git config user.email a@example.org && echo one > file && git add file && git commit -qm one &&
            git worktree add -q -b other ../project";
        expect_success(site.host("sh").args(["-ec", script]));
        session(&site, "cat file");
        let silent = site.clearing(["diff", "s"]).output();
        assert!(!silent.expect_code(0).stderr.contains("git directory"), "{silent}");
        more(&site, "echo two > file; git commit -qam two");
        for verb in [&["diff", "s"][..], &["commit", "s", "--dry-run"], &["commit", "s", "--yes"]] {
            let output = site.clearing(verb).output();
            output.expect_code(0).expect_stderr("lies outside of the project").expect_stderr("main/.git`");
        }
        assert_eq!(fs::read_to_string(site.project().join("file")).expect("it landed"), "two\n");
        // A run whose changes should all land is kept for the sake of these.
        let run = site.run(["sh", "-ec", "echo three > file; git commit -qam three"]);
        run.args(["--commit", "always"]).output().expect_code(0).expect_stderr("kept as session");
    });
}
