//! The build script: a broken file of the table fails the build, and says where.

#[path = "../build/condition.rs"]
mod condition;
#[path = "../build/rules.rs"]
mod rules;
#[path = "../build/source.rs"]
mod source;

use std::fs;

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
