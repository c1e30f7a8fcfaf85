//! Snapshots, and going back to them.

use clearing_tests::{Site, for_each_caller};

use crate::session::Session;

#[test]
fn a_rollback_gives_the_earlier_view_and_keeps_the_later_one() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("kept", "k");
        let session = Session::create(&site, &[]);
        session.sh("echo one > file; rm kept; mkdir d; echo x > d/x");
        assert_eq!(session.done("snapshot", &["green"]), "green\n");
        session.sh("echo two > file; rm -r d; echo h > ~/later");
        session.verb("rollback", &["green"]).expect_code(0).expect_stderr("kept as before-rollback-1");
        assert_eq!(session.sh("cat file d/x; ls ~ | grep -c later || true"), "one\nx\n0\n");
        session.done("rollback", &["initial"]);
        assert_eq!(session.sh("ls"), "kept\n");
        session.done("rollback", &["before-rollback-1"]);
        assert_eq!(session.sh("cat file ~/later; ls"), "two\nh\nfile\n");
        assert_eq!(session.snapshots()[..3], ["initial", "green", "before-rollback-1"]);
    });
}

#[test]
fn history_tells_what_each_snapshot_changed() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("note", "old");
        let session = Session::create(&site, &[]);
        session.sh("echo a > a; echo b > b; echo new > note");
        session.done("snapshot", &["first"]);
        session.sh("rm a; touch note");
        let history = session.done("history", &["--json"]);
        let steps: Vec<serde_json::Value> =
            history.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told: Vec<_> = steps
            .iter()
            .map(|step| {
                let changes = &step["changes"];
                [&step["name"], &step["upon"], &changes["added"], &changes["modified"], &changes["deleted"]]
                    .map(ToString::to_string)
                    .join(" ")
            })
            .collect();
        assert_eq!(told, [r#""initial" null 0 0 0"#, r#""first" "initial" 2 1 0"#, r#"null "first" 0 0 1"#]);
        session.verb("history", &[]).expect_stdout("+2 ~1 -0");
    });
}

#[test]
fn a_command_that_ends_badly_is_undone_where_the_profile_says_so() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let rules =
            "extends = \"default\"\n[rollback]\non = [\"error\", \"timeout\", \"oom\", \"violation\"]\n";
        let profile = site.write_home("rules.toml", rules);
        let session = Session::create(&site, &["--profile", profile.to_str().unwrap()]);
        session.sh("echo good > file");
        for (script, options) in [
            ("echo bad > file; exit 1", vec![]),
            ("echo bad > file; kill -KILL $$", vec![]),
            ("echo bad > file; sleep 60", vec!["--timeout", "1s"]),
            ("echo bad > file; yes", vec!["--output", "64K"]),
            (
                "echo bad > file; head -c 300M /dev/zero > /dev/shm/x; tail /dev/shm/x",
                vec!["--memory", "64M"],
            ),
        ] {
            let run = site.clearing(["exec", &session.id]).args(options).command(["sh", "-c", script]);
            let output = run.output();
            output.expect_stderr("the session is back at before-exec-");
            assert_eq!(session.sh("cat file"), "good\n", "{output}");
        }
        // What was undone is not lost.
        session.done("rollback", &["rolled-back-1"]);
        assert_eq!(session.sh("cat file"), "bad\n");
    });
}

#[test]
fn snapshots_that_the_profile_does_not_keep_are_forgotten_and_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let rules = "extends = \"default\"\n[rollback]\nmax_snapshots = 2\n";
        let profile = site.write_home("rules.toml", rules);
        let session = Session::create(&site, &["--profile", profile.to_str().unwrap()]);
        for name in ["one", "two", "three"] {
            session.sh(&format!("echo {name} > {name}"));
            session.done("snapshot", &[name]);
        }
        session.try_sh("true").expect_code(0).expect_stderr("the snapshot one is forgotten");
        assert_eq!(session.snapshots(), ["initial", "two", "three"]);
        assert_eq!(session.sh("ls"), "one\nthree\ntwo\n");
    });
}

/// A session that goes back after each failure and keeps one snapshot, which somebody asked for.
fn filled_by_what_was_asked_for(site: &Site) -> Session<'_> {
    let rules = "extends = \"default\"\n[rollback]\non = [\"error\"]\nmax_snapshots = 1\n";
    let profile = site.write_home("rules.toml", rules);
    let session = Session::create(site, &["--profile", profile.to_str().unwrap()]);
    session.sh("echo good > file");
    session.done("snapshot", &["asked"]);
    session
}

/// Has a command fail, and gives the name of what keeps what it left.
fn kept_of_failing(session: &Session<'_>, script: &str) -> String {
    let failed = session.try_sh(&format!("{script}; exit 1"));
    failed.expect_code(1).expect_stderr("the session is back at ");
    let kept = failed.stderr.split("kept as ").nth(1).unwrap();
    kept.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn the_name_of_a_snapshot_that_is_forgotten_never_comes_again() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let session = filled_by_what_was_asked_for(&site);
        let kept = [1, 2, 3].map(|number| kept_of_failing(&session, &format!("echo {number} > file")));
        assert_eq!(kept, ["rolled-back-1", "rolled-back-2", "rolled-back-3"]);
        session.verb("rollback", &["rolled-back-1"]).expect_code(125).expect_stderr("no snapshot");
        assert_eq!(session.sh("cat file"), "good\n");
    });
}

#[test]
fn what_is_told_to_be_kept_is_there_whatever_else_was_asked_for() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let session = filled_by_what_was_asked_for(&site);
        for number in 1..3 {
            let kept = kept_of_failing(&session, &format!("echo {number} > file"));
            assert_eq!(session.snapshots(), ["initial", "asked", &kept]);
            session.done("rollback", &[&kept]);
            assert_eq!(session.sh("cat file"), format!("{number}\n"));
            session.done("rollback", &["asked"]);
        }
        // Without a failure nothing of that goes either.
        let kept = kept_of_failing(&session, "echo 3 > file");
        session.try_sh("cat file").expect_code(0);
        assert_eq!(session.snapshots(), ["initial", "asked", &kept]);
    });
}

#[test]
fn a_snapshot_s_name_is_one_and_taken_once() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let session = Session::create(&site, &[]);
        session.done("snapshot", &["taken"]);
        for name in ["taken", "initial", "a/b", "", "..", "x\ny"] {
            session.verb("snapshot", &["--", name]).expect_code(125);
        }
        session.verb("rollback", &["unknown"]).expect_code(125).expect_stderr("no snapshot `unknown`");
        assert_eq!(session.snapshots(), ["initial", "taken"]);
    });
}
