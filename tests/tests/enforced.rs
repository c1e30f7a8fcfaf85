//! `commands.enforce = true`: only programs that a rule lets run can be executed, whoever starts them, and however.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use clearing_tests::{Caller, Run, Site, for_each_caller};

#[path = "enforced/told.rs"]
mod told;

const PROFILE: &str = r#"
extends = "default"
[commands]
enforce = ENFORCE
default = "deny"
rules = [
    { prefix = [["sh", "echo", "cat", "cp", "python3", "make", "env"]], decision = "allow", reason = "these alone" },
    { prefix = ["./tool"], decision = "allow", reason = "a script of the project's" },
]
"#;

fn site(caller: Caller) -> Site {
    let site = Site::new(caller);
    site.write("rules.toml", PROFILE.replace("ENFORCE", "true"));
    site.write("loose.toml", PROFILE.replace("ENFORCE", "false"));
    site
}

/// A script of the project's: what it starts is judged by nobody beforehand.
fn script<'s>(site: &'s Site, profile: &str, text: &str) -> Run<'s> {
    site.write("script.sh", text);
    site.run(["sh", "script.sh"]).args(["-p", profile])
}

/// Runs the text with and without teeth.
#[track_caller]
fn bitten(site: &Site, text: &str) {
    script(site, "./loose.toml", text).output().expect_code(0).expect_stdout("done");
    let held = script(site, "./rules.toml", text).output();
    assert_ne!(held.code, Some(0), "{held}");
    assert!(!held.stdout.contains("done"), "{held}");
}

#[test]
fn what_rules_name_runs_with_its_interpreter_loader_and_libraries() {
    for_each_caller(|caller| {
        let site = site(caller);
        script(
            &site,
            "./rules.toml",
            "cat script.sh >/dev/null && python3 -c 'import json, ssl; print(1)' && echo done",
        )
        .output()
        .expect_code(0)
        .expect_stdout("done");
        site.write("tool", "#!/usr/bin/env python3\nprint('tool ' + 'ran')\n");
        fs::set_permissions(site.project().join("tool"), Permissions::from_mode(0o755)).unwrap();
        script(&site, "./rules.toml", "./tool").output().expect_code(0).expect_stdout("tool ran");
        site.run(["env", "echo", "a"])
            .args(["-p", "./rules.toml"])
            .output()
            .expect_code(0)
            .expect_stdout("a\n");
    });
}

#[test]
fn what_no_rule_names_cannot_be_started_from_below() {
    for_each_caller(|caller| {
        let site = site(caller);
        bitten(&site, "id && echo done");
        bitten(&site, "/usr/bin/id && echo done");
        bitten(&site, "exec 2>&1; env id && echo done");
        bitten(&site, "python3 -c 'import subprocess; subprocess.run([\"id\"], check=True)' && echo done");
        bitten(
            &site,
            "python3 -c 'import os; os.execv(\"/proc/self/root/usr/bin/env\", [\"env\", \"id\"])' && echo done",
        );
        site.write("Makefile", "all:\n\tid\n");
        if Path::new("/usr/bin/make").exists() {
            bitten(&site, "make && echo done");
        }
    });
}

#[test]
fn ways_around_the_right_to_execute_are_closed() {
    for_each_caller(|caller| {
        let site = site(caller);
        // A copy: from where it could be read, to where it could be executed.
        bitten(&site, "cp /usr/bin/id ./copy && ./copy && echo done");
        bitten(&site, "cp /usr/bin/id /tmp/copy && /tmp/copy && echo done");
        bitten(&site, "cp /bin/echo ./copy && chmod +x ./copy 2>/dev/null; ./copy done");
        // The loader, which reads what it starts.
        let loader =
            "for l in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do [ -e $l ] && break; done; ";
        bitten(&site, &format!("{loader} $l /usr/bin/id && echo done"));
        // A program without a path.
        let anonymous = "python3 -c '
import os
f = os.memfd_create(\"x\", 0)
os.write(f, open(\"/bin/echo\", \"rb\").read())
os.execve(\"/proc/self/fd/%d\" % f, [\"echo\", \"done\"], {})'";
        bitten(&site, anonymous);
    });
}

/// Said in the README, so that nobody takes it for held.
#[test]
fn an_interpreter_that_is_named_does_what_it_can_by_itself() {
    for_each_caller(|caller| {
        let site = site(caller);
        let text = "python3 -c 'print(open(\"rules.toml\").read()[:0] + \"did\")'";
        script(&site, "./rules.toml", text).output().expect_code(0).expect_stdout("did");
    });
}

#[test]
fn a_command_whose_program_is_not_there_is_told_as_ever() {
    for_each_caller(|caller| {
        let site = site(caller);
        site.run(["./tool"]).args(["-p", "./rules.toml"]).output().expect_code(127);
        site.run(["sh", "-c", "echo a"])
            .args(["-p", "./rules.toml"])
            .output()
            .expect_code(0)
            .expect_stdout("a\n");
    });
}

/// Whoever wrote a project does not say what of the host can be executed.
#[test]
fn a_program_of_the_projects_opens_no_other() {
    for_each_caller(|caller| {
        let site = site(caller);
        let tool = site.project().join("tool");
        std::os::unix::fs::symlink("/usr/bin/id", &tool).unwrap();
        bitten(&site, "./tool && echo done");
        bitten(&site, "/usr/bin/id && echo done");
        fs::remove_file(&tool).unwrap();
        site.write("tool", "#!/usr/bin/id\n");
        fs::set_permissions(&tool, Permissions::from_mode(0o755)).unwrap();
        bitten(&site, "/usr/bin/id && echo done");
        fs::remove_file(&tool).unwrap();
        site.write("bin/real", "#!/bin/sh\necho real\n");
        fs::set_permissions(site.project().join("bin/real"), Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("bin/real", &tool).unwrap();
        script(&site, "./rules.toml", "./tool").output().expect_code(0).expect_stdout("real");
    });
}

#[test]
fn a_link_that_an_earlier_command_left_in_a_programs_place_opens_nothing() {
    for_each_caller(|caller| {
        let site = site(caller);
        site.write("tool", "#!/bin/sh\necho tool\n");
        fs::set_permissions(site.project().join("tool"), Permissions::from_mode(0o755)).unwrap();
        let exec = |command: &[&str]| site.clearing(["exec", "s"]).command(command).output();
        site.clearing(["create", "--name", "s", "-p", "./rules.toml"]).output().expect_code(0);
        exec(&["./tool"]).expect_code(0).expect_stdout("tool\n");
        exec(&["python3", "-c", "import os; os.remove('tool'); os.symlink('/usr/bin/id', 'tool')"])
            .expect_code(0);
        let held = exec(&["./tool"]);
        assert!(held.code == Some(126) && !held.stdout.contains("uid"), "{held}");
        site.write("script.sh", "/usr/bin/id");
        exec(&["sh", "script.sh"]).expect_code(126);
    });
}
