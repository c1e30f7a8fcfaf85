//! `clearing exec --lang` on a session that a server holds: the same as without one.

use clearing_tests::{Client, Output, Run, Site, assert_nothing_left, for_each_caller, skip};
use serde_json::json;

/// Each tells its arguments and its input, and ends with a code of its own.
const PROGRAMS: [(&str, &str, &str); 5] = [
    ("python", "python3", "import sys\nprint(sys.argv[1:], repr(sys.stdin.read()))\nsys.exit(7)\n"),
    (
        "node",
        "node",
        "console.log(process.argv.slice(2), JSON.stringify(require('fs').readFileSync(0, 'utf8')));\nprocess.exit(7);\n",
    ),
    ("bash", "bash", "echo \"[$*] '$(cat)'\"\nexit 7\n"),
    ("ruby", "ruby", "puts \"#{ARGV} '#{$stdin.read}'\"\nexit 7\n"),
    ("perl", "perl", "local $/;\nprint \"[@ARGV] '\", <STDIN> // '', \"'\\n\";\nexit 7;\n"),
];

/// A server that holds the session `fix`; nobody holds the session `free`.
fn hold(site: &Site, profile: &str) -> Client {
    site.clearing(["create", "--name", "free", "-p", profile]).output().expect_code(0);
    let mut client = site.serve([] as [&str; 0]);
    client.call("session/create", json!({ "workspace": site.project(), "name": "fix", "profile": profile }));
    client
}

fn script<'s>(site: &'s Site, session: &str, lang: &str) -> Run<'s> {
    // What Python compiles would be a change.
    site.clearing(["exec", session, "--lang", lang, "-e", "PYTHONDONTWRITEBYTECODE=1"])
}

/// What a script does in both sessions, which is the same.
fn in_both<'s>(site: &'s Site, lang: &str, run: impl Fn(Run<'s>) -> Run<'s>) -> Output {
    let [free, held] = ["free", "fix"].map(|session| run(script(site, session, lang)).output());
    assert_eq!((held.code, &held.stdout), (free.code, &free.stdout), "{held}\n{free}");
    held
}

#[test]
fn a_script_has_its_arguments_an_empty_input_and_its_own_code() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let client = hold(&site, "default");
        let has = |program: &str| site.host("which").arg(program).output().unwrap().status.success();
        for (lang, program, code) in PROGRAMS {
            if !has(program) {
                skip(&format!("there is no {program}"));
                continue;
            }
            let ended = in_both(&site, lang, |run| run.stdin(code).command(["one", "two words"]));
            ended.expect_code(7).expect_stdout("two words").expect_stderr("clearing: no changes");
            assert!(ended.stdout.contains("''") || ended.stdout.contains("\"\""), "{ended}");
        }
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn code_as_an_option_leaves_standard_input_to_the_script() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let client = hold(&site, "default");
        let said = in_both(&site, "bash", |run| {
            run.args(["--code", "read x; echo \"$x $1\"; wc -c"]).stdin("said\nmore\n").command(["a"])
        });
        assert_eq!(said.expect_code(0).stdout, "said a\n5\n");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn any_code_arrives_as_it_is_and_no_more_than_the_longest() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let client = hold(&site, "default");
        let bytes = b"printf '\xff\xfe\x01' | od -An -tx1\n".to_vec();
        assert_eq!(
            in_both(&site, "bash", |run| run.stdin(bytes.clone())).expect_code(0).stdout,
            " ff fe 01\n"
        );
        // As a text of JSON it would be longer than a line may be.
        let mut longest = b"exit 3 #".to_vec();
        longest.resize(4 << 20, 1);
        in_both(&site, "bash", |run| run.stdin(longest.clone())).expect_code(3);
        longest.push(1);
        let refused = in_both(&site, "bash", |run| run.stdin(longest.clone()));
        refused.expect_code(125).expect_stderr("more than 4194304 bytes");
        in_both(&site, "bash", |run| run.stdin("")).expect_code(0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn the_outcome_is_told_and_what_the_rules_refuse_does_not_run() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let rules = "extends = \"default\"\n[commands]\nrules = [{ prefix = [\"rm\"], decision = \"deny\", reason = \"kept\" }]\n";
        let profile = site.write_home("rules.toml", rules);
        let client = hold(&site, profile.to_str().unwrap());
        let refused = in_both(&site, "bash", |run| run.stdin("echo fine\nrm -rf x\n"));
        refused.expect_code(125).expect_stderr("`rm -rf x` is not permitted");
        assert_eq!(refused.stdout, "");
        let told = script(&site, "fix", "bash").arg("--json").stdin("echo said; exit 5").output();
        let lines: Vec<serde_json::Value> =
            told.expect_code(5).stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&lines[0]["text"], &lines[1]["exitCode"]), (&json!("said\n"), &json!(5)));
        let record = std::fs::read_to_string(site.state().join("audit.jsonl")).unwrap();
        assert!(record.contains("\"lang\":\"bash\"") && !record.contains("echo said"), "{record}");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
