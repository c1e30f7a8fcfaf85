//! What a profile may say about commands, and what a child may say otherwise.

use clearing_profiles::{Basis, Begins, Decision, Judgement};

use super::commands;
use crate::profiles::Profiles;

const PARENT: &str = r#"
extends = "default"
widen = true
reason = "the parent"
[commands]
default = "deny"
rules = [
    { prefix = ["npm", ["test", "run"]], decision = "allow", reason = "tests" },
    { prefix = ["tar"], decision = "allow", reason = "archives" },
    { prefix = [["sh", "npx"]], decision = "allow", reason = "an interpreter" },
    { prefix = ["git", "push"], decision = "ask", reason = "it leaves the machine" },
    { prefix = ["npm", "run", "deploy"], decision = "deny", reason = "not from here" },
]
"#;

fn family(child: &str) -> Profiles {
    let child = format!("extends = \"parent\"\n[commands]\n{child}\n");
    Profiles::new([("parent", PARENT.as_bytes()), ("child", child.as_bytes())])
}

fn decision(child: &str, argv: &[&str]) -> Decision {
    family(child).find("child").unwrap_or_else(|error| panic!("{error}")).commands.judge(argv).decision()
}

#[test]
fn a_child_may_take_rules_away_or_narrow_them_and_keeps_what_asks_and_denies() {
    let child = r#"rules = [{ prefix = ["npm", "run"], decision = "allow", reason = "scripts" }]"#;
    for (argv, expected) in [
        (&["npm", "run", "lint"][..], Decision::Allow),
        (&["npm", "test"], Decision::Deny),
        (&["npm", "run", "deploy"], Decision::Deny),
        (&["git", "push"], Decision::Ask),
    ] {
        assert_eq!(decision(child, argv), expected, "{argv:?}");
    }
    assert_eq!(decision("rules = []", &["git", "push"]), Decision::Ask);
    assert_eq!(decision("rules = []", &["npm", "test"]), Decision::Deny);
    let more = r#"rules = ["...", { prefix = ["npm", "run"], decision = "ask", reason = "look first" }]"#;
    assert_eq!(decision(more, &["npm", "run", "lint"]), Decision::Ask);
    assert_eq!(decision(more, &["npm", "test"]), Decision::Allow);
}

#[test]
fn a_child_may_not_permit_more() {
    for rules in [
        r#"default = "ask""#,
        r#"default = "allow""#,
        r#"rules = [{ prefix = ["curl"], decision = "allow", reason = "r" }]"#,
        r#"rules = [{ prefix = ["curl"], decision = "ask", reason = "r" }]"#,
        r#"rules = [{ prefix = ["npm"], decision = "allow", reason = "r" }]"#,
        r#"rules = [{ prefix = ["npm", ["test", "install"]], decision = "allow", reason = "r" }]"#,
        r#"rules = [{ prefix = [["npm", "curl"], "test"], decision = "allow", reason = "r" }]"#,
        r#"rules = [{ prefix = ["git", "push"], decision = "allow", reason = "r" }]"#,
        r#"rules = [{ prefix = ["tar", "--to-command=curl"], decision = "allow", reason = "r" }]"#,
        r#"rules = [{ prefix = ["npx", "curl"], decision = "allow", reason = "r" }]"#,
        r#"rules = [{ prefix = ["sh", "-c", "curl"], decision = "allow", reason = "r" }]"#,
        r#"rules = [{ prefix = ["/usr/bin/npm", "test"], decision = "allow", reason = "r" }]"#,
    ] {
        let message = family(rules).message("child");
        assert!(message.starts_with("child.toml:3:"), "{rules}\n{message}");
        assert!(message.contains("`parent`"), "{message}");
        let widened = format!("{}\n[commands]\n{rules}", "extends = 'parent'\nwiden = true\nreason = 'r'");
        let profiles = Profiles::new([("parent", PARENT.as_bytes()), ("child", widened.as_bytes())]);
        assert!(profiles.find("child").is_ok(), "{rules}");
    }
}

