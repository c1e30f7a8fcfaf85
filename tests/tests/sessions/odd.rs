//! Odd names, odd projects, and records that somebody edited.

use std::fs;

use clearing_tests::{Site, for_each_caller};

use crate::session::Session;

#[test]
fn a_session_s_name_is_one_and_taken_once() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let session = Session::create(&site, &["--name", "taken"]);
        for name in ["taken", "", "..", "a/b", "s-abc", "with space", "new\nline"] {
            site.clearing(["create", "--name", name]).output().expect_code(125);
        }
        site.clearing(["exec", "unknown"])
            .command(["true"])
            .output()
            .expect_code(125)
            .expect_stderr("no session");
        site.clearing(["exec", "../taken"]).command(["true"]).output().expect_code(125);
        session.done("rm", &[]);
    });
}

#[test]
fn a_project_that_was_moved_replaced_or_removed_is_refused_and_nothing_is_lost() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("file", "x");
        let session = Session::create(&site, &[]);
        session.sh("echo y > written");
        let (project, aside) = (site.project(), site.home().join("aside"));
        let exec = || site.clearing(["exec", &session.id]).current_dir(site.home()).command(["ls"]).output();

        fs::rename(&project, &aside).unwrap();
        exec().expect_code(125);
        fs::create_dir(&project).unwrap();
        site.own(&project);
        exec().expect_code(125).expect_stderr("was moved or replaced");
        fs::remove_dir(&project).unwrap();
        std::os::unix::fs::symlink(&aside, &project).unwrap();
        exec().expect_code(125);
        fs::remove_file(&project).unwrap();
        fs::rename(&aside, &project).unwrap();
        assert_eq!(session.sh("ls"), "file\nwritten\n");
    });
}

#[test]
fn a_record_that_somebody_edited_is_refused_and_can_be_removed() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let session = Session::create(&site, &[]);
        let other = Session::create(&site, &[]);
        session.sh("echo x > y");
        let record = site.state().join("sessions").join(&session.id).join("session.json");
        let whole = fs::read_to_string(&record).unwrap();
        for edited in
            ["", "{", &whole.replace("\"version\": 1", "\"version\": 9"), &whole.replace("l-", "../l-")]
        {
            fs::write(&record, edited).unwrap();
            session.try_sh("true").expect_code(125).expect_stderr("is damaged");
            let listed = site.clearing(["ls"]).output();
            listed.expect_code(125).expect_stdout(&other.id).expect_stderr("is damaged");
        }
        other.sh("true");
        session.verb("rm", &[]).expect_code(125);
        session.done("rm", &["--yes"]);
        site.clearing(["ls"]).output().expect_code(0).expect_stdout(&other.id);
    });
}

#[test]
fn odd_names_and_deep_trees_come_back_as_they_were_written() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let session = Session::create(&site, &[]);
        let long = "n".repeat(255);
        session.sh(&format!(
            "printf x > \"$(printf 'new\\nline')\"; printf x > \"$(printf 'bytes\\377')\"; printf x > {long}; \
             d=deep; mkdir -p $(yes d | head -n 200 | tr '\\n' '/'); truncate -s 10G sparse; \
             mkdir closed; echo x > closed/x; chmod 000 closed; ln -s /etc/passwd link; ln {long} hard"
        ));
        session.done("snapshot", &["odd"]);
        session.sh("rm -f link hard; chmod 700 closed; rm -r closed d");
        session.done("rollback", &["odd"]);
        let seen = session
            .sh("ls -b | cut -c 1-20; stat -c %s sparse; readlink link; chmod 700 closed; cat closed/x");
        let expected = format!("bytes\\377\nclosed\nd\nhard\nlink\nnew\\nline\n{}\nsparse\n", "n".repeat(20));
        assert_eq!(seen, format!("{expected}10737418240\n/etc/passwd\nx\n"));
        session.done("rm", &["--yes"]);
    });
}

#[test]
fn a_session_s_profile_is_the_file_that_was_named_and_none_of_the_project_s() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mine = site.write_home("policies/strict.toml", "extends = \"default\"\n[limits]\nnofile = 64\n");
        site.write(
            "strict.toml",
            "extends = \"default\"\nwiden = true\nreason = \"x\"\n[limits]\nnofile = 777\n",
        );
        let create = ["create", "--name", "s", "-p", "strict.toml", "-w"];
        let create = site.clearing(create).args([site.project()]).current_dir(mine.parent().unwrap());
        create.output().expect_code(0);
        let files = site.clearing(["exec", "s"]).command(["sh", "-c", "ulimit -n"]).output();
        assert_eq!(files.expect_code(0).stdout, "64\n");
    });
}
