//! What is not permitted is told with its rule and the line that would allow it.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use serde_json::json;

use crate::Mcp;
use crate::driver::text;

pub(crate) const PROFILE: &str = "extends = \"default\"\n[commands]\nrules = [{ prefix = [\"touch\"], \
                       decision = \"deny\", reason = \"made by hand\" }]\n";

#[test]
fn a_refused_command_is_explained_and_why_tells_it_again() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let profile = site.write_home("strict.toml", PROFILE);
        let mut mcp = Mcp::begin(&site, &["--discard", "-p", profile.to_str().unwrap()]);
        let why = mcp.answer("why", json!({}));
        assert!(text(&why).contains("no rule refused anything"), "{why}");
        let answer = mcp.answer("run", json!({ "shell": "touch x" }));
        assert_eq!(answer["isError"], true);
        let ran = &answer["structuredContent"];
        assert_eq!((&ran["cause"], &ran["exitCode"]), (&json!("policy"), &json!(125)));
        assert_eq!(ran["denials"][0]["code"], "CLR-POLICY-CMD");
        assert!(
            text(&answer).starts_with(
                "not run: the rules do not permit it (exit code 125)\nrefused (CLR-POLICY-CMD): `touch x`"
            ),
            "{answer}"
        );
        mcp.shell("echo fine");
        let why = mcp.answer("why", json!({}));
        assert_eq!(why["structuredContent"]["exec"], ran["exec"]);
        assert_eq!(why["structuredContent"]["denials"], ran["denials"]);
        assert!(text(&why).contains("made by hand") && text(&why).contains("network: off"), "{why}");
        let asked = mcp.answer("why", json!({ "argv": ["touch", "y"] }));
        assert_eq!(asked["structuredContent"]["rulings"][0]["decision"], "deny", "{asked}");
        let asked = mcp.answer("why", json!({ "argv": ["ls"] }));
        assert!(text(&asked).starts_with("the rules say `allow`"), "{asked}");
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_relative_path_of_a_rule_is_allowed_at_the_top_alone() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let profile = site.write_build_scripts();
        let mut mcp = Mcp::begin(&site, &["--discard", "-p", profile.to_str().unwrap()]);
        assert_eq!(mcp.call("run", json!({ "argv": ["./build.sh"] }))["stdout"], "top\n");
        let refused = mcp.refused("run", json!({ "argv": ["./build.sh"], "cwd": "sub" }));
        assert!(refused.contains("rules name relative paths from the top"), "{refused}");
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_program_that_is_not_there_is_told_with_a_way_forward() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--discard"]);
        let no = mcp.refused("run", json!({ "argv": ["no-such-program"] }));
        assert!(no.starts_with("not run (exit code 127)\n") && no.contains("\nhint: "), "{no}");
        let why = mcp.answer("why", json!({}));
        assert!(text(&why).contains("did not run"), "{why}");
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn why_tells_of_a_command_that_nobody_has_asked_after_and_of_none_that_is_not_there() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--discard"]);
        let no = mcp.refused("why", json!({ "exec": "nothing" }));
        assert!(no.contains("CLR-EXEC-UNKNOWN"), "{no}");
        let exec = mcp.call("exec_start", json!({ "argv": ["sleep", "1000"] }))["exec"].clone();
        let why = mcp.answer("why", json!({ "exec": exec }));
        assert!(text(&why).contains("runs"), "{why}");
        let run = json!({ "argv": ["sleep", "1000"], "timeoutMs": 1000 });
        let exec = mcp.call("exec_start", run)["exec"].clone();
        let of = json!({ "exec": exec });
        let ended = (0..2000).map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            mcp.answer("why", of.clone())
        });
        let why = ended.into_iter().find(|why| why["structuredContent"]["cause"] != json!(null)).unwrap();
        assert_eq!(why["structuredContent"]["exceeded"]["limit"], "timeout", "{why}");
        let plain = mcp.shell("true")["exec"].clone();
        let why = mcp.answer("why", json!({ "exec": plain }));
        assert_eq!(
            (&why["structuredContent"]["exec"], &why["structuredContent"]["cause"]),
            (&plain, &json!("exit"))
        );
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}
