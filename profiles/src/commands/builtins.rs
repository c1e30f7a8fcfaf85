//! Commands of shells themselves. Most start nothing; some change what later commands are.

use super::changes::Changes;
use super::judge::{Inner, Starts};
use super::shell::{BUILTINS_OF_ZSH, Dialect};
use super::shells::{INPUT, SAFE_OPTIONS, SAFE_SHOPTS, is_input};
use super::variables::{assigned, changes_programs, is_name};
use super::word::{Rest, Word};

/// The shell that a command stands in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shell {
    pub(super) dialect: Dialect,
    /// What its texts change.
    pub(super) changes: Changes,
}

const CHANGES: &str = "it changes what later commands are";
const VALUE: &str = "it evaluates a value as code, or may";

/// What a command of the shell starts; nothing where this is none.
pub(super) fn starts<'w>(words: &[Word<'w>], shell: Shell) -> Option<Starts<'w>> {
    let name = words.first()?.text()?;
    let arguments = &words[1..];
    if shell.dialect == Dialect::Zsh {
        return of_zsh(name, arguments);
    }
    Some(match name {
        b":" | b"true" | b"false" | b"echo" | b"pwd" | b"times" | b"exit" | b"return" | b"break"
        | b"continue" | b"shift" | b"umask" | b"ulimit" | b"cd" | b"fg" | b"bg" | b"kill" | b"type" => {
            Starts::Nothing
        }
        b"pushd" | b"popd" | b"dirs" | b"disown" | b"caller" | b"help" if shell.dialect == Dialect::Bash => {
            Starts::Nothing
        }
        b"[" | b"test" => safe(condition(arguments), VALUE),
        b"printf" => safe(arguments.first().is_none_or(|first| !may_be_option(first)), VALUE),
        b"jobs" => safe(only(arguments, &[b"-l", b"-p", b"-r", b"-s", b"-n"]), CHANGES),
        b"wait" => safe(arguments.iter().all(|word| !may_be_option(word) || word.is("-n")), CHANGES),
        b"hash" => safe(only(arguments, &[b"-r"]), CHANGES),
        b"set" => safe(set(arguments), CHANGES),
        b"shopt" if shell.dialect == Dialect::Bash => safe(shopt(arguments), CHANGES),
        b"export" | b"readonly" | b"local" => safe(declares(arguments, shell), CHANGES),
        b"declare" | b"typeset" if shell.dialect == Dialect::Bash => {
            safe(declares(arguments, shell), CHANGES)
        }
        b"unset" => safe(!shell.changes.defines && unsets(arguments), CHANGES),
        b"read" => safe(reads(arguments), CHANGES),
        b"getopts" => {
            let one = arguments.first().is_some_and(|word| word.rest < Rest::Several);
            safe(one && arguments.get(1).is_some_and(is_harmless_name), CHANGES)
        }
        b"." | b"source" => return sourced(words),
        b"eval" => eval(arguments, shell),
        b"trap" => trap(arguments, shell),
        b"alias" | b"unalias" | b"bind" | b"compgen" | b"complete" | b"compopt" | b"enable" | b"fc"
        | b"history" | b"let" | b"mapfile" | b"readarray" | b"suspend" | b"logout" | b"autoload"
        | b"zmodload" | b"functions" | b"emulate" | b"setopt" | b"unsetopt" | b"declare" | b"typeset"
        | b"shopt" | b"pushd" | b"popd" | b"dirs" | b"disown" | b"caller" | b"help" => {
            Starts::exposed(CHANGES)
        }
        b"builtin" if shell.dialect == Dialect::Sh => Starts::exposed(CHANGES),
        _ => return None,
    })
}

/// zsh evaluates numbers and names nearly everywhere.
fn of_zsh<'w>(name: &[u8], arguments: &[Word<'_>]) -> Option<Starts<'w>> {
    let number = |word: &Word<'_>| word.text().is_some_and(|text| text.iter().all(u8::is_ascii_digit));
    match name {
        b"echo" | b"cd" | b"pwd" | b"true" | b"false" | b":" => Some(Starts::Nothing),
        b"exit" | b"return" | b"break" | b"continue" | b"shift" => {
            Some(safe(arguments.iter().all(number), VALUE))
        }
        name if BUILTINS_OF_ZSH.iter().any(|builtin| builtin.as_bytes() == name) => {
            Some(Starts::exposed(CHANGES))
        }
        _ => None,
    }
}

/// `.`: a file is what it is by itself, and no input is one.
fn sourced<'w>(words: &[Word<'_>]) -> Option<Starts<'w>> {
    let at = if words.get(1)?.is("--") { 2 } else { 1 };
    match words.get(at)?.text() {
        Some(path) if path.starts_with(b"-") || is_input(path) => Some(Starts::Exposed { at, why: INPUT }),
        Some(_) => None,
        None => Some(Starts::exposed(INPUT)),
    }
}

fn safe<'w>(is_safe: bool, why: &'static str) -> Starts<'w> {
    if is_safe { Starts::Nothing } else { Starts::exposed(why) }
}

/// Whether a word may be read as an option.
fn may_be_option(word: &Word<'_>) -> bool {
    word.begins("-")
        || word.begins("+")
        // What becomes nothing leaves its place to the next.
        || word.rest >= Rest::Several
        || (word.rest != Rest::Nothing && word.start.is_empty())
}

