//! Help: short on one screen, long with examples, and each example works.

use std::process::Command;

use clearing_tests::{Caller, Site, expect_success, for_each_caller, skip, verbs};

/// A terminal of the smallest size that people use.
const ROWS: usize = 24;
const COLUMNS: &str = "80";

/// Programs of examples that a host may lack.
const OPTIONAL: [&str; 4] = ["npm", "make", "git", "node"];

#[test]
fn the_short_help_of_every_verb_fits_on_one_screen() {
    let site = Site::new(Caller::all()[0]);
    for verb in verbs(&site) {
        let output = site.clearing(&verb).arg("-h").env("COLUMNS", COLUMNS).output();
        let lines = output.expect_code(0).stdout.lines();
        assert!(lines.clone().all(|line| line.chars().count() <= 80), "{output}");
        assert!(lines.count() < ROWS, "{output}");
    }
}

#[test]
fn every_verb_has_examples_that_work() {
    for_each_caller(|caller| {
        for verb in verbs(&Site::new(caller)) {
            let site = furnished(caller);
            let examples = examples(&site, &verb);
            assert!(!examples.is_empty(), "no example in the help of {verb:?}");
            for example in examples {
                try_out(&site, &example);
            }
        }
    });
}

#[track_caller]
fn try_out(site: &Site, example: &str) {
    let is_missing =
        |program: &&&str| example.split([' ', '\'']).any(|word| word == **program) && !has(site, program);
    if let Some(program) = OPTIONAL.iter().find(is_missing) {
        return skip(&format!("`{example}` needs {program}"));
    }
    let mut shell = shell(site, example);
    let output = shell.output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{example}: {}\n{said}", output.status);
}

/// The lines below `Examples:` in the help of a verb.
fn examples(site: &Site, verb: &[String]) -> Vec<String> {
    let output = site.clearing(verb).arg("--help").output();
    let lines = output.expect_code(0).stdout.lines().skip_while(|line| *line != "Examples:").skip(1);
    let lines = lines.map_while(|line| line.strip_prefix("  "));
    lines.map(|line| line.split("  #").next().unwrap_or_default().trim_end().to_owned()).collect()
}

/// A project under git with a change, two sessions, patches, and another project in the home.
fn furnished(caller: Caller) -> Site {
    let site = Site::new(caller);
    site.write("src/lib.py", "one\ntwo\n");
    site.write("script.py", "eval(input())\n");
    site.write("analyse.py", "print(1)\n");
    site.write("Makefile", "all format check test:\n\t@echo ok\n");
    site.write("package.json", "{\"scripts\": {\"test\": \"echo ok\"}}\n");
    site.write("change.patch", "--- a/src/lib.py\n+++ b/src/lib.py\n@@ -1,2 +1,2 @@\n one\n-two\n+zwei\n");
    site.write("new.patch", "--- /dev/null\n+++ b/made.py\n@@ -0,0 +1 @@\n+made\n");
    site.write_home("app/Makefile", "check:\n\t@echo ok\n");
    let begin = "git init -q && git add . && git -c user.name=u -c user.email=e@example.org commit -qm first &&
        git checkout -qb feature && echo three >> src/lib.py && git -c user.name=u -c user.email=e@example.org \
        commit -qam second && git checkout -q - && clearing create --name fix && clearing create --name other &&
        clearing exec fix -- sh -c 'echo green > src/green' && clearing snapshot fix green &&
        clearing exec fix -- sh -c 'echo later > src/later.py'";
    expect_success(&mut shell(&site, begin));
    site
}

fn has(site: &Site, program: &str) -> bool {
    shell(site, &format!("command -v {program}")).output().is_ok_and(|output| output.status.success())
}

/// A shell of the caller's whose `clearing` is the one under proof.
fn shell(site: &Site, script: &str) -> Command {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", site.directory().display());
    let mut shell = site.host("bash");
    shell.args(["-o", "pipefail", "-c", script]).env("PATH", path).env("CLEARING_STATE_DIR", site.state());
    shell.stdin(std::process::Stdio::null());
    shell
}
