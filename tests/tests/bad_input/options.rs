//! Options that make no sense are refused before anything runs.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};

use crate::refusal::{fails_with, is_refused, options_are_refused};

#[test]
fn a_timeout_that_is_none_is_refused() {
    for nonsense in
        ["", "abc", "-1s", "1", "1.5.5s", "1e99h", "99999999999999999999h", "5 parsecs", "NaNs", "infs"]
    {
        options_are_refused(&[&format!("--timeout={nonsense}")], "--timeout");
    }
}

#[test]
fn a_timeout_of_centuries_is_no_deadline() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["sh", "-c", "exit 6"]).args(["--timeout", "9999999h"]).output();
        assert!(matches!(output.code, Some(6 | 125)), "{output}");
    });
}

#[test]
fn a_variable_without_a_value_or_a_name_is_refused() {
    options_are_refused(&["-e", "NAME"], "`=` is missing");
    options_are_refused(&["-e", "=value"], "the name is empty");
}

#[test]
fn a_profile_that_is_not_there_is_refused() {
    options_are_refused(&["-p", "no-such-profile"], "no-such-profile");
    options_are_refused(&["-p", "./no/such/profile.toml"], "no/such/profile.toml");
    options_are_refused(&["-p", ""], "profile");
    options_are_refused(&["-p", "/"], "/");
}

#[test]
fn an_unknown_option_network_or_subcommand_is_refused() {
    options_are_refused(&["--no-such-option"], "--no-such-option");
    options_are_refused(&["--network", "carrier-pigeon"], "carrier-pigeon");
    for_each_caller(|caller| {
        let site = Site::new(caller);
        fails_with(&site.clearing(["no-such-subcommand"]).output(), 125, "no-such-subcommand");
    });
}

#[test]
fn a_result_that_cannot_be_written_is_refused_before_anything_runs() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for path in ["/no/such/directory/result", "/", "/proc/version/x"] {
            let run = site.clearing(["run", "--result", path]).command(["echo", "ran"]);
            is_refused(&run.output(), "writing `");
        }
        assert_nothing_left(&site);
    });
}

#[test]
fn a_result_for_which_there_is_no_room_is_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let run = site.clearing(["run", "--result", "/dev/full"]).command(["true"]);
        fails_with(&run.output(), 125, "writing `/dev/full`: No space left on device");
        assert_nothing_left(&site);
    });
}

#[test]
fn json_for_which_there_is_no_room_is_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let full = ["sh", "-c", r#"exec "$@" >/dev/full"#, "sh"];
        let output = site.run(["echo", "told"]).arg("--json").through(full).output();
        fails_with(&output, 125, "No space left on device");
        assert_nothing_left(&site);
    });
}