/// Whether all options are among these, and nothing else may become one.
fn only(arguments: &[Word<'_>], options: &[&[u8]]) -> bool {
    arguments
        .iter()
        .all(|word| !may_be_option(word) || word.text().is_some_and(|text| options.contains(&text)))
}

/// `test`: the operand of `-v` is evaluated, so none may be where it is not a plain name.
fn condition(arguments: &[Word<'_>]) -> bool {
    let may_be_v = |word: &Word<'_>| word.could_be("-v") || word.could_be("-R");
    let plain = |word: &Word<'_>| word.text().is_some_and(|text| !text.contains(&b'['));
    arguments.iter().all(|word| word.rest < Rest::Several)
        && arguments.windows(2).all(|pair| !may_be_v(&pair[0]) || plain(&pair[1]))
}

fn set(arguments: &[Word<'_>]) -> bool {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let Some(text) = word.text() else { return !may_be_option(word) };
        match text {
            b"--" | b"-" => return true,
            [b'-' | b'+', letters @ ..] => {
                for letter in letters {
                    let named =
                        |word: &Word<'_>| word.text().is_some_and(|text| SAFE_OPTIONS.contains(&text));
                    match letter {
                        b'e' | b'u' | b'x' | b'v' | b'f' | b'C' | b'n' | b'b' | b'm' | b'E' | b'T' => {}
                        b'o' if words.next().is_none_or(named) => {}
                        _ => return false,
                    }
                }
            }
            _ => return true,
        }
    }
    true
}

fn shopt(arguments: &[Word<'_>]) -> bool {
    arguments.iter().all(|word| {
        word.text()
            .is_some_and(|text| matches!(text, b"-s" | b"-u" | b"-q" | b"-p") || SAFE_SHOPTS.contains(&text))
    })
}

/// A variable's name that may be set, whatever its value.
fn is_harmless_name(word: &Word<'_>) -> bool {
    word.text().is_some_and(|text| is_name(text) && !changes_programs(text))
}

/// `export` and its like: `NAME` and `NAME=VALUE`, where the name is known and harmless.
fn declares(arguments: &[Word<'_>], shell: Shell) -> bool {
    arguments.iter().all(|word| {
        if word.begins("-") {
            return word.text().is_some_and(|text| text[1..].iter().all(|letter| b"xrgpaA".contains(letter)));
        }
        match (assigned(&word.start), word.text()) {
            // An unquoted value may become more names.
            (Some(name), _) => {
                let value = &word.start[name.len() + 1..];
                // That of an array is read as one where it has brackets.
                let list = value.starts_with(b"(")
                    || (value.is_empty() && word.rest != Rest::Nothing && shell.changes.arrays);
                word.rest < Rest::Several && !list && is_name(name) && !changes_programs(name)
            }
            // What was a plain variable until now may be one that others see.
            (None, Some(name)) => is_name(name) && !changes_programs(name),
            (None, None) => false,
        }
    })
}

fn unsets(arguments: &[Word<'_>]) -> bool {
    arguments.iter().all(|word| word.is("-v") || is_harmless_name(word))
}

fn reads(arguments: &[Word<'_>]) -> bool {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let Some(text) = word.text() else { return false };
        let [b'-', letters @ ..] = text else {
            if !is_harmless_name(word) {
                return false;
            }
            continue;
        };
        for (place, letter) in letters.iter().enumerate() {
            let last = place + 1 == letters.len();
            match letter {
                b'r' | b's' | b'e' => {}
                // The text of a prompt or a delimiter may be anything.
                b'p' | b'd' | b'n' | b'N' | b't'
                    if last && words.next().is_none_or(|word| word.rest < Rest::Several) => {}
                b'p' | b'd' | b'n' | b'N' | b't' if last => return false,
                b'p' | b'd' | b'n' | b'N' | b't' => break,
                b'a' if last && words.next().is_some_and(is_harmless_name) => {}
                _ => return false,
            }
        }
    }
    true
}

fn eval<'w>(arguments: &[Word<'w>], shell: Shell) -> Starts<'w> {
    let arguments = match arguments.first() {
        Some(first) if first.is("--") => &arguments[1..],
        _ => arguments,
    };
    let texts: Option<Vec<&[u8]>> = arguments.iter().map(Word::text).collect();
    match texts {
        Some(texts) => {
            Starts::Others { alone: true, inner: vec![Inner::Text(texts.join(&b' '), shell.dialect)] }
        }
        None => Starts::exposed("its text is known only when it runs"),
    }
}

fn trap<'w>(arguments: &[Word<'w>], shell: Shell) -> Starts<'w> {
    let arguments = match arguments.first() {
        Some(first) if first.is("--") => &arguments[1..],
        _ => arguments,
    };
    let Some(first) = arguments.first() else { return Starts::Nothing };
    match first.text() {
        None => Starts::exposed("its text is known only when it runs"),
        Some(b"-" | b"" | b"-l" | b"-p") => Starts::Nothing,
        Some(text) => Starts::Others { alone: true, inner: vec![Inner::Text(text.to_vec(), shell.dialect)] },
    }
}