#[test]
fn a_judgement_tells_rule_reason_and_the_line_that_would_allow() {
    let rules = commands(
        "[commands]\ndefault = 'deny'\nrules = [{ prefix = ['npm', 'test'], decision = 'allow', reason = 'tests' }]",
    );
    let Judgement::Deny(ruling) = rules.judge(&["bash", "-c", "npm test && curl -s \"http://x\" $A"]) else {
        panic!("it is denied");
    };
    assert_eq!(ruling.segment, "curl -s http://x …");
    assert_eq!(ruling.basis, Basis::NoRule);
    let line =
        r#"rules = ["...", { prefix = ["curl", "-s", "http://x"], decision = "allow", reason = "…" }]"#;
    assert_eq!(ruling.line.as_deref(), Some(line));
    let Judgement::Allow(rulings) = rules.judge(&["env", "npm", "test"]) else { panic!("it is allowed") };
    assert_eq!(rulings.len(), 1);
    assert_eq!(rulings[0].reason(), "tests");
}

#[test]
fn the_line_that_is_told_does_allow() {
    let heading = "[commands]\ndefault = \"deny\"\n";
    let tests = "{ prefix = [\"npm\", \"test\"], decision = \"allow\", reason = \"tests\" }";
    let before = commands(&format!("{heading}rules = [{tests}]"));
    for argv in [
        &["curl", "-s", "a \"b\"\n\\"][..],
        &["bash", "-c", "npm test; $A"],
        &["bash", "-c", "npm test; curl x"],
        &["env", "curl"],
        &["watch", "npm", "test"],
        &["tar", "--to-command=x"],
        &["sh"],
    ] {
        let judgement = before.judge(argv);
        let line = judgement.rulings()[0].line.clone().unwrap_or_else(|| panic!("{argv:?} has a line"));
        // `...` stands for what the profile has.
        let after = commands(&format!("{heading}{}", line.replace("\"...\"", tests)));
        assert_eq!(after.judge(argv).decision(), Decision::Allow, "{argv:?}: {line}");
    }
}

#[test]
fn bytes_that_are_no_text_are_judged_as_they_are() {
    let rules = commands(
        "[commands]\ndefault = 'deny'\nrules = [{ prefix = ['ls'], decision = 'allow', reason = 'r' }]",
    );
    assert_eq!(rules.judge(&[&b"ls"[..], b"\xff\xfe"]).decision(), Decision::Allow);
    assert_eq!(rules.judge(&[&b"ls\xff"[..]]).decision(), Decision::Deny);
    assert_eq!(rules.judge(&[&b"ls"[..], b"a\0b"]).decision(), Decision::Deny);
    assert_eq!(rules.judge(&[&b"bash"[..], b"-c", b"ls \xff; ls"]).decision(), Decision::Allow);
    assert_eq!(rules.judge(&[&b"bash"[..], b"-c", b"l\xffs"]).decision(), Decision::Deny);
    assert_eq!(rules.judge(&[&b"bash"[..], b"-c", b"ls\xa0"]).decision(), Decision::Deny);
    assert_eq!(rules.judge(&[&b"bash"[..], b"-c", b"ls\0"]).decision(), Decision::Deny);
    assert_eq!(rules.judge(&[] as &[&[u8]]).decision(), Decision::Deny);
}

#[test]
fn variables_that_change_programs_are_judged_where_anything_is() {
    let none = commands("");
    let rules = commands("[commands]\ndefault = 'deny'");
    for name in ["PATH", "LD_PRELOAD", "BASH_ENV", "BASH_FUNC_ls%%", "PROMPT_COMMAND", "GIT_PAGER", "IFS"] {
        assert_eq!(rules.judge_variable(name.as_bytes()).decision(), Decision::Deny, "{name}");
        assert_eq!(none.judge_variable(name.as_bytes()).decision(), Decision::Allow, "{name}");
    }
    for name in ["A", "CI", "NODE_ENV", "DEBUG", "RUST_LOG"] {
        assert_eq!(rules.judge_variable(name.as_bytes()).decision(), Decision::Allow, "{name}");
    }
}

