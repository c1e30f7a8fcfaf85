//! P-F4: `/proc/PID/{root,cwd,fd}` of any visible process leads nowhere outside.

use std::fs;

use clearing_tests::decoys::SecretFile;
use clearing_tests::{Site, for_each_caller};

use crate::attack::{assert_keeps, attempt, control};

#[test]
fn the_root_of_every_process_is_the_sandbox_s() {
    every_process_keeps_the_token("cat $p/root{token} $p/root/..{token}");
}

#[test]
fn the_working_directory_of_every_process_leads_nowhere_outside() {
    every_process_keeps_the_token("cat $p/cwd/../.secrets/token $p/cwd/../../../../../..{token}");
}

#[test]
fn the_descriptors_of_every_process_lead_nowhere_outside() {
    every_process_keeps_the_token(
        "for d in $p/fd/*; do cat $d{token} $d/..{token} $d/../.secrets/token; done; cat $p/root{token}",
    );
}

#[test]
fn the_threads_of_every_process_lead_nowhere_outside() {
    every_process_keeps_the_token("for t in $p/task/*; do cat $t/root{token} $t/cwd/../.secrets/token; done");
}

#[test]
fn the_calling_thread_s_own_links_lead_nowhere_outside() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        let path = token.path().display();
        let script = format!(
            "cat /proc/thread-self/root{path} /proc/self/root{path} /proc/thread-self/cwd/../.secrets/token"
        );
        assert_keeps(&site, token.secret(), &script);
    });
}

#[test]
fn no_number_of_a_descriptor_works_as_a_directory() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        // CVE-2024-21626: a descriptor of the runtime's served as the way to the host.
        let script = format!(
            "exec 9</; for n in $(seq 0 1023); do
                test -d /proc/self/fd/$n && cat /proc/self/fd/$n{path} /proc/self/fd/$n/../../../..{path}
            done",
            path = token.path().display()
        );
        assert_keeps(&site, token.secret(), &script);
    });
}

#[test]
fn the_working_directory_lies_below_the_new_root() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "readlink /proc/self/cwd; pwd -P");
        let project = site.project().display().to_string();
        output.expect_stdout(&format!("{project}\n{project}\n"));
        let bare = control(&site, "cd /var; readlink /proc/self/cwd");
        assert!(bare.starts_with("/var"), "control: {bare}");
    });
}

#[test]
fn standard_input_given_for_reading_cannot_be_opened_for_writing() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let given = site.write_home("given.txt", "given");
        let wrapper = r#"file="$1"; shift; exec "$@" <"$file""#;
        let reopen = "cat; for f in /proc/self/fd/0 /dev/stdin /dev/fd/0; do echo evil >$f; done; echo made";
        let line = ["sh", "-c", wrapper, "sh", given.to_str().expect("text")];
        let output = site.run(["sh", "-c", reopen]).through(line).output();
        output.expect_stdout("given").expect_stdout("made");
        assert_eq!(fs::read_to_string(&given).expect("readable"), "given");
        control(&site, &format!("exec <{}; echo evil >/proc/self/fd/0", given.display()));
        assert_eq!(fs::read_to_string(&given).expect("readable"), "evil\n", "control");
    });
}

#[test]
fn a_directory_as_standard_stream_is_refused() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        let script = format!("cat /proc/self/fd/0{}", token.path().display());
        for stream in [0, 1, 2] {
            let wrapper = format!(r#"exec "$@" {stream}</"#);
            let output = site.run(["sh", "-c", &script]).through(["sh", "-c", &wrapper, "sh"]).output();
            output.expect_code(125);
        }
        let bare = control(&site, &format!("exec 0</; {script}"));
        assert!(bare.contains(token.secret()), "control: {bare}");
    });
}

#[test]
fn a_mapped_file_cannot_be_opened_by_its_mapping() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "for f in /proc/[0-9]*/map_files/*; do test -w $f && echo writable $f; done";
        let output = attempt(&site, script);
        assert!(!output.stdout.contains("writable"), "{output}");
        if caller.uid() == 0 {
            assert!(control(&site, script).contains("writable"), "control");
        }
    });
}

/// `$p` is each process in turn, `{token}` the path of a file outside.
#[track_caller]
fn every_process_keeps_the_token(action: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        let action = action.replace("{token}", &token.path().display().to_string());
        let inside = format!("for p in /proc/[0-9]* /proc/1; do {action}; done 2>&1");
        let output = attempt(&site, &inside);
        assert!(!output.stdout.contains(token.secret()), "{output}");
        // On the bare host one process is enough, and there may be many.
        let told = control(&site, &format!("p=/proc/$$; {action}"));
        assert!(told.contains(token.secret()), "control: {told}");
    });
}
