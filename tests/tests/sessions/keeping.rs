//! What stays, what goes, and who is asked.

use std::fs;

use clearing_tests::{Site, assert_nothing_left, for_each_caller};

use crate::session::Session;

#[test]
fn a_run_is_kept_as_a_session_when_that_is_asked_for() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let run = site.run(["sh", "-c", "echo x > y; exit 3"]).args(["--keep", "--name", "kept"]).output();
        run.expect_code(3).expect_stderr("kept as session s-");
        let kept = Session { site: &site, id: "kept".into() };
        assert_eq!(kept.sh("cat y"), "x\n");
        kept.done("rm", &["-y"]);
        // Without a command there is nothing to keep.
        site.run(["nothing-like-it"]).arg("--keep").output().expect_code(127);
        site.run(["true"]).output().expect_code(0);
        site.run(["true"]).args(["--name", "x"]).output().expect_code(125);
        let sessions = site.clearing(["ls", "--json"]).output();
        for line in sessions.expect_code(0).stdout.lines() {
            let told: serde_json::Value = serde_json::from_str(line).unwrap();
            site.clearing(["rm", "--yes", told["session"].as_str().unwrap()]).output().expect_code(0);
        }
        assert_nothing_left(&site);
    });
}

#[test]
fn what_the_project_has_not_is_removed_by_nobody_s_mistake() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let session = Session::create(&site, &[]);
        session.sh("echo x > y");
        session.verb("rm", &[]).expect_code(125).expect_stderr("`--yes` answers every question");
        assert_eq!(session.sh("cat y"), "x\n");
        session.done("rm", &["--yes"]);
        // Nothing is lost with one that changed nothing.
        let session = Session::create(&site, &[]);
        session.sh("cat /dev/null");
        session.done("rm", &[]);
        session.verb("rm", &[]).expect_code(125).expect_stderr("there is no session");
    });
}

#[test]
fn what_only_snapshots_have_is_asked_for_and_told_too() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let session = Session::create(&site, &["--name", "s"]);
        session.sh("echo x > y");
        session.done("snapshot", &["one"]);
        session.sh("echo z > y");
        session.done("rollback", &["initial"]);
        // The present state is the project's own.
        assert_eq!(session.done("diff", &[]), "");
        session.verb("rm", &[]).expect_code(125).expect_stderr("2 snapshots of other states");
        let told = site.clearing(["gc", "--keep", "0", "--dry-run"]).output();
        told.expect_code(0).expect_stderr("2 snapshots of other states");
        session.done("rollback", &["one"]);
        // What was committed is in the project; what was there before the rollback is not.
        session.done("commit", &[]);
        session.verb("rm", &[]).expect_code(125).expect_stderr("one snapshot of another state");
        session.done("rm", &["--yes"]);
    });
}

#[test]
fn a_plain_removal_of_the_state_directory_meets_nothing_that_is_closed_to_its_owner() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let session = Session::create(&site, &[]);
        session.sh("echo x > y");
        session.done("snapshot", &[]);
        session.sh("echo z > y");
        let running =
            site.clearing(["exec", &session.id]).command(["sh", "-c", "echo ready; sleep 60"]).spawn();
        running.expect_printed("ready");
        running.signal(nix::sys::signal::Signal::SIGKILL);
        running.wait();
        session.done("snapshot", &[]);
        session.try_sh("exit 3").expect_code(3);
        // Who has the lock last has let go of the overlays.
        session.done("rollback", &["initial"]);
        let remove = ["-c", "rm -rf \"$1\"/*; ls -A \"$1\"", "sh"];
        let left = clearing_tests::expect_success(site.host("sh").args(remove).arg(site.state()));
        assert_eq!(left, "");
    });
}

