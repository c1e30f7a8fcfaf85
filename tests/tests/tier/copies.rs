//! What a command did to its copy of the project is told as an overlay's changes are.

use clearing_tests::{Caller, Site, assert_nothing_left, for_each_caller};

#[test]
fn changes_are_told_and_the_project_stays_as_it_is() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for file in ["kept", "edited", "gone", "deep/er/kept"] {
            site.write(file, "old");
        }
        let before = site.project_tree();
        let script = "echo new > edited; rm gone; mkdir -p made/here; echo x > made/here/x; cat deep/er/kept";
        let output = site.run(["sh", "-c", script]).output();
        output.expect_code(0).expect_stdout("old").expect_stderr("+ made/here/x");
        output.expect_stderr("~ edited").expect_stderr("- gone");
        let changes = &output.outcome()["changes"];
        assert_eq!(
            (&changes["added"], &changes["modified"], &changes["deleted"]),
            (&1.into(), &1.into(), &1.into())
        );
        assert_eq!(site.project_tree(), before);
        assert_nothing_left(&site);
    });
}

#[test]
fn the_working_directory_and_the_callers_variables_lead_to_the_copy() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("src/file", "here");
        let project = site.project();
        let path = format!("{}/bin:/usr/bin:/bin", project.display());
        site.write("bin/own", "#!/bin/sh\necho from the copy\n");
        let script = "chmod +x ../bin/own; cat file; own; test \"$PWD\" = \"$(pwd)\" && echo same";
        let run = site.run(["sh", "-c", script]).current_dir(project.join("src")).env("PATH", path);
        let output = run.args(["-w"]).arg(&project).output();
        output.expect_stdout("here").expect_stdout("from the copy").expect_stdout("same");
    });
}

#[test]
fn nobody_else_goes_through_to_the_copy_of_a_closed_project() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "stat -c %a:%g \"$HOME/..\"; id -g";
        let output = site.run(["sh", "-c", script]).output();
        let (run, group) = output.stdout.trim().split_once('\n').unwrap();
        let expected = if caller == Caller::Root { format!("710:{group}") } else { format!("700:{group}") };
        assert_eq!(run, expected);
    });
}
