//! A diff as a person reads it: in git's colours, and without a character that a terminal would obey.

use std::io::{self, Write};

use clearing_rootfs::{Lines, Part};

use crate::text::printable_line;

/// Shows the lines of a diff.
pub(super) struct Shown<'a> {
    pub(super) out: &'a mut dyn Write,
    pub(super) color: bool,
}

/// Ends every colour.
pub(super) const PLAIN: &str = "\x1b[m";

impl Lines for Shown<'_> {
    fn line(&mut self, part: Part, line: &[u8]) -> io::Result<()> {
        let text = printable_line(line);
        match color(part).filter(|_| self.color && !text.is_empty()) {
            Some(color) => writeln!(self.out, "{color}{text}{PLAIN}"),
            None => writeln!(self.out, "{text}"),
        }
    }
}

/// Those that git has where nobody chose others.
fn color(part: Part) -> Option<&'static str> {
    match part {
        Part::Note => Some("\x1b[33m"),
        Part::Meta => Some("\x1b[1m"),
        Part::Hunk => Some("\x1b[36m"),
        Part::Old => Some("\x1b[31m"),
        Part::New => Some("\x1b[32m"),
        Part::Context => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_colours_of_ours_and_no_control_of_the_commands() {
        let mut out = Vec::new();
        let mut shown = Shown { out: &mut out, color: true };
        shown.line(Part::New, b"+\x1b]0;title\x07\tx\xff\r").unwrap();
        shown.line(Part::Context, "  \u{202e}ä\u{9b}31m".as_bytes()).unwrap();
        let expected = "\x1b[32m+\\u{1b}]0;title\\u{7}\tx\\xff\\r\x1b[m\n  \\u{202e}ä\\u{9b}31m\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
