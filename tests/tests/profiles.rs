//! Profiles from outside: what narrows them, and how they are shown.

use std::os::unix::fs::symlink;

use clearing_tests::{Output, Site, for_each_caller};
use serde_json::Value;

const FILE: &str = ".clearing/profile.toml";

/// Demands that nothing ran, and tells why as far as that is expected.
fn is_refused(output: &Output, because: &str) {
    output.expect_code(125).expect_stderr(because);
    assert!(!output.stdout.contains("ran"), "{output}");
}

fn show(site: &Site, arguments: &[&str]) -> Output {
    site.clearing(["policy", "show"].iter().chain(arguments)).output()
}

#[test]
fn what_a_project_brings_narrows_and_an_option_of_the_callers_comes_last() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write(FILE, "limits.nofile = 64\n[environment]\npass = ['PATH']\n");
        let look = ["sh", "-c", "echo $(ulimit -n) ${LANG-none}"];
        site.run(look).output().expect_code(0).expect_stdout("64 none\n");
        site.run(look).env("CLEARING_LIMITS_NOFILE", "32").output().expect_code(0).expect_stdout("32 none\n");
        let last = site.run(look).args(["--nofile", "128"]).env("CLEARING_LIMITS_NOFILE", "32").output();
        last.expect_code(0).expect_stdout("128 none\n");
    });
}

#[test]
fn what_a_project_brings_cannot_permit_more() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for (text, because) in [
            (
                "limits.nofile = 4096",
                "profile.toml:1:8: `nofile` in [limits] permits more than `default` does",
            ),
            (
                "extends = 'default'\nwiden = true\nreason = 'r'",
                "profile.toml:1:1: `extends` in a project's file",
            ),
            ("network.mode = 'host'", "`mode` in [network] permits more"),
            ("guards.tier = 'landlock'", "a project's file cannot say how little isolation is accepted"),
            ("filesystem.read = ['/etc']", "a project's file cannot say which paths of the host can be read"),
            ("limits.", "profile.toml:1:"),
        ] {
            site.write(FILE, text);
            is_refused(&site.run(["echo", "ran"]).output(), because);
            is_refused(&site.clearing(["create"]).output(), because);
            is_refused(&show(&site, &[]), because);
        }
    });
}

#[test]
fn what_a_project_brings_is_read_beneath_it_and_bounded() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let elsewhere = site.write_home("elsewhere/profile.toml", "limits.nofile = 64\n");
        symlink(elsewhere.parent().expect("a directory"), site.project().join(".clearing")).expect("a link");
        is_refused(&site.run(["echo", "ran"]).output(), "no link is followed to it");
        std::fs::remove_file(site.project().join(".clearing")).expect("the link goes");
        site.write(".clearing/other", "");
        symlink(&elsewhere, site.project().join(FILE)).expect("a link");
        is_refused(&site.run(["echo", "ran"]).output(), "no link is followed to it");
        std::fs::remove_file(site.project().join(FILE)).expect("the link goes");
        site.write(FILE, "#".repeat(100_000));
        is_refused(&site.run(["echo", "ran"]).output(), "longer than a project's file can be");
    });
}

#[test]
fn what_a_command_writes_there_does_not_count_for_the_next_and_does_not_land() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.clearing(["create", "--name", "s"]).output().expect_code(0);
        let script = format!("mkdir -p .clearing && echo 'limits.nofile = 16' > {FILE}; echo done > landed");
        site.clearing(["exec", "s"]).command(["sh", "-c", &script]).output().expect_code(0);
        let next = site.clearing(["exec", "s"]).command(["sh", "-c", "ulimit -n"]).output();
        next.expect_code(0).expect_stdout("1024\n");
        site.clearing(["commit", "s", "--yes"]).output().expect_code(0);
        assert!(site.project().join("landed").exists() && !site.project().join(".clearing").exists());
        site.write(FILE, "limits.nofile = 64\n");
        site.clearing(["create", "--name", "t"]).output().expect_code(0);
        site.clearing(["exec", "t"]).command(["rm", FILE]).output().expect_code(0);
        let next = site.clearing(["exec", "t"]).command(["sh", "-c", "ulimit -n"]).output();
        next.expect_code(0).expect_stdout("64\n");
    });
}

#[test]
fn a_variable_that_permits_more_or_means_nothing_is_refused_by_name() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for (name, value, because) in [
            (
                "CLEARING_LIMITS_MEMORY",
                "9T",
                "CLEARING_LIMITS_MEMORY=9T: `memory` in [limits] permits more than `default` does",
            ),
            ("CLEARING_LIMITS_MEMROY", "1G", "did you mean `CLEARING_LIMITS_MEMORY`?"),
            ("CLEARING_GUARDS_SECCOMP", "best-effort", "`seccomp` in [guards] permits more"),
            ("CLEARING_NETWORK_MODE", "host", "`mode` in [network] permits more"),
        ] {
            is_refused(&site.run(["echo", "ran"]).env(name, value).output(), because);
        }
        let inside = site.run(["env"]).env("CLEARING_LIMITS_MEMORY", "1G").output();
        assert!(!inside.expect_code(0).stdout.contains("CLEARING_LIMITS"), "{inside}");
    });
}

#[test]
fn a_kernel_with_less_of_landlock_than_a_profile_asks_for_is_refused() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let asks = |abi: &str| format!("extends = \"default\"\n[landlock]\nabi = {abi}\n");
        site.write("old.toml", asks("1"));
        site.write("new.toml", asks("64"));
        site.write("none.toml", asks("65"));
        site.run(["true"]).args(["-p", "./old.toml"]).output().expect_code(0);
        let refused = site.run(["true"]).args(["-p", "./new.toml"]).output();
        is_refused(&refused, "the profile requires Landlock ABI 64, and this kernel has ABI ");
        refused.expect_stderr("hint: a newer kernel has it");
        is_refused(&site.run(["true"]).args(["-p", "./none.toml"]).output(), "none.toml:3:7");
        show(&site, &["-p", "./new.toml"]).expect_stdout("abi = 64");
        site.write(FILE, "landlock.abi = 64");
        is_refused(&site.run(["echo", "ran"]).output(), "requires Landlock ABI 64");
        is_refused(&site.clearing(["run", "--plan"]).command(["true"]).output(), "requires Landlock ABI 64");
    });
}

#[test]
fn what_is_shown_loads_again_as_the_same() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write(FILE, "limits.nofile = 64\n");
        let text = show(&site, &["--profile", "flask", "--memory", "3G"]);
        text.expect_code(0)
            .expect_stdout("memory = \"3G\"  # --memory\n")
            .expect_stdout("/profile.toml:1:8\n");
        text.expect_stdout("  # built-in flask:").expect_stdout("  # built-in default:");
        let file = site.write_home("shown.toml", &text.stdout);
        let file = file.to_str().expect("a path");
        let values = |output: &Output| {
            let shown: Value = serde_json::from_str(&output.expect_code(0).stdout).expect("JSON");
            let sections = shown["sections"].as_object().expect("sections").clone();
            let value = |(key, shown): (&String, &Value)| (key.clone(), shown["value"].clone());
            let section = |(name, keys): (&String, &Value)| {
                (name.clone(), keys.as_object().expect("keys").iter().map(value).collect::<Vec<_>>())
            };
            sections.iter().map(section).collect::<Vec<_>>()
        };
        let one = values(&show(&site, &["--json", "--profile", "flask", "--memory", "3G"]));
        assert!(one.len() >= 7, "{one:?}");
        assert_eq!(one, values(&show(&site, &["--json", "--profile", file])));
    });
}
