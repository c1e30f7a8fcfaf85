//! Variables of the caller's that are absent, empty, odd or huge.

use clearing_tests::{Site, for_each_caller};

use crate::chmod;

#[test]
fn an_absent_search_path_is_the_plain_one() {
    through(r#"unset PATH; exec "$@""#, "command -v ls && echo found", "found\n");
}

#[test]
fn an_empty_or_relative_search_path_finds_nothing_in_the_project() {
    for path in ["", ".", ":", "bin:.:./x"] {
        for_each_caller(|caller| {
            let site = Site::new(caller);
            let script = site.write("ls", "#!/bin/sh\necho planted\n");
            chmod(&script, 0o755);
            let output = site.run(["ls"]).env("PATH", path).output();
            assert!(!output.stdout.contains("planted"), "{path}: {output}");
            assert_eq!(output.code, Some(127), "{path}: {output}");
        });
    }
}

#[test]
fn an_entry_of_the_search_path_that_goes_up_is_left_out() {
    through(r#"PATH=/usr/bin/../sbin/..:$PATH; exec "$@""#, "command -v ls && echo found", "found\n");
}

#[test]
fn a_cache_behind_a_link_is_warm_and_stays_the_caller_s() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let host = |script: &str| site.host("sh").args(["-c", script]).current_dir(site.home()).status();
        let lay = "mkdir -p disk .cargo && echo warm > disk/crate && ln -s ../disk .cargo/registry";
        assert!(host(lay).expect("sh").success());
        let script = "cat ~/.cargo/registry/crate; echo written > ~/.cargo/registry/new";
        site.run(["sh", "-c", script]).output().expect_code(0).expect_stdout("warm\n");
        assert!(host("test ! -e disk/new").expect("sh").success(), "{caller:?}");
    });
}

#[test]
fn an_absent_or_odd_home_is_replaced_by_a_private_one() {
    for home in ["unset HOME", "HOME=", "HOME=/", "HOME=relative", "HOME=/no/such/home", "HOME=/tmp"] {
        through(&format!(r#"{home}; exec "$@""#), "cd && echo x > file && cat file", "x\n");
    }
}

#[test]
fn a_home_that_is_absent_with_no_state_directory_is_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let bare = ["env", "-u", "HOME", "-u", "CLEARING_STATE_DIR"];
        let output = site.run(["echo", "ran"]).through(bare).output();
        crate::refusal::is_refused(&output, "no place for the state directory");
        output.expect_stderr("hint: set CLEARING_STATE_DIR");
    });
}

#[test]
fn a_state_directory_that_cannot_be_is_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let file = site.write_home("file", "");
        for (state, because) in [
            ("relative", "not an absolute path"),
            (file.to_str().unwrap(), "is not a directory"),
            ("/proc/state", "creating"),
        ] {
            let output = site.run(["echo", "ran"]).env("CLEARING_STATE_DIR", state).output();
            crate::refusal::is_refused(&output, because);
            output.expect_stderr("hint: ");
        }
    });
}

#[test]
fn every_umask_works_and_is_the_command_s_too() {
    for umask in ["0000", "0077", "0022", "0277", "0777"] {
        through(&format!(r#"umask {umask}; exec "$@""#), "umask", &format!("{umask}\n"));
    }
}

#[test]
fn a_huge_environment_of_the_caller_s_is_no_matter() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let run = (0..15)
            .fold(site.run(["sh", "-c", "exit 6"]), |run, n| run.env(format!("BIG{n}"), "x".repeat(100_000)));
        run.output().expect_code(6);
    });
}

#[test]
fn a_variable_of_a_hundred_kilobytes_arrives() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let given = format!("BIG={}", "x".repeat(100_000));
        site.run(["sh", "-c", "echo ${#BIG}"]).args(["-e", &given]).output().expect_stdout("100000\n");
    });
}

#[test]
fn variables_that_are_no_text_or_have_no_name_are_no_matter() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let odd = ["perl", "-e", r#"$ENV{"\xff"} = "\xfe"; $ENV{"LC_ALL"} = "\xfe"; exec @ARGV"#];
        site.run(["sh", "-c", "exit 6"]).through(odd).output().expect_code(6);
    });
}

#[test]
fn a_terminal_s_name_of_the_caller_s_is_no_matter() {
    through(r#"TERM=no-such-terminal COLUMNS=-5 exec "$@""#, "echo on", "on\n");
}

/// Demands that a script works when `clearing` is started from a shell's line.
#[track_caller]
fn through(wrapper: &str, script: &str, said: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["/bin/sh", "-c", script]).through(["/bin/sh", "-c", wrapper, "sh"]).output();
        assert!(output.code == Some(0) && output.stdout.ends_with(said), "{wrapper}: {output}");
    });
}
