//! The build script: a broken file of the table, or a broken profile, fails the build, and says where.

#[path = "../build/builtin.rs"]
mod builtin;
#[path = "../build/condition.rs"]
mod condition;
#[path = "../build/expression.rs"]
mod expression;
#[allow(dead_code, unused_imports, unreachable_pub, reason = "the rest is for the crate and its callers")]
#[path = "../build/parser.rs"]
mod parser;
#[path = "../build/rules.rs"]
mod rules;
#[path = "../build/source.rs"]
mod source;
#[path = "../build/syscalls.rs"]
mod syscalls;

use std::fs;
use std::path::Path;

use expression::Expression as _;
use parser::{
    chain, commands, diagnostic, error, heading, limit_values, load, origin, profile, quantity, section,
    sections, sources, stated, suggest, value,
};

/// Compiles one file and gives the complaint without its path, or the text of the rules.
fn compile(text: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("table.toml");
    fs::write(&path, text).expect("the file is written");
    let without_path = |complaint: String| complaint.replace(&format!("{}:", path.display()), "");
    let files = source::read_all(folder.path()).map_err(without_path)?;
    let rules = rules::compile(&files).map_err(without_path)?;
    rules::compile_never(&files, &rules).map_err(without_path)?;
    Ok(rules.values().map(|rule| rule.text.as_str()).collect())
}

fn complaint(text: &str) -> String {
    compile(text).expect_err("the file is broken")
}

/// The complaint on a rule with one condition, which stands on the third line.
fn condition_complaint(condition: &str) -> String {
    let rule = "[[rule]]\ncalls = [\"ioctl\"]\nwhen = [[\"";
    complaint(&format!("{rule}{condition}\"]]\nanswer = \"allow\"\notherwise = \"eperm\"\nreason = \"r\"\n"))
}

#[test]
fn a_rule_becomes_rust() {
    let text = "[constants]\nTYPE = 0xF\n[[rule]]\ncalls = [\"socket\"]\nanswer = \"allow\"\notherwise = \"enosys\"\n\
                when = [[\"u32 arg1 & TYPE == 1\", \"u64 arg2 >= 0x10\"]]\nreason = \"r\"\n";
    let expected = "SyscallRule { name: \"socket\", answer: Answer::Allow, when: &[&[\
        Condition { argument: 1, width: Width::Dword, comparison: Comparison::MaskedEqual(0xf), value: 0x1 }, \
        Condition { argument: 2, width: Width::Qword, comparison: Comparison::GreaterOrEqual, value: 0x10 }\
        ]], otherwise: Answer::Enosys, reason: \"r\" }";
    assert_eq!(compile(text).as_deref(), Ok(expected));
}

#[test]
fn a_call_has_one_rule() {
    let text = "[[rule]]\ncalls = [\"read\", \"write\"]\nanswer = \"allow\"\n[[rule]]\ncalls = [\"read\"]\nanswer = \"allow\"\n";
    assert_eq!(complaint(text), "5:10: the call has a rule already: \"read\"");
}

#[test]
fn refused_conditional_and_surprising_calls_have_reasons() {
    let expected = "1:20: a refused, conditional or surprising call says why: `reason`";
    for (call, answer) in [("bpf", "eperm"), ("clone3", "enosys"), ("ptrace", "allow")] {
        let text = format!("rule = [{{ calls = [\"{call}\"], answer = \"{answer}\" }}]");
        assert_eq!(complaint(&text), format!("{expected}: \"{call}\""));
    }
}

#[test]
fn conditions_and_another_answer_come_together() {
    let expected = "1:20: `when` and another answer in `otherwise` come together: \"x\"";
    for rest in [
        "answer = 'allow', when = [['u32 arg0 == 0']]",
        "answer = 'allow', otherwise = 'eperm'",
        "answer = 'allow', when = [['u32 arg0 == 0']], otherwise = 'allow'",
    ] {
        let text = format!("rule = [{{ calls = [\"x\"], reason = 'r', {rest} }}]");
        assert_eq!(complaint(&text), expected);
    }
    let empty =
        "rule = [{ calls = [\"x\"], reason = 'r', answer = 'allow', when = [[]], otherwise = 'eperm' }]";
    assert_eq!(complaint(empty), "1:20: an empty list of conditions always holds: \"x\"");
}

#[test]
fn a_condition_that_does_not_parse_is_told_at_its_place() {
    for (condition, what) in [
        ("u32 arg0", "a condition reads `u32 arg1 & MASK == VALUE`"),
        ("u32 arg0 & 1 != 1", "a condition reads `u32 arg1 & MASK == VALUE`"),
        ("u16 arg0 == 1", "widths are `u32` and `u64`"),
        ("u32 arg6 == 1", "arguments are `arg0` to `arg5`"),
        ("u32 arg0 ~ 1", "no such comparison"),
        ("u32 arg0 == NOPE", "not a number, nor a name in [constants]"),
        ("u32 arg0 == 0x100000000", "the number is wider than the argument"),
        ("u32 arg0 & 3 == 4", "the mask takes bits away that the value has"),
    ] {
        assert_eq!(condition_complaint(condition), format!("3:10: {what}: \"{condition}\""));
    }
}

#[test]
fn what_can_never_be_allowed_has_a_rule_that_refuses_something() {
    let rules = "[[rule]]\ncalls = [\"read\"]\nanswer = \"allow\"\n[[never]]\nreason = \"r\"\n";
    let never = |call: &str| complaint(&format!("{rules}calls = [\"{call}\"]\n"));
    assert_eq!(never("read"), "6:10: the call is allowed already: \"read\"");
    assert_eq!(never("mount"), "6:10: the call has no rule: \"mount\"");
}

