//! Whatever is judged: an answer comes, the same one twice, and nothing is allowed without a rule.

use clearing_profiles::{Basis, Decision};
use proptest::prelude::*;

use super::{commands, of_text, wrapping};
use crate::fuzz::fuzz;

/// Signs and words of shells, in any order.
#[rustfmt::skip]
pub(crate) const PIECES: &[&str] = &[
    " ", " ", " ", "\n", ";", "&", "|", "&&", "||", "(", ")", "{ ", "; }", "<", ">", "&>", ">&", "2>", "<<E\n", "\nE\n", "<<<", "<(",
    "$(", "`", "${", "}", "$((", "))", "$'", "'", "\"", "\\", "\\\n", "#", "!", "~", "*", "[", "]", "[[ ", " ]]", "{a,b}", "=", "-", "$A", "$@",
    "${A:-", "if ", "; then ", "; fi", "while ", "; do ", "; done", "for x in ", "case x in x) ", ";; esac", "f() ", "f", "function f ", ";;",
    "npm test", "npm", "test", "curl", "echo ", "cat ", "env ", "sh -c ", "eval ", "exec ", "command ", "xargs ", "find . -exec ", " \\;", "time ",
    "trap ", "A=", "PATH=", "export ", "read ", "set -- ", "cd /; ", "./x", "-c ", "--", "{}", "+", "é", "\u{a0}", "\t", "0", "1",
];

pub(crate) fn texts() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat())
}

#[test]
fn any_text_is_judged_and_nothing_is_allowed_without_a_rule() {
    let bare = commands("[commands]\ndefault = 'deny'");
    let strict = commands(wrapping::STRICT);
    fuzz(&texts(), |text| {
        for shell in ["bash", "sh", "zsh"] {
            let judgement = bare.judge(&[shell, "-c", &text]);
            let by_shell = judgement.rulings().iter().all(|ruling| ruling.basis == Basis::Shell);
            assert!(judgement.decision() == Decision::Deny || by_shell, "{text:?}");
            let decision = of_text(&strict, shell, text.as_bytes());
            assert_eq!(decision, of_text(&strict, shell, text.as_bytes()), "{text:?}");
        }
    });
}

#[test]
fn any_words_are_judged() {
    let strict = commands(wrapping::STRICT);
    let word = prop_oneof![
        proptest::sample::select(PIECES).prop_map(|piece| piece.trim().as_bytes().to_vec()),
        "-{1,2}[a-zA-Z-]{0,8}(=[a-z]{0,3})?".prop_map(String::into_bytes),
        proptest::sample::select(vec![
            "env", "-S", "sudo", "timeout", "tar", "git", "find", "busybox", "bash"
        ])
        .prop_map(|word| word.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..6),
    ];
    fuzz(&proptest::collection::vec(word, 1..10), |argv| {
        let judgement = strict.judge(&argv);
        let names = |ruling: &clearing_profiles::Ruling| !ruling.segment.is_empty();
        assert!(judgement.rulings().iter().all(names), "{argv:?}");
    });
}