/// Bounded by what is read, whatever is written.
#[test]
fn what_is_too_long_or_too_deep_is_not_decided() {
    let rules = commands(
        "[commands]\ndefault = 'deny'\nrules = [{ prefix = ['ls'], decision = 'allow', reason = 'r' }]",
    );
    let of = |text: String| super::of_text(&rules, "bash", text.as_bytes());
    for text in [
        format!("{}ls{}", "(".repeat(30_000), ")".repeat(30_000)),
        format!("echo {}", "$(".repeat(20_000)),
        format!("echo {}", "\"$(".repeat(20_000)),
        format!("echo {}", "${a:-".repeat(12_000)),
        "{ ".repeat(30_000),
        "if ".repeat(20_000),
        "case x in x) ".repeat(5_000),
        "f() ".repeat(15_000),
        "! ".repeat(30_000),
        "cat <<E\n".repeat(8_000),
        "ls;".repeat(20_000),
        " ".repeat(1 << 20),
    ] {
        assert_eq!(of(text.clone()), Decision::Deny, "{:.40}", text);
    }
    let nested = format!("{}ls", "eval ".repeat(16));
    assert_eq!(of(nested), Decision::Deny);
}

/// A command line of megabytes is judged as quickly as it is read.
#[test]
fn a_command_line_of_a_hundred_thousand_commands_is_not_decided() {
    let rules = commands(
        "[commands]\ndefault = 'deny'\nrules = [{ prefix = [['find', 'ok']], decision = 'allow', reason = 'r' }]",
    );
    let of = |words: &[&str]| rules.judge(&[&["find", "."][..], &words.repeat(100_000)].concat());
    assert_eq!(of(&["-exec", "ok", ";"]).decision(), Decision::Deny);
    let judged = of(&["-exec", "bad", ";"]);
    assert_eq!(judged.decision(), Decision::Deny);
    assert!(judged.rulings().iter().all(|ruling| ruling.segment.len() < 1000), "{judged:?}");
    assert_eq!(of(&["-delete"]).decision(), Decision::Deny);
}

/// What lies at a relative path where a command begins is not what the rule's author has seen.
#[test]
fn a_rule_with_a_relative_path_allows_nothing_elsewhere_than_at_the_top() {
    let rules = commands(
        r#"
[commands]
default = "deny"
rules = [
    { prefix = [["./build.sh", "scripts/x", "/opt/tool", "make"]], decision = "allow", reason = "r" },
    { prefix = ["sh", "-c", "./build.sh"], decision = "allow", reason = "r" },
    { prefix = ["./ask.sh"], decision = "ask", reason = "r" },
]
"#,
    );
    for (argv, at_top, elsewhere) in [
        (&["./build.sh", "all"][..], Decision::Allow, Decision::Deny),
        (&["scripts/x"], Decision::Allow, Decision::Deny),
        (&["env", "-i", "scripts/x"], Decision::Allow, Decision::Deny),
        (&["sh", "-c", "make; ./build.sh"], Decision::Allow, Decision::Deny),
        (&["sh", "-c", "./build.sh"], Decision::Allow, Decision::Deny),
        (&["sh", "-c", "make && make install"], Decision::Allow, Decision::Allow),
        (&["sh", "-c", "cd sub && ./build.sh"], Decision::Deny, Decision::Deny),
        (&["../build.sh"], Decision::Deny, Decision::Deny),
        (&["/opt/tool"], Decision::Allow, Decision::Allow),
        (&["./ask.sh"], Decision::Ask, Decision::Ask),
    ] {
        assert_eq!(rules.judge(argv).decision(), at_top, "{argv:?}");
        assert_eq!(rules.judge_at(argv, Begins::Elsewhere).decision(), elsewhere, "{argv:?}");
    }
    let judged = rules.judge_at(&["env", "./build.sh"], Begins::Elsewhere);
    let [ruling] = judged.rulings() else { panic!("{judged:?}") };
    // No line of the like would help.
    assert_eq!((&ruling.basis, &ruling.line), (&Basis::Elsewhere, &None));
    let open = commands("[commands]\nrules = [{ prefix = ['curl'], decision = 'deny', reason = 'r' }]");
    let decision = |argv: &[&str]| open.judge_at(argv, Begins::Elsewhere).decision();
    assert_eq!(decision(&["./test.sh"]), Decision::Allow);
    assert_eq!(decision(&["../curl"]), Decision::Deny);
    assert_eq!(decision(&["sh", "-c", "./test.sh; ./curl"]), Decision::Deny);
}