#[test]
fn unknown_keys_and_answers_are_refused() {
    let unknown = complaint("[[rule]]\ncalls = []\nanswer = \"allow\"\nbecause = \"r\"\n");
    assert!(unknown.starts_with("4:1: unknown field `because`"), "{unknown}");
    let unknown = complaint("[[rule]]\ncalls = []\nanswer = \"perhaps\"\n");
    assert!(unknown.starts_with("3:10: unknown variant `perhaps`"), "{unknown}");
}

/// Gives the parser the table, as the build script does first.
fn provide_table() {
    let files = source::read_all(Path::new("syscalls")).expect("the table is read").leak();
    let rules = rules::compile(files).expect("the table has rules");
    let never = rules::compile_never(files, &rules).expect("the table has calls that cannot be allowed");
    syscalls::provide(&rules, &never);
}

/// Resolves one text as `strict.toml` and gives its expression, or the complaint without the folder.
fn resolve(text: &str) -> Result<String, String> {
    provide_table();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("strict.toml");
    fs::write(&path, text).expect("the file is written");
    let without_folder = |text: String| text.replace(&format!("{}/", folder.path().display()), "");
    builtin::resolve(&path).map(|profile| profile.expression()).map_err(without_folder)
}

#[test]
fn a_broken_profile_is_told_at_its_place() {
    for (text, complaint) in [
        ("[limits]\ncore = 1\ncore = 2", "3:1: duplicate key"),
        (
            "extends = 'default'\n[limits]\n timout = 1",
            "3:2: unknown key `timout` in [limits] (did you mean `timeout`?)",
        ),
        ("extends = 'defualt'", "1:11: no profile is named `defualt` (did you mean `default`?)"),
        (
            "extends = 'browser'",
            "1:11: no profile is named `browser` (built in: default, express, flask, go, node, offline, python, react, \
             rust, strict; a path has a `/` or ends in `.toml`)",
        ),
        ("extends = './strict.toml'", "1:11: `./strict.toml` is in this chain of profiles already"),
        (
            "extends = 'default'\nwiden = true\nreason = 'r'\n[syscalls]\nallow = ['ptrac']",
            "5:10: `allow` in [syscalls]: no system call is named `ptrac` (did you mean `ptrace`?)",
        ),
    ] {
        assert_eq!(resolve(text), Err(format!("strict.toml:{complaint}")));
    }
    let never = resolve("extends = 'default'\nwiden = true\nreason = 'r'\n[syscalls]\nallow = ['mount']");
    let never = never.expect_err("`mount` is never allowed");
    assert!(
        never.starts_with("strict.toml:5:10: `allow` in [syscalls]: no profile can allow `mount`: "),
        "{never}"
    );
}

#[test]
fn the_builtin_profiles_become_a_table_by_name() {
    provide_table();
    let table = builtin::compile().expect("the built-in profiles load");
    assert!(table.starts_with("pub(super) static PROFILES: &[Builtin] = &[\n"), "{table}");
    for name in builtin::names() {
        let entry = format!(
            "\n    Builtin {{ name: \"{name}\", make: || crate::Profile {{ name: String::from(\"{name}\"), "
        );
        assert_eq!(table.matches(&entry).count(), 1, "{table}");
    }
}

/// The profile and the expression have every kind of value that `default` has none of.
#[test]
fn a_profile_becomes_rust() {
    let text = r#"
        extends = "default"
        widen = true
        reason = "a \"reason\""
        [filesystem]
        read = ["/srv/data", "~/data"]
        layer = "disk"
        [network]
        mode = "host"
        [environment]
        pass = ["PATH", "LC_*"]
        set = { A = "1", B = "\\" }
        [limits]
        timeout = "1.5s"
        [syscalls]
        allow = ["mbind"]
        refuse = ["ptrace"]
        [guards]
        landlock = "best-effort"
    "#;
    let expression = resolve(text).expect("the profile loads");
    for part in [
        r#"crate::Profile { name: String::from("strict"), "#,
        r#"widened: vec![crate::Widening { profile: String::from("strict"), reason: String::from("a \"reason\"") }], "#,
        r#"read: vec![crate::HostPath::Absolute(std::path::PathBuf::from("/srv/data")), crate::HostPath::Home(std::path::PathBuf::from("data"))], "#,
        "tool_roots: true, caches: true, layer: crate::LayerPlace::Disk, layer_size: 2147483648 }, ",
        "crate::Network { mode: crate::NetworkMode::Host }, ",
        r#"crate::Environment { pass: borrowed(&["PATH", "LC_*"]), "#,
        r#"set: std::collections::BTreeMap::from([(String::from("A"), String::from("1")), (String::from("B"), String::from("\\"))]) }, "#,
        "crate::Limits { timeout: Some(std::time::Duration::new(1, 500000000)), grace: std::time::Duration::new(2, 0), ",
        "cpus: None, cpu_time: None, memory: Some(8589934592), processes: Some(4096), ",
        "stack: Some(8388608), memlock: 65536, cgroup: crate::Requirement::BestEffort }, ",
        r#"allow: std::collections::BTreeSet::from(["mbind"]), refuse: std::collections::BTreeSet::from(["ptrace"]) }, "#,
        "crate::Guards { tier: crate::Tier::Namespaces, requirements: [crate::Requirement::Required, ",
        "crate::Requirement::BestEffort, crate::Requirement::Required, ",
    ] {
        assert!(expression.contains(part), "{part}\n{expression}");
    }
}
