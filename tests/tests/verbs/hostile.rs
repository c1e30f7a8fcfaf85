//! What a command or a project chose — names, contents, words — is shown, and never obeyed by a terminal.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use clearing_tests::decoys::Terminal;
use clearing_tests::{Output, Run, Site, for_each_caller};

/// Clears the screen, rings, goes back, reorders; begins a line of its own; and is no text at its end.
const NAME: &[u8] = b"n\x1b[2J\x07\x08\x7f\xc2\x9b31m\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8\r\nFORGED\x9b";

/// What makes all kinds of changes under that name.
const WRITE: &str = r#"n=$1
    printf 'eval("%s")\n' "$n" > "$n.py"; echo "eval(x)" > "said.$n"; mkdir "dir$n"; echo "$n" > "dir$n/file"
    ln -s "/etc/$n" "link$n"; mkfifo "pipe$n"; echo "$n" >> tracked; rm "gone$n"; chmod 600 "mode$n""#;

#[test]
fn no_verb_lets_a_terminal_obey_what_others_chose() {
    for_each_caller(|caller| {
        let site = furnished(caller);
        for words in CALLS {
            let output = call(&site, words).output();
            expect_harmless(words, &output.stdout, &output);
            expect_harmless(words, &output.stderr, &output);
        }
    });
}

#[test]
fn json_has_in_escapes_what_a_terminal_would_obey() {
    for_each_caller(|caller| {
        let site = furnished(caller);
        let others = ["--stat", "--name-status", "--no-pager"];
        for words in CALLS.iter().filter(|words| !words.iter().any(|word| others.contains(word))) {
            let at = words.iter().position(|word| *word == "--").unwrap_or(words.len());
            let with_json = [&words[..at], &["--json"], &words[at..]].concat();
            let output = call(&site, &with_json).output();
            expect_harmless(words, &output.stdout, &output);
            expect_harmless(words, &output.stderr, &output);
            let objects = output.stdout.lines().map(serde_json::from_str::<serde_json::Value>);
            assert!(
                objects.into_iter().all(|object| object.is_ok_and(|it| it["type"].is_string())),
                "{output}"
            );
        }
    });
}

#[test]
fn a_diff_on_a_terminal_is_shown_and_not_obeyed() {
    for_each_caller(|caller| {
        let site = furnished(caller);
        for options in [&[][..], &["--stat"], &["--name-status"], &["--name-status", "-z"], &["--json"]] {
            let words = [&["diff", "fix"], options].concat();
            let mut terminal = Terminal::open(&site);
            let shown = {
                let run = call(&site, &words).env("PAGER", "cat").env("NO_COLOR", "1").env("TERM", "xterm");
                let output = run.terminal(&terminal).output();
                output.expect_code(0);
                terminal.read_all()
            };
            assert!(shown.contains("tracked"), "{shown:?}");
            let shown = shown.replace("\r\n", "\n");
            let is_obeyed =
                |character: char| is_obeyed(character) && (character, options.last()) != ('\0', Some(&"-z"));
            assert!(!shown.contains(is_obeyed), "{words:?}: {shown:?}");
        }
    });
}

