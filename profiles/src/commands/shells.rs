//! Shells: what `-c` hands them is text to be judged.

use super::judge::{Inner, Starts};
use super::shell::Dialect;
use super::word::{Word, is_of_system, name};

/// Options of `-o` and `set` that neither change which commands run nor how text is read.
pub(super) const SAFE_OPTIONS: &[&[u8]] = &[
    b"errexit",
    b"nounset",
    b"pipefail",
    b"xtrace",
    b"noglob",
    b"noclobber",
    b"verbose",
    b"errtrace",
    b"functrace",
];

/// Options of `shopt` that are as harmless.
pub(super) const SAFE_SHOPTS: &[&[u8]] = &[
    b"nullglob",
    b"globstar",
    b"failglob",
    b"dotglob",
    b"nocaseglob",
    b"nocasematch",
    b"lastpipe",
    b"inherit_errexit",
    b"globasciiranges",
    b"huponexit",
];

pub(super) const INPUT: &str = "what it reads as a script is known only when it runs";

/// Whether a script's path leads to what is open, and not to a file. Only the path is looked at.
pub(super) fn is_input(path: &[u8]) -> bool {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let is_process = |part: &[u8]| part.ends_with(b"self") || part.iter().all(u8::is_ascii_digit);
    match parts[..] {
        [b"dev" | b"proc", ..] if path.starts_with(b"/") => true,
        [b"dev", b"stdin" | b"fd", ..] => true,
        [b"proc", process, ..] => is_process(process),
        _ => false,
    }
}

/// What a shell would run; nothing where this is none.
pub(super) fn starts<'w>(words: &[Word<'w>]) -> Option<Starts<'w>> {
    let dialect = match name(words.first()?.text()?) {
        b"sh" | b"dash" | b"ash" => Dialect::Sh,
        b"bash" | b"rbash" => Dialect::Bash,
        b"zsh" => Dialect::Zsh,
        _ => return None,
    };
    // One in the project is a program like any other, whatever its name.
    let alone = is_of_system(words[0].text()?);
    Some(
        read(words, dialect, alone)
            .unwrap_or(Starts::exposed("the shell has an option that is not known to be harmless")),
    )
}

fn read<'w>(words: &[Word<'w>], dialect: Dialect, alone: bool) -> Option<Starts<'w>> {
    let mut at = 1;
    let mut text_follows = false;
    while let Some(word) = words.get(at) {
        let known = match word.text() {
            Some(known) => known,
            None if text_follows && !word.start.is_empty() && !word.begins("-") && !word.begins("+") => break,
            None => return None,
        };
        at += 1;
        match known {
            b"--" | b"-" => break,
            [b'-', b'-', long @ ..] if dialect == Dialect::Bash => {
                const LONG: &[&[u8]] =
                    &[b"noprofile", b"norc", b"posix", b"login", b"verbose", b"restricted"];
                LONG.contains(&long).then_some(())?;
            }
            [b'-' | b'+', letters @ ..] if !letters.is_empty() => {
                text_follows |= letters.contains(&b'c');
                at = cluster(words, at, letters, dialect)?;
            }
            _ => {
                at -= 1;
                break;
            }
        }
    }
    Some(match (text_follows, words.get(at)) {
        (true, Some(word)) => match word.text() {
            Some(text) => Starts::Others { alone, inner: vec![Inner::Text(text.to_vec(), dialect)] },
            None => Starts::exposed("its text is known only when it runs"),
        },
        (true, None) => return None,
        (false, Some(script)) if is_input(script.text()?) => Starts::Exposed { at, why: INPUT },
        (false, Some(_)) => Starts::Itself,
        // Whoever allows a shell by a rule of its own has allowed this.
        (false, None) => Starts::Exposed { at: 0, why: "a shell runs whatever its input says" },
    })
}

/// Goes over the letters of an option, and the words that belong to them.
fn cluster(words: &[Word<'_>], mut at: usize, letters: &[u8], dialect: Dialect) -> Option<usize> {
    for letter in letters {
        let harmless: &[u8] = match dialect {
            // What is interactive there knows no comments.
            Dialect::Zsh => b"cexvuln",
            Dialect::Sh | Dialect::Bash => b"ceuxvfCnbmhilp",
        };
        match letter {
            // zsh takes what is left of the word for the option.
            b'o' | b'O' if dialect == Dialect::Zsh && letters.len() > 1 => return None,
            b'o' | b'O' => {
                let option = words.get(at)?.text()?;
                let safe = if *letter == b'o' { SAFE_OPTIONS } else { SAFE_SHOPTS };
                safe.contains(&option).then_some(())?;
                at += 1;
            }
            letter => harmless.contains(letter).then_some(())?,
        }
    }
    Some(at)
}