#[test]
fn gc_keeps_what_is_within_the_bounds() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let sessions: Vec<_> = (0..4).map(|_| Session::create(&site, &[])).collect();
        for session in &sessions {
            session.sh("head -c 1M /dev/urandom > large");
        }
        site.clearing(["gc", "--keep", "3", "--dry-run"])
            .output()
            .expect_code(0)
            .expect_stderr(&sessions[0].id);
        let listed = || site.clearing(["ls", "--json"]).output().stdout.lines().count();
        assert_eq!(listed(), 4);
        site.clearing(["gc", "--keep", "3"]).output().expect_code(125);
        site.clearing(["gc", "--keep", "3", "--yes"]).output().expect_code(0);
        assert_eq!(listed(), 3);
        sessions[0].verb("inspect", &[]).expect_code(125);
        site.clearing(["gc", "--max-size", "2500K", "--yes"]).output().expect_code(0);
        assert_eq!(listed(), 2);
        site.clearing(["gc", "--older-than", "1d", "--yes"]).output().expect_code(0);
        assert_eq!(listed(), 2);
        site.clearing(["gc", "--older-than", "1ms", "--yes"]).output().expect_code(0);
        assert_eq!(listed(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_clock_that_was_set_back_makes_no_session_old() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let session = Session::create(&site, &[]);
        let record = site.state().join("sessions").join(&session.id).join("session.json");
        let text = fs::read_to_string(&record).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json["used"] = "2999-01-01T00:00:00Z".into();
        fs::write(&record, json.to_string()).unwrap();
        let output = site.clearing(["gc", "--older-than", "1d", "--yes"]).output();
        output.expect_code(0);
        session.verb("inspect", &[]).expect_code(0);
        session.done("rm", &["--yes"]);
        assert_nothing_left(&site);
    });
}

#[test]
fn sessions_are_listed_for_people_and_for_programs() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let session = Session::create(&site, &["--name", "listed"]);
        session.sh("echo x > y");
        let line = site.clearing(["ls"]).output();
        line.expect_code(0).expect_stdout(&session.id).expect_stdout("listed  idle   1      1");
        let told: serde_json::Value = serde_json::from_str(&session.done("inspect", &["--json"])).unwrap();
        assert_eq!(
            (&told["state"], &told["execs"], &told["name"]),
            (&"idle".into(), &1.into(), &"listed".into())
        );
        session.verb("inspect", &[]).expect_stdout("changes    +1 ~0 -0");
    });
}

#[test]
fn a_run_lands_what_it_changed_when_that_is_asked_for() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let path = site.write("note", "old\n");
        let run = |when: &str, script: &str| site.run(["sh", "-c", script]).args(["--commit", when]).output();
        let note = || std::fs::read_to_string(&path).unwrap();
        run("never", "echo new > note").expect_code(0);
        assert_eq!(note(), "old\n");
        run("on-success", "echo new > note; exit 4").expect_code(4);
        assert_eq!(note(), "old\n");
        run("on-success", "echo new > note; echo made > made")
            .expect_code(0)
            .expect_stderr("landed: 1 made, 1 changed");
        assert_eq!(note(), "new\n");
        run("always", "echo newer > note; rm made; exit 4").expect_code(4);
        assert_eq!(note(), "newer\n");
        assert!(!site.project().join("made").exists());
        assert_nothing_left(&site);
        // Nobody is there to be asked, so it is kept.
        let asked = run("ask", "echo asked > note");
        asked
            .expect_code(125)
            .expect_stderr("`--yes` answers every question")
            .expect_stderr("kept as session");
        assert_eq!(note(), "newer\n");
        let yes = site.run(["sh", "-c", "echo yes > note"]).args(["--commit", "ask", "--yes"]).output();
        yes.expect_code(0);
        assert_eq!(note(), "yes\n");
    });
}

#[test]
fn what_cannot_land_is_kept() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let path = site.write("note", "old\n");
        let script = "echo mine > note; echo ready; sleep 4";
        let run = site.run(["sh", "-c", script]).args(["--commit", "always"]);
        let running = run.spawn();
        running.expect_printed("ready");
        site.write("note", "theirs\n");
        let output = running.wait();
        output.expect_code(125).expect_stderr("kept as session").expect_stderr("note");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs\n");
        let id = output.stderr.split("kept as session ").nth(1).unwrap().trim().to_owned();
        assert_eq!(Session { site: &site, id }.sh("cat note"), "mine\n");
    });
}

#[test]
fn what_a_command_wrote_is_kept_though_nobody_could_be_told_how_it_ended() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for option in [["--commit", "never"], ["--commit", "on-success"]] {
            let run = site.clearing(["run", "--keep", "--result", "/dev/full"]).args(option);
            let output = run.command(["sh", "-c", "echo x > y"]).output();
            output.expect_code(125).expect_stderr("kept as session");
            let id =
                output.stderr.split("kept as session ").nth(1).unwrap().split_whitespace().next().unwrap();
            assert_eq!(Session { site: &site, id: id.to_owned() }.sh("cat y"), "x\n");
        }
    });
}
