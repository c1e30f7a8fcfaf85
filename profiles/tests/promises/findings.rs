//! What is found in Python text, and how long that takes at the most.

use clearing_profiles::{Severity, python_findings};

/// Bytes of which each nests: far more than a stack holds.
const LENGTH: usize = 1 << 17;

/// Texts and findings are parted by `----`, and cases by `====`.
const CORPUS: &str = include_str!("findings/python.txt");

#[test]
fn the_corpus_has_the_findings_that_it_names_and_no_other() {
    let cases: Vec<_> = CORPUS.split("====\n").collect();
    assert!(cases.len() >= 60);
    let mut wrong = Vec::new();
    for case in cases {
        let (text, expected) = case.split_once("----\n").expect("a text and its findings");
        let found: String =
            python_findings(text).iter().map(|f| format!("{}:{} {}\n", f.line, f.column, f.rule)).collect();
        if found != expected {
            wrong.push(format!("{text}expected\n{expected}found\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn texts_that_are_deep_long_or_broken_are_read_in_one_go() {
    let many = |text: &str| text.repeat(LENGTH / text.len());
    for hostile in [
        "(",
        "[",
        "{",
        "x(",
        "f'{",
        "f'{f\"{",
        "a.",
        "not ",
        "- ",
        "a**",
        "lambda: ",
        "x if y else ",
        "x=",
        "'''",
        "\\\n",
        "def f():\n ",
        "if x:",
        "x;",
        "@",
        ")",
        "import a,",
        "a,",
        "\n ",
        "f'{x:{",
        "\"\\",
        "a if ",
        "import a\n",
        "x = y\n",
        "eval ",
        "getattr(a,'b').",
    ] {
        let text = many(hostile);
        let found = python_findings(&text);
        assert!(found.len() <= 1001, "{hostile}");
        let code = format!("eval(x)\n{}", &text[..text.len() / 2]);
        assert_eq!(python_findings(&code)[0].rule, "code-from-text", "{hostile}");
    }
}

#[test]
fn what_is_too_long_or_too_deep_is_told() {
    let unread = |text: &str| {
        python_findings(text).iter().any(|f| f.rule == "unread" && f.severity == Severity::Medium)
    };
    assert!(unread(&"x = 1\n".repeat(200_000)));
    assert!(unread(&format!("{}eval(x){}", "(".repeat(150), ")".repeat(150))));
    assert!(!unread(&format!("{}x{}", "(".repeat(50), ")".repeat(50))));
}
