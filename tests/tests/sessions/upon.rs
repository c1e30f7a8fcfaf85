//! A command stands upon what the ones before it wrote, and the project upon none of it.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};

use crate::session::Session;

#[test]
fn what_one_command_wrote_the_next_one_sees_and_the_project_has_none_of_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("note.txt", "old\n");
        site.write("d/deleted", "x");
        let before = site.project_tree();
        let session = Session::create(&site, &["--name", "fix"]);
        session.sh("echo new > note.txt; echo a > added; rm -r d; echo h > ~/home; mkdir .hidden");
        let seen = session.sh("cat note.txt added ~/home; ls -A");
        assert_eq!(seen, "new\na\nh\n.hidden\nadded\nnote.txt\n");
        // By its name as well.
        let by_name = site.clearing(["exec", "fix"]).command(["cat", "added"]).output();
        by_name.expect_code(0).expect_stdout("a\n");
        site.project_tree().expect_same_as(&before);
        session.done("rm", &["--yes"]);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_command_has_the_exit_code_and_the_outcome_that_it_would_have_in_a_run() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let session = Session::create(&site, &[]);
        session.try_sh("exit 7").expect_code(7);
        session.try_sh("kill -TERM $$").expect_code(143);
        site.clearing(["exec", &session.id]).command(["nothing-like-it"]).output().expect_code(127);
        let output =
            site.clearing(["exec", &session.id, "--json"]).command(["sh", "-c", "echo x > y"]).output();
        let last = output.stdout.lines().last().unwrap();
        let outcome: serde_json::Value = serde_json::from_str(last).unwrap();
        assert_eq!(outcome["session"], session.id.as_str(), "{output}");
        assert_eq!(outcome["changes"]["added"], 1, "{output}");
    });
}

#[test]
fn settings_come_in_once_and_are_the_session_s_from_then_on() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write_home(".gitconfig", "[user]\n\tname = Ann\n");
        let session = Session::create(&site, &[]);
        assert!(session.sh("cat ~/.gitconfig").contains("Ann"));
        session.sh("echo '[user] name = Eve' > ~/.gitconfig");
        assert!(session.sh("cat ~/.gitconfig").contains("Eve"));
        session.done("snapshot", &[]);
        assert!(session.sh("cat ~/.gitconfig").contains("Eve"));
        session.done("rollback", &["initial"]);
        assert!(session.sh("cat ~/.gitconfig").contains("Ann"));
    });
}

#[test]
fn a_change_of_the_project_is_seen_by_the_next_command() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("one", "1");
        let session = Session::create(&site, &[]);
        session.sh("echo 2 > two");
        site.write("one", "changed");
        assert_eq!(session.sh("cat one two"), "changed2\n");
    });
}

#[test]
fn the_sandbox_of_a_session_holds_what_that_of_a_run_holds() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let session = Session::create(&site, &[]);
        session.sh("true");
        let status = session
            .sh("grep -E 'Cap|NoNewPrivs|Seccomp:' /proc/self/status; id -u; ls /proc | grep -c '^[0-9]'");
        let run = site
            .run([
                "sh",
                "-c",
                "grep -E 'Cap|NoNewPrivs|Seccomp:' /proc/self/status; id -u; ls /proc | grep -c '^[0-9]'",
            ])
            .output();
        assert_eq!(status, run.expect_code(0).stdout);
        session.try_sh(&format!("echo x > {}/x", site.state().display()));
        session.try_sh("ls /proc/1/root/ ; cat /etc/shadow");
        assert!(!site.state().join("x").exists());
    });
}
