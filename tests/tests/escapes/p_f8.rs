//! P-F8: the runtime's binary can't be written or replaced from inside.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use clearing_tests::{Caller, Site, assert_nothing_left, for_each_caller};

use crate::attack::{attempt, control};

#[test]
fn the_binary_cannot_be_overwritten_by_its_path() {
    binary_stays("cp /bin/true {binary}; rm -f {binary}; mv {binary} moved; echo evil > {binary}");
}

#[test]
fn the_binary_cannot_be_overwritten_through_init() {
    // CVE-2019-5736
    binary_stays("echo evil > /proc/1/exe; cp /bin/true /proc/1/exe; echo evil > {binary}");
}

#[test]
fn the_binary_cannot_be_overwritten_through_any_process() {
    binary_stays("for p in /proc/[0-9]*; do echo evil > $p/exe; done; echo evil > {binary}");
}

#[test]
fn the_binary_cannot_be_overwritten_through_its_mappings() {
    binary_stays("for f in /proc/[0-9]*/map_files/*; do echo evil > $f; done; echo evil > {binary}");
}

#[test]
fn a_script_whose_interpreter_is_the_program_itself_does_not_run_the_runtime() {
    for_each_caller(|caller| {
        let site = owned(caller);
        for interpreter in ["/proc/self/exe", "/proc/1/exe", "/proc/thread-self/exe"] {
            let script = site.write("script", format!("#!{interpreter} --version\n"));
            fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("chmod");
            let output = site.run(["./script"]).output();
            assert!(!output.stdout.contains("clearing"), "{interpreter}: {output}");
            assert_ne!(output.code, Some(0), "{interpreter}: {output}");
        }
        assert!(control(&site, "clearing --version || ../../clearing --version").contains("clearing"));
    });
}

#[test]
fn the_runtime_cannot_be_executed_as_a_command() {
    for_each_caller(|caller| {
        let site = owned(caller);
        let binary = site.binary().display().to_string();
        let output = attempt(&site, &format!("{binary} --version; /proc/1/exe --version"));
        assert!(!output.stdout.contains("clearing"), "{output}");
        let told = control(&site, &format!("{binary} --version"));
        assert!(told.contains("clearing"), "control: {told}");
    });
}

#[test]
fn a_library_planted_in_the_project_is_not_loaded_by_the_runtime() {
    for_each_caller(|caller| {
        let site = owned(caller);
        site.write("planted.so", "not a library");
        let output = site
            .run(["true"])
            .env("LD_PRELOAD", site.project().join("planted.so"))
            .env("LD_LIBRARY_PATH", site.project())
            .output();
        output.expect_code(0);
        assert!(!output.stderr.contains("planted.so"), "{output}");
        let told = control(&site, "LD_PRELOAD=./planted.so ls");
        assert!(told.contains("planted.so"), "control: {told}");
    });
}

/// `{binary}` stands for the path of a copy that the caller owns and may write.
#[track_caller]
fn binary_stays(script: &str) {
    for_each_caller(|caller| {
        let site = owned(caller);
        let script = script.replace("{binary}", &site.binary().display().to_string());
        let before = fs::read(site.binary()).expect("readable");
        attempt(&site, &script);
        assert!(fs::read(site.binary()).expect("there") == before, "overwritten");
        // What clears away behind the run still executes the binary, which keeps it from being written.
        assert_nothing_left(&site);
        // Beware of the loop over all processes: outside, the last step alone.
        let last = script.rsplit("; ").next().expect("a step");
        control(&site, last);
        let after = fs::read(site.binary()).ok();
        assert!(after != Some(before), "control: {last}");
    });
}

fn owned(caller: Caller) -> Site {
    let site = Site::new(caller);
    site.own(&site.binary());
    site
}
