//! Where no overlay can be had, a command works in a copy, and is told why.

use std::os::unix::fs::chown;
use std::process::Command;

use clearing_tests::{Caller, Site, assert_nothing_left, expect_success, for_each_caller, skip};

#[test]
fn a_project_of_another_user_can_be_changed_in_a_copy() {
    if !Caller::all().contains(&Caller::Root) {
        return skip("only root can give a project to somebody else");
    }
    let site = Site::new(Caller::Ordinary);
    let file = site.write("file", "old");
    for path in [site.project(), file] {
        chown(path, Some(12_345), Some(12_345)).expect("given away");
    }
    let before = site.project_tree();
    let output = site.run(["sh", "-c", "cat file; echo new > file; touch made"]).output();
    output.expect_code(0).expect_stdout("old").expect_stderr("~ file").expect_stderr("+ made");
    assert_eq!(output.outcome()["workspace"]["why"], "the project belongs to another user");
    assert_eq!(site.project_tree(), before);
    assert_nothing_left(&site);
}

#[test]
fn a_copy_can_be_asked_for_and_nothing_of_it_is_left() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("dir/file", "old");
        let before = site.project_tree();
        let output = site.run(["sh", "-c", "rm -r dir; pwd"]).args(["--layer", "copy"]).output();
        output
            .expect_code(0)
            .expect_stderr("- dir/file")
            .expect_stdout(&site.project().display().to_string());
        assert_eq!(output.outcome()["workspace"]["kind"], "copy");
        assert_eq!(site.project_tree(), before);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_project_on_an_overlay_works_for_everybody() {
    if !Caller::all().contains(&Caller::Root) {
        return skip("only root can mount an overlay for another");
    }
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("file", "old");
        for name in ["upper", "work"] {
            std::fs::create_dir(site.directory().join(name)).expect("mkdir");
            site.own(&site.directory().join(name));
        }
        let (project, at) = (site.project(), site.directory().display().to_string());
        let project = project.display();
        let mount = format!(
            "mount -t overlay o -o lowerdir={project},upperdir={at}/upper,workdir={at}/work {project} && cd {project}"
        );
        let ids = format!("--reuid={} --regid={} --clear-groups", caller.uid(), caller.gid());
        let run = format!(
            "{mount} && exec setpriv {ids} env -i HOME={} PATH=/usr/bin:/bin CLEARING_STATE_DIR={} {} run -- \
             sh -c 'cat file; echo new > file'",
            site.home().display(),
            site.state().display(),
            site.binary().display()
        );
        let told = expect_success(Command::new("unshare").args(["--mount", "sh", "-c", &run]));
        assert!(told.contains("old"), "{told}");
        assert_eq!(std::fs::read(site.project().join("file")).expect("read"), b"old");
        assert_nothing_left(&site);
    });
}

#[test]
fn a_session_goes_on_in_a_copy_where_another_command_left_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("file", "old");
        let profile = site.write_home(
            "copy.toml",
            "extends = \"default\"\nwiden = true\nreason = \"a copy\"\n[filesystem]\nlayer = \"copy\"\n",
        );
        let create = site.clearing(["create", "--name", "s", "--profile"]).arg(&profile).output();
        create.expect_code(0);
        let exec = |script: &str| site.clearing(["exec", "s", "--", "sh", "-c", script]).output();
        exec("echo new > file; mkdir d; echo x > d/x").expect_code(0);
        site.clearing(["snapshot", "s", "one"]).output().expect_code(0);
        exec("cat file d/x; rm -r d; echo newer > file").expect_stdout("new\nx\n");
        exec("cat file; test -e d || echo gone").expect_stdout("newer\ngone\n");
        site.clearing(["rollback", "s", "one"]).output().expect_code(0);
        exec("cat file d/x").expect_stdout("new\nx\n");
        assert_eq!(std::fs::read(site.project().join("file")).expect("read"), b"old");
    });
}
