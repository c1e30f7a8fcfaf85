//! What is found in Python text, and how long that takes at the most.

use clearing_profiles::{Severity, python_findings};
use proptest::prelude::*;
use proptest::sample::select;

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

/// Programs in which nothing that the rules look for is written outside of strings and comments.
fn harmless() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "x",
        "y",
        "=",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        ";",
        ".",
        "\n",
        "\n    ",
        "def f(x):",
        "class A:",
        "if x:",
        "import json",
        "from json import loads as y",
        "import os",
        "os.getcwd()",
        "lambda x: y",
        "+",
        ":=",
        "'eval(x)'",
        "\"\"\"exec(y)\n\"\"\"",
        "f'{x}'",
        "f\"{y!r:>{x}}\"",
        "# os.system(x)\n",
        "rb'\\''",
        "1.5e3",
        "\\\n",
        "é",
        "for x in y:",
        "with x as y:",
        "return x",
        "x.eval()",
        "'",
        "\"",
        "'''",
        "f'",
        "\u{2028}",
    ]);
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_program_is_read_and_a_call_of_eval_before_it_is_found(text in harmless()) {
        let lines = text.lines().count() + 2;
        let found = python_findings(&format!("eval(x)\n{text}"));
        prop_assert_eq!((found[0].line, found[0].column, found[0].rule), (1, 1, "code-from-text"));
        prop_assert!(found.iter().all(|finding| finding.line <= lines));
        // A quote that nothing closes turns code and text around.
        let is_quote = |piece: &str| ["'", "\"", "'''", "f'"].contains(&piece);
        prop_assert!(text.split(' ').any(is_quote) || found.len() == 1, "{:?}", found);
    }
}
