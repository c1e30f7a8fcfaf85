//! Directories that cannot be a project.

use std::os::unix::fs::{chown, symlink};

use clearing_tests::{Caller, Site, assert_nothing_left, for_each_caller};

use crate::chmod;
use crate::refusal::is_refused;

#[test]
fn a_project_that_is_absent_or_a_file_is_refused() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let file = site.write("file", "");
        is_refused_as(&site, "/no/such/directory", "`/no/such/directory` does not exist");
        is_refused_as(&site, file.to_str().unwrap(), "is not a directory");
        is_refused_as(&site, "", "");
    });
}

#[test]
fn the_root_the_home_and_what_is_above_it_are_refused() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        is_refused_as(&site, "/", "it is the root directory");
        is_refused_as(&site, site.home().to_str().unwrap(), "it is your home directory");
        is_refused_as(&site, "..", "it is your home directory");
        let above = site.home().parent().unwrap().to_owned();
        is_refused_as(&site, above.to_str().unwrap(), "your home directory lies in it");
    });
}

#[test]
fn directories_of_the_system_are_refused() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for system in [
            "/usr",
            "/etc",
            "/bin",
            "/proc",
            "/dev",
            "/sys",
            "/usr/lib",
            "/proc/self",
            "/run",
            "/tmp",
            "/var",
        ] {
            is_refused_as(&site, system, "cannot be a project");
        }
    });
}

#[test]
fn around_and_inside_the_state_directory_is_refused() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let state = site.project().join("state");
        let run = site.run(["echo", "ran"]).env("CLEARING_STATE_DIR", &state);
        is_refused(&run.output(), "clearing keeps its state in it");
        site.run(["true"]).output().expect_code(0);
        is_refused_as(&site, site.state().to_str().unwrap(), "state");
        is_refused_as(&site, site.state().join("runs").to_str().unwrap(), "it lies in clearing's own state");
    });
}

#[test]
fn a_working_directory_that_has_vanished_is_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let vanish = ["sh", "-c", r#"mkdir gone; cd gone; rmdir ../gone; exec "$@""#, "sh"];
        is_refused(&site.run(["echo", "ran"]).through(vanish).output(), "the working directory is gone");
    });
}

#[test]
fn a_vanished_working_directory_is_no_matter_where_the_project_is_named() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let vanish = ["sh", "-c", r#"mkdir gone; cd gone; rmdir ../gone; exec "$@""#, "sh"];
        let project = site.project();
        let run = site.run(["pwd"]).args(["-w".as_ref(), project.as_os_str()]).through(vanish);
        run.output().expect_code(0).expect_stdout(project.to_str().unwrap());
    });
}

#[test]
fn a_project_that_cannot_be_read_is_told() {
    for_each_caller(|caller| {
        if caller == Caller::Root {
            return;
        }
        let site = Site::new(caller);
        let closed = site.write("closed/file", "").parent().unwrap().to_owned();
        chmod(&closed, 0o000);
        is_refused_as(&site, closed.to_str().unwrap(), "cannot be read");
        chmod(&closed, 0o755);
    });
}

#[test]
fn a_file_that_cannot_be_read_is_that_file_s_matter() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let closed = site.write("closed", "secret");
        chmod(&closed, 0o000);
        let output = site.run(["sh", "-c", "cat closed; echo on; exit 6"]).output();
        output.expect_code(6).expect_stdout("on\n");
        if caller == Caller::Ordinary {
            output.expect_stderr("Permission denied");
        }
    });
}

#[test]
fn files_of_other_owners_can_be_read_and_the_run_goes_on() {
    if !Caller::all().contains(&Caller::Root) {
        return clearing_tests::skip("only root can give files away");
    }
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for (name, owner, group) in [("owner", Some(12_345), None), ("group", None, Some(12_345))] {
            chown(site.write(name, "theirs\n"), owner, group).unwrap();
        }
        let before = site.project_tree();
        let script = "cat owner group; echo mine >> owner; rm group; echo over";
        let output = site.run(["sh", "-c", script]).output();
        output.expect_code(0).expect_stdout("theirs\ntheirs\nover\n");
        site.project_tree().expect_same_as(&before);
    });
}

#[test]
fn a_project_on_a_file_system_in_memory_works() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let project = tempfile::Builder::new().prefix("clearing-").tempdir_in("/dev/shm").unwrap();
        std::fs::write(project.path().join("file"), "read\n").unwrap();
        site.own(project.path());
        let run = site.run(["sh", "-c", "cat file; echo x > new; ls"]).current_dir(project.path());
        run.output().expect_code(0).expect_stdout("read\nfile\nnew\n");
        assert!(!project.path().join("new").exists());
    });
}

#[test]
fn a_link_to_a_project_leads_to_its_true_place() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let link = site.home().join("link");
        symlink(site.project(), &link).unwrap();
        for run in [
            site.run(["pwd", "-P"]).current_dir(&link),
            site.run(["pwd"]).args(["-w".as_ref(), link.as_os_str()]),
        ] {
            run.output().expect_code(0).expect_stdout(site.project().to_str().unwrap());
        }
    });
}

#[track_caller]
fn is_refused_as(site: &Site, project: &str, because: &str) {
    is_refused(&site.run(["echo", "ran"]).args(["-w", project]).output(), because);
    assert_nothing_left(site);
}
