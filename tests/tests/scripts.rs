//! `--lang`: programs given as text, on standard input or as an option.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

use std::fs;
use std::process::Stdio;

use clearing_tests::{Output, Run, Site, for_each_caller, skip};
use serde_json::Value;

/// Each prints its arguments and whether its input is at its end, and then fails in its third line.
const PROGRAMS: [(&str, &str, &str, &str); 5] = [
    (
        "python",
        "python3",
        "import sys, os, helper\nprint(sys.argv[1:], repr(sys.stdin.read()), os.path.basename(__file__), helper.NAME)\n\
         raise ValueError('here')\n",
        "script.py\", line 3",
    ),
    (
        "node",
        "node",
        "const helper = require('./helper.js'), more = require('more');\nconsole.log(process.argv.slice(2), \
         JSON.stringify(require('fs').readFileSync(0, 'utf8')), require('path').basename(__filename), helper + more);\n\
         throw new Error('here');\n",
        "script.js:3",
    ),
    (
        "bash",
        "bash",
        "source ./helper.sh\necho \"[$*] '$(cat)' $(basename \"$0\") $NAME\"\nno-such-program\n",
        "script.sh: line 3",
    ),
    (
        "ruby",
        "ruby",
        "require './helper'\nputs \"#{ARGV} '#{$stdin.read}' #{File.basename(__FILE__)} #{NAME}\"\nraise 'here'\n",
        "script.rb:3",
    ),
    (
        "perl",
        "perl",
        "use File::Basename; require './helper.pl';\nlocal $/; print \"[@ARGV] '\", <STDIN> // '', \"' \", basename(__FILE__), \
         \" $NAME\\n\";\ndie 'here';\n",
        "script.pl line 3",
    ),
];

fn site(caller: clearing_tests::Caller) -> Site {
    let site = Site::new(caller);
    site.write("helper.py", "NAME = 'helper'\n");
    site.write("helper.js", "module.exports = 'help';\n");
    site.write("node_modules/more/index.js", "module.exports = 'er';\n");
    site.write("helper.sh", "NAME=helper\n");
    site.write("helper.rb", "NAME = 'helper'\n");
    site.write("helper.pl", "our $NAME = 'helper'; 1;\n");
    site
}

fn script<'s>(site: &'s Site, lang: &str, code: &str) -> Run<'s> {
    site.run(["one", "two words"]).args(["--lang", lang]).stdin(code)
}

fn has(site: &Site, program: &str) -> bool {
    let found = site.host(program).arg("--version").stdin(Stdio::null()).output();
    let is_there = found.is_ok_and(|output| output.status.success());
    if !is_there {
        skip(&format!("there is no {program}"));
    }
    is_there
}

#[test]
fn a_program_on_standard_input_has_arguments_its_place_and_an_empty_input() {
    for_each_caller(|caller| {
        let site = site(caller);
        for (lang, program, code, place) in PROGRAMS.iter().filter(|(_, program, ..)| has(&site, program)) {
            // What Python compiles would be a change.
            let output = script(&site, lang, code).args(["-e", "PYTHONDONTWRITEBYTECODE=1"]).output();
            assert!(!matches!(output.code, Some(0 | 125)), "{output}");
            let line = output.stdout.lines().next().unwrap_or_default();
            assert!(
                line.contains("one") && line.contains("two words") && line.ends_with("helper"),
                "{program}: {output}"
            );
            assert!(line.contains("''") || line.contains("\"\""), "{program}: {output}");
            assert!(line.contains(" script."), "{program}: {output}");
            output.expect_stderr(place);
            assert_eq!(output.outcome()["changes"]["added"], 0, "{output}");
        }
    });
}

#[test]
fn standard_output_is_the_scripts_alone_and_its_code_is_ours() {
    for_each_caller(|caller| {
        let site = site(caller);
        let output = script(&site, "bash", "echo \"$1\"; exit 7").output();
        assert_eq!(
            (output.expect_code(7).stdout.as_str(), &output.outcome()["exitCode"]),
            ("one\n", &7.into())
        );
        site.run(["x"]).args(["--lang", "bash"]).stdin("").output().expect_code(0);
        let output = site.clearing(["run", "--lang", "bash"]).stdin("echo no arguments").output();
        assert_eq!(output.expect_code(0).stdout, "no arguments\n");
    });
}

#[test]
fn code_as_an_option_leaves_standard_input_to_the_script() {
    for_each_caller(|caller| {
        let site = site(caller);
        let run = site.run(["a"]).args(["--lang", "bash", "--code", "read x; echo \"$x $1\""]);
        assert_eq!(run.stdin("said\n").output().expect_code(0).stdout, "said a\n");
        site.clearing(["run", "--code", "x", "--", "true"]).output().expect_code(125).expect_stderr("--lang");
        site.clearing(["run"]).output().expect_code(125);
    });
}

