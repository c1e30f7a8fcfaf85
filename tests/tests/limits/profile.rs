//! Limits as keys of a profile, and a profile that wants the kernel to hold them.

use clearing_tests::{Caller, Output, Run, Site, for_each_caller};

use crate::means::{self, Means, expect_cause, expect_limit};

#[test]
fn keys_do_what_options_do() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        let output =
            with_profile(&site, "memory = \"64M\"\nprocesses = 32", ["./probe", "hog", "memfd"]).output();
        expect_cause(&output, "oom", "memory");
        let output =
            with_profile(&site, "disk = \"10M\"", ["dd", "if=/dev/zero", "of=x", "bs=1M", "count=50"]);
        expect_cause(&output.output(), "disk", "disk");
        let output = with_profile(&site, "output = \"1K\"", ["yes"]).output();
        expect_cause(&output, "output", "output");
    });
}

#[test]
fn a_required_group_is_there_or_nothing_runs() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let limits = "cgroup = \"required\"\nmemory = \"256M\"\ncpus = 0.5\nprocesses = 64";
        let output = with_profile(&site, limits, ["echo", "ran"]).output();
        runs_or_is_refused(caller, &output);
    });
}

#[test]
fn an_option_asks_for_a_group_as_a_key_does() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output =
            with_profile(&site, "cgroup = \"required\"", ["echo", "ran"]).args(["--cpus", "0.5"]).output();
        runs_or_is_refused(caller, &output);
    });
}

#[track_caller]
fn runs_or_is_refused(caller: Caller, output: &Output) {
    if means::of(caller) == Means::Alone {
        output.expect_code(125).expect_stderr("requires a control group").expect_stderr("hint: ");
        assert!(!output.stdout.contains("ran"), "{output}");
        return;
    }
    output.expect_code(0).expect_stdout("ran");
    expect_limit(output, "cpus", 0.5, means::of(caller).of_processors());
}

/// A run under a profile that changes a few limits of the default one.
fn with_profile<'s, const N: usize>(site: &'s Site, limits: &str, command: [&str; N]) -> Run<'s> {
    let text = format!("extends = \"default\"\n[limits]\n{limits}\n");
    let profile = site.write_home("limited.toml", text);
    site.run(command).arg("-p").arg(profile)
}