/// `NAME` stands for the name; what has to come after another stands after it.
const CALLS: &[&[&str]] = &[
    &["ls"],
    &["inspect", "fix"],
    &["history", "fix"],
    &["diff", "fix", "--stat"],
    &["diff", "fix", "--name-status"],
    &["diff", "fix", "NAME"],
    &["diff", "fix", "--no-pager", "--", "no/NAME"],
    &["findings", "fix"],
    &["findings", "NAME"],
    &["commit", "fix", "--dry-run"],
    &["commit", "fix", "--only", "[NAME"],
    &["exec", "fix", "--", "sh", "-c", "echo \"$1\" > again", "sh", "NAME"],
    &["exec", "fix", "--", "./NAME"],
    &["exec", "fix", "-p", "asks.toml", "--", "rm", "NAME"],
    &["exec", "fix", "-p", "asks.toml", "--", "sh", "-c", "rm NAME"],
    &["exec", "NAME", "--", "true"],
    &["snapshot", "fix", "NAME"],
    &["rollback", "fix", "NAME"],
    &["fork", "fix", "--name", "NAME"],
    &["create", "--name", "NAME"],
    &["create", "-w", "dir.NAME", "--name", "elsewhere"],
    &["create", "-p", "NAME.toml"],
    &["patch", "check", "fix", "NAME.patch"],
    &["patch", "apply", "fix", "NAME.patch"],
    &["patch", "check", "fix", "no.NAME"],
    &["run", "--", "NAME"],
    &["run", "--plan", "--", "NAME"],
    &["run", "-w", "no.NAME", "--", "true"],
    &["run", "-p", "NAME", "--", "true"],
    &["run", "-p", "./NAME.toml", "--", "true"],
    &["run", "--result", "no.NAME/x", "--", "true"],
    &["run", "--env", "NAME", "--", "true"],
    &["run", "--timeout", "NAME", "--", "true"],
    &["run", "--layer", "copy", "--", "true"],
    &["run", "--commit", "always", "--", "sh", "-c", "rm mode*"],
    &["policy", "check", "--", "NAME"],
    &["policy", "check", "-p", "asks.toml", "--", "rm", "NAME"],
    &["policy", "show", "-p", "asks.toml"],
    &["policy", "show", "-p", "./NAME.toml"],
    &["doctor"],
    &["ls", "--NAME"],
    &["NAME"],
    &["commit", "fix"],
    &["rm", "fix"],
    &["rm", "NAME"],
    &["gc", "--keep", "0", "--dry-run"],
    &["gc", "--keep", "0"],
    &["discard", "fix"],
    &["discard", "fix", "--yes"],
    &["audit", "show"],
    &["audit", "show", "--session", "NAME"],
    &["audit", "verify", "--expect", "NAME"],
];

fn call<'s>(site: &'s Site, words: &[&str]) -> Run<'s> {
    site.clearing(words.iter().map(|word| word_of(word)))
}

fn word_of(word: &str) -> OsString {
    let Some((before, after)) = word.split_once("NAME") else { return word.into() };
    // An argument that has to be text loses its last byte.
    let name = if before.is_empty() && after.is_empty() { &NAME[..NAME.len() - 1] } else { NAME };
    OsString::from_vec([before.as_bytes(), name, after.as_bytes()].concat())
}

/// A project with such names, and a session which made more of them.
fn furnished(caller: clearing_tests::Caller) -> Site {
    let site = Site::new(caller);
    site.write("tracked", "x\n");
    for name in ["goneNAME", "modeNAME", "hidNAME/.env", "dir.NAME/file"] {
        site.write(word_of(name), "x\n");
    }
    let rule = "{ prefix = [\"rm\"], decision = \"deny\", reason = \"no\u{9b}31m\u{202e}\" }";
    site.write("asks.toml", format!("[commands]\nrules = [{rule}]\n"));
    site.write(word_of("NAME.toml"), [b"[limits]\nmemory = \"", NAME, b"\"\n"].concat());
    let patch = "diff --git \"a/n\\033[2J\\233\\n\" \"b/n\\033[2J\\233\\n\"\nnew file mode 100644\n--- /dev/null\n\
                 +++ \"b/n\\033[2J\\233\\n\"\n@@ -0,0 +1 @@\n+x\x1b[2J\n";
    site.write(word_of("NAME.patch"), patch);
    site.clearing(["create", "--name", "fix"]).output().expect_code(0);
    let command = ["sh", "-c", WRITE, "sh"].map(OsString::from).into_iter();
    let exec = site.clearing(["exec", "fix"]).command(command.chain([OsString::from_vec(NAME.to_vec())]));
    let output = exec.output();
    output.expect_code(0);
    expect_harmless(&["exec"], &output.stderr, &output);
    site
}

#[track_caller]
fn expect_harmless(words: &[&str], text: &str, output: &Output) {
    let obeyed: String = text.chars().filter(|&character| is_obeyed(character)).collect();
    assert!(obeyed.is_empty(), "{words:?}: {obeyed:?}\n{:?}\n{output}", output.stderr);
    assert!(output.is_text, "{words:?}\n{output}");
    let forged = text.lines().find(|line| line.starts_with("FORGED"));
    assert_eq!(forged, None, "{words:?}\n{output}");
}

/// Control characters but for a line's end and a tab, and what reorders.
fn is_obeyed(character: char) -> bool {
    let reorders =
        matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    let is_control = character.is_control() && !matches!(character, '\n' | '\t');
    is_control || reorders || matches!(character, '\u{2028}' | '\u{2029}')
}