#[test]
fn modules_of_the_project_are_imported_by_node_too() {
    for_each_caller(|caller| {
        let site = site(caller);
        site.write("es.mjs", "export default 'imported';\n");
        if !has(&site, "node") {
            return;
        }
        let code = "import es from './es.mjs';\nimport more from 'more';\nconsole.log(es, more, import.meta.url.length > 9);\n";
        let output = script(&site, "node", code).output();
        assert_eq!(output.expect_code(0).stdout, "imported er true\n", "{output}");
    });
}

#[test]
fn the_code_is_in_no_command_line_and_on_no_disk_and_goes_with_the_run() {
    for_each_caller(|caller| {
        let site = site(caller);
        let code = "secret=only-in-the-script\ntr '\\0' ' ' < /proc/$$/cmdline; echo\nstat -c '%a %n' \"$(dirname \"$0\")\" \"$0\"\n\
                    tr '\\0' '\\n' < /proc/$$/environ | grep -c only-in || true\n";
        let output = script(&site, "bash", code).output();
        let lines: Vec<&str> = output.expect_code(0).stdout.lines().collect();
        assert!(lines[0].starts_with("bash /tmp/clearing-") && !lines[0].contains("only-in"), "{output}");
        assert!(
            lines[1].starts_with("700 /tmp/clearing-") && lines[2].starts_with("600 /tmp/clearing-"),
            "{output}"
        );
        assert_eq!(lines[3], "0", "{output}");
        let record = fs::read_to_string(site.state().join("audit.jsonl")).unwrap();
        assert!(!record.contains("only-in-the-script"), "{record}");
        let decision: Value = serde_json::from_str(record.lines().next().unwrap()).unwrap();
        let sha256 = clearing_tests::expect_success(site.host("sh").args([
            "-c",
            "printf %s \"$0\" | sha256sum",
            code,
        ]));
        let script = &decision["detail"]["script"];
        assert_eq!(script["sha256"].as_str(), sha256.split_whitespace().next());
        assert_eq!((&script["lang"], &script["bytes"]), (&"bash".into(), &code.len().into()));
    });
}

#[test]
fn a_session_runs_scripts_too() {
    for_each_caller(|caller| {
        let site = site(caller);
        site.clearing(["create", "--name", "s"]).output().expect_code(0);
        let exec =
            |code: &str| -> Output { site.clearing(["exec", "s", "--lang", "bash"]).stdin(code).output() };
        exec("echo made > made").expect_code(0);
        assert_eq!(exec("cat made; ls /tmp").expect_code(0).stdout.lines().next(), Some("made"));
        let names = site.clearing(["diff", "s", "--name-status"]).output();
        assert_eq!(names.expect_code(0).stdout, "A\tmade\n");
    });
}

const RULES: &str = r#"
extends = "default"
[commands]
enforce = ENFORCE
default = "deny"
rules = [
    { prefix = ["python3", "-"], decision = "allow", reason = "scripts alone" },
    { prefix = [["bash", "echo", "cat"]], decision = "allow", reason = "harmless" },
]
"#;

#[test]
fn rules_judge_the_interpreter_and_what_a_shell_is_told() {
    for_each_caller(|caller| {
        let site = site(caller);
        for enforce in ["false", "true"] {
            site.write("rules.toml", RULES.replace("ENFORCE", enforce));
            let by = |lang, code| script(&site, lang, code).args(["-p", "./rules.toml"]).output();
            assert_eq!(by("python", "import helper; print(helper.NAME)").expect_code(0).stdout, "helper\n");
            assert_eq!(by("bash", "echo fine | cat").expect_code(0).stdout, "fine\n");
            by("bash", "echo fine; rm -rf x").expect_code(125).expect_stderr("`rm -rf x` is not permitted");
            by("perl", "print 1").expect_code(125).expect_stderr("`perl - one 'two words'`");
        }
        let record = fs::read_to_string(site.state().join("audit.jsonl")).unwrap();
        assert!(!record.contains("rm -rf x"), "the record has the hash of the code: {record}");
    });
}

#[test]
fn an_interpreter_that_is_not_there_is_told_as_a_program_is() {
    for_each_caller(|caller| {
        let site = site(caller);
        let run = script(&site, "ruby", "puts 1").env("PATH", "/nowhere");
        run.output().expect_code(127).expect_stderr("execve(ruby)").expect_stderr("hint: ");
        script(&site, "cobol", "")
            .output()
            .expect_code(125)
            .expect_stderr("[possible values: python, node, bash, ruby, perl]");
        let long = "#".repeat((4 << 20) + 1);
        script(&site, "bash", &long).output().expect_code(125).expect_stderr("more than 4194304 bytes");
        script(&site, "bash", &long[1..]).output().expect_code(0);
    });
}
