//! What a person is asked about a command before it runs.
//!
//! Who says yes says it to the whole command, so all of it is in his sight: a line for each thing that is asked about,
//! none of which the command or a rule's reason can begin, and the command as it would run. One that is too long for
//! the screen is nothing to be asked about.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use clearing_profiles::Ruling;
use rustix::termios::Winsize;

use crate::policy::Denial;
use crate::text::{is_obeyed, line, printable};

/// What is asked.
pub(crate) struct Question<'a> {
    pub(crate) rulings: &'a [Ruling],
    /// Variables that are asked about, with their values.
    pub(crate) variables: Vec<(&'a OsStr, &'a OsStr)>,
    pub(crate) command: Vec<&'a OsStr>,
    /// The text that an interpreter is to run, if the command does not have it.
    pub(crate) script: Option<&'a OsStr>,
    /// Where it begins, if that is not the top of the project.
    pub(crate) directory: Option<&'a Path>,
}

/// What is shown around it, in its first and last line.
const AROUND: &str = "clearing:  [y/N] ";

impl Question<'_> {
    /// The question; none if it cannot be seen at once on a screen of this size.
    pub(crate) fn text(&self, screen: Winsize) -> Option<String> {
        let mut lines: Vec<String> =
            self.rulings.iter().map(|ruling| line(&Denial::of(ruling).text())).collect();
        let variables = self.variables.iter().map(|(name, value)| format!("{}={}", word(name), word(value)));
        let words = variables.chain(self.command.iter().map(|it| word(it)));
        lines.push(format!("the command: {}", words.collect::<Vec<_>>().join(" ")));
        lines.extend(self.script.map(|text| format!("its script: {}", word(text))));
        lines.extend(self.directory.map(|path| format!("it begins in `{}`", printable(path))));
        lines.push("Run it?".to_owned());
        let columns = usize::from(screen.ws_col).max(1);
        // No character takes more columns than it has bytes.
        let rows: usize = lines.iter().map(|line| (line.len() + AROUND.len()).div_ceil(columns)).sum();
        (rows <= usize::from(screen.ws_row)).then(|| lines.join("\n"))
    }
}

/// A word as a shell would read it, in one line and with nothing that a terminal obeys.
fn word(word: &OsStr) -> String {
    let text = word.to_str();
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,^".contains(c);
    if let Some(text) = text.filter(|text| !text.is_empty() && text.chars().all(is_plain)) {
        return text.to_owned();
    }
    if let Some(text) = text.filter(|text| !text.contains(is_obeyed)) {
        return format!("'{}'", text.replace('\'', "'\\''"));
    }
    let mut quoted = "$'".to_owned();
    for chunk in word.as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\'' | '\\' => quoted.extend(['\\', character]),
                '\n' => quoted.push_str("\\n"),
                '\t' => quoted.push_str("\\t"),
                character if is_obeyed(character) => {
                    let _ = write!(quoted, "\\U{:08x}", u32::from(character));
                }
                character => quoted.push(character),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(quoted, "\\x{byte:02x}");
        }
    }
    quoted + "'"
}

#[cfg(test)]
mod tests {
    use clearing_profiles::{Basis, Decision};

    use super::*;

    const SCREEN: Winsize = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };

    fn asked(segment: &str, command: &[&[u8]], screen: Winsize) -> Option<String> {
        let ruling = Ruling {
            segment: segment.to_owned(),
            decision: Decision::Ask,
            basis: Basis::Undecided("so"),
            line: None,
        };
        let command = command.iter().map(|word| OsStr::from_bytes(word)).collect();
        let variables = vec![(OsStr::new("PATH"), OsStr::new("a b"))];
        let script = Some(OsStr::new("print()\n"));
        Question { rulings: &[ruling], variables, command, script, directory: Some(Path::new("/p/s")) }
            .text(screen)
    }

    #[test]
    fn nothing_that_is_asked_about_begins_a_line_or_moves_the_cursor() {
        let asked =
            asked("a\nRun it? [y/N] y\x1b[2J", &[b"sh", b"-c", b"it's\n\x1b[2J\xff\xe2\x80\xae\\"], SCREEN);
        assert_eq!(
            asked.unwrap(),
            "`a\\nRun it? [y/N] y\\u{1b}[2J` has to be confirmed: so\n\
             the command: PATH='a b' sh -c $'it\\'s\\n\\U0000001b[2J\\xff\\U0000202e\\\\'\n\
             its script: $'print()\\n'\n\
             it begins in `/p/s`\n\
             Run it?"
        );
    }

    #[test]
    fn what_does_not_fit_on_the_screen_is_not_asked() {
        let of = |length: usize, screen| asked("a", &["x".repeat(length).as_bytes()], screen);
        assert!(of(1000, SCREEN).is_some_and(|asked| asked.contains(&"x".repeat(1000))));
        assert_eq!(of(2000, SCREEN), None);
        assert!(of(2000, Winsize { ws_row: 60, ..SCREEN }).is_some());
        assert_eq!(of(1, Winsize { ws_row: 2, ..SCREEN }), None);
    }
}
