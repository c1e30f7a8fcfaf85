//! Nothing that a command is wrapped in makes it allowed.

use clearing_profiles::{Commands, Decision};
use proptest::prelude::*;

use super::{commands, of_text};

/// How one text becomes part of another. `T` stands for the text, `Q` for the text as one quoted word, `B` for
/// the text as it is written between backquotes.
pub(crate) const WRAPS: &[&str] = &[
    "T",
    "( T )",
    "{ T\n}",
    "T\nnpm test",
    "npm test # it's\nT",
    "npm test; T",
    "npm test && T",
    "npm test || T",
    "npm test | T",
    "npm test & T",
    "! T",
    "if T\nthen :; fi",
    "if npm test; then T\nelse :; fi",
    "while T\ndo break; done",
    "until npm test; do T\ndone",
    "for x in a b; do T\ndone",
    "case a in a) T\n;; esac",
    "f() { T\n}; f",
    "function f { T\n}; f",
    "echo $(T\n)",
    "echo \"a$(T\n)b\"",
    "echo `B`",
    "echo ${A:-$(T\n)}",
    "A=$(T\n) npm test",
    "A=(a $(T\n))",
    "[[ -n $(T\n) ]]",
    "cat <(T\n)",
    "cat <<E\n$(T\n)\nE",
    "echo x > \"$(T\n)\"",
    "sh -c Q",
    "bash -ec Q",
    "bash -o pipefail -c Q name",
    "/bin/bash -c Q",
    "env -i A=1 sh -c Q",
    "nice -n 3 nohup sh -c Q",
    "timeout -k 1 5 sh -c Q",
    "stdbuf -oL setsid sh -c Q",
    "xargs -n 1 sh -c Q",
    "find . -exec sh -c Q {} \\;",
    "find . -exec sh -c Q {} +",
    "sudo -n sh -c Q",
    "busybox sh -c Q",
    "command -p sh -c Q",
    "exec sh -c Q",
    "time sh -c Q",
    "eval Q",
    "command eval Q",
    "trap Q EXIT",
];

/// The same, for what is never read.
const UNREAD: &[&str] =
    &["coproc { T\n}", "select x in a; do T\ndone < f", "watch Q", "script -c Q", "su -c Q", "ksh -c Q"];

pub(crate) const STRICT: &str = r#"[commands]
default = "deny"
rules = [
    { prefix = ["npm", "test"], decision = "allow", reason = "tests" },
    { prefix = [["echo", "cat", "find", "busybox"]], decision = "allow", reason = "harmless" },
    { prefix = ["sudo", "-n"], decision = "allow", reason = "looked through" },
]"#;

const LENIENT: &str = r#"[commands]
default = "allow"
rules = [
    { prefix = [["curl", "wget"]], decision = "deny", reason = "no downloads" },
    { prefix = ["git", "push"], decision = "ask", reason = "it leaves the machine" },
]"#;

/// Commands that neither of the policies allows.
const UNALLOWED: &[&str] = &[
    "curl x",
    "'curl' x",
    "/usr/bin/curl",
    "c\\url",
    "wget",
    "git push",
    "git $A",
    "$A",
    "{curl,x}",
    "PATH=/x npm test",
    "alias npm=curl",
    "env curl",
    "eval \"$A\"",
    "xargs wget",
];

pub(crate) fn wrap(wrap: &str, text: &str) -> String {
    let quoted = format!("'{}'", text.replace('\'', "'\\''"));
    let mut escaped = String::new();
    for character in text.chars() {
        if matches!(character, '\\' | '`' | '$') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    let mut wrapped = String::new();
    for character in wrap.chars() {
        match character {
            'T' => wrapped.push_str(text),
            'Q' => wrapped.push_str(&quoted),
            'B' => wrapped.push_str(&escaped),
            other => wrapped.push(other),
        }
    }
    wrapped
}

fn policies() -> [Commands; 2] {
    [commands(STRICT), commands(LENIENT)]
}

#[test]
fn every_construct_is_looked_through_to_what_is_allowed() {
    let [strict, _] = policies();
    for construct in WRAPS {
        let text = wrap(construct, "npm test");
        assert_eq!(of_text(&strict, "bash", text.as_bytes()), Decision::Allow, "{text}");
    }
}

#[test]
fn no_construct_makes_an_unallowed_command_allowed() {
    for policy in policies() {
        for construct in WRAPS.iter().chain(UNREAD) {
            for command in UNALLOWED {
                let text = wrap(construct, command);
                assert_ne!(of_text(&policy, "bash", text.as_bytes()), Decision::Allow, "{text}");
                assert_ne!(of_text(&policy, "sh", text.as_bytes()), Decision::Allow, "{text}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_nest_of_constructs_makes_an_unallowed_command_allowed(
        command in proptest::sample::select(UNALLOWED),
        constructs in proptest::collection::vec(
            proptest::sample::select([WRAPS, UNREAD].concat()), 1..=4),
    ) {
        let text = constructs.iter().fold(command.to_owned(), |text, construct| wrap(construct, &text));
        for policy in policies() {
            prop_assert_ne!(of_text(&policy, "bash", text.as_bytes()), Decision::Allow, "{}", text);
            prop_assert_ne!(of_text(&policy, "sh", text.as_bytes()), Decision::Allow, "{}", text);
            prop_assert_ne!(of_text(&policy, "zsh", text.as_bytes()), Decision::Allow, "{}", text);
        }
    }
}
