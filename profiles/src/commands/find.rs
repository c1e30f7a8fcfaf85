//! `find`: looked at by itself, and through `-exec` and its like.

use super::judge::{Inner, Starts};
use super::word::{Rest, Word};
use super::wrappers::replaced;

/// What it starts, besides itself.
pub(super) fn starts<'w>(words: &[Word<'w>]) -> Starts<'w> {
    let why = "what it starts is known only when it runs";
    let mut inner = Vec::new();
    let mut at = 1;
    while let Some(word) = words.get(at) {
        at += 1;
        let Some(text) = word.text() else {
            // A path or a pattern is harmless as long as it stays one that is no action.
            match word.rest == Rest::Many || word.start.is_empty() || word.begins("-") {
                true => return Starts::exposed(why),
                false => continue,
            }
        };
        match text {
            b"-exec" | b"-execdir" | b"-ok" | b"-okdir" => {
                let Some(end) = end_of_command(&words[at..]) else { return Starts::exposed(why) };
                let mut command = words[at..at + end].to_vec();
                if may_be_an_operand(&command) {
                    return Starts::exposed("what looks like its command may be an operand");
                }
                command.iter_mut().for_each(|word| replaced(word, b"{}"));
                inner.push(Inner::Program(command, text.ends_with(b"dir")));
                at += end + 1;
            }
            b"-delete" => inner.push(Inner::Program(vec![Word::known(&b"rm"[..]), Word::many()], false)),
            _ => {}
        }
    }
    if inner.is_empty() { Starts::Itself } else { Starts::Others { alone: false, inner } }
}

/// Whether a word that looks like `-exec` may have been what `-name` looks for: then tests and actions follow.
fn may_be_an_operand(command: &[Word<'_>]) -> bool {
    let is_of_find = |word: &Word<'_>| {
        matches!(word.start.first(), Some(b'-')) || ["(", ")", "!", ","].iter().any(|sign| word.is(sign))
    };
    let acts =
        |word: &Word<'_>| ["-exec", "-execdir", "-ok", "-okdir", "-delete"].iter().any(|act| word.is(act));
    command.first().is_some_and(is_of_find) || command.iter().any(acts)
}

/// How many words there are up to `;`, or to `+` behind `{}`.
fn end_of_command(words: &[Word<'_>]) -> Option<usize> {
    for (place, word) in words.iter().enumerate() {
        match word.text()? {
            b";" => return (place > 0).then_some(place),
            b"+" if place > 0 && words[place - 1].is("{}") => return Some(place),
            _ => {}
        }
    }
    None
}
