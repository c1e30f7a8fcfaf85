//! Rust source with its comments and literals blanked out, so that words found in it are code.

/// Replaces the contents of comments, strings and characters by spaces; lines and columns stay.
pub(super) fn blank(source: &str) -> String {
    let mut lexer = Lexer { left: source, code: String::with_capacity(source.len()) };
    while !lexer.left.is_empty() {
        lexer.step();
    }
    lexer.code
}

struct Lexer<'s> {
    left: &'s str,
    code: String,
}

impl Lexer<'_> {
    fn step(&mut self) {
        let length = match self.left.as_bytes() {
            [b'/', b'/', ..] => self.left.find('\n').unwrap_or(self.left.len()),
            [b'/', b'*', ..] => block_comment(self.left),
            [b'"', ..] => quoted(self.left),
            [b'r', b'"' | b'#', ..] if self.starts_literal() => raw_string(self.left),
            [b'\'', ..] => character(self.left),
            _ => return self.keep(),
        };
        self.blank_out(length.min(self.left.len()));
    }

    /// Whether an `r` here begins a literal, not the end of a name such as `for`.
    fn starts_literal(&self) -> bool {
        let after_name = self.code.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let marker = self.left[1..].trim_start_matches('#');
        (!after_name || self.code.ends_with('b')) && marker.starts_with('"')
    }

    fn keep(&mut self) {
        let mut characters = self.left.chars();
        self.code.extend(characters.next());
        self.left = characters.as_str();
    }

    fn blank_out(&mut self, length: usize) {
        let (literal, left) = self.left.split_at(length);
        self.code.extend(literal.chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
        self.left = left;
    }
}

/// The length of a comment that may hold others.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    text.ceil_char_boundary(at)
}

/// The length of a string in quotes, in which a backslash hides the next character.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// The length of `r"…"` or `r#"…"#`.
fn raw_string(text: &str) -> usize {
    let hashes = text[1..].len() - text[1..].trim_start_matches('#').len();
    let end = format!("\"{}", "#".repeat(hashes));
    let start = 2 + hashes;
    text[start..].find(&end).map_or(text.len(), |found| start + found + end.len())
}

/// The length of a character literal, or 1 for the tick of a lifetime.
fn character(text: &str) -> usize {
    let mut rest = text.char_indices().skip(1);
    match rest.next() {
        Some((_, '\\')) => text[3..].find('\'').map_or(1, |found| found + 4),
        Some(_) => match rest.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::blank;

    /// Makes blanks visible.
    fn blanked(source: &str) -> String {
        blank(source).replace(' ', ".")
    }

    #[test]
    fn comments_are_blanked_and_lines_stay() {
        assert_eq!(blanked("a// unsafe\nb/* /* y */\nz */c"), "a.........\nb..........\n....c");
    }

    #[test]
    fn strings_of_every_kind_are_blanked() {
        assert_eq!(blanked(r#"f("a\"b")+g"#), "f(......)+g");
        assert_eq!(blanked(r##"f(r#"a"b"#)+g"##), "f(........)+g");
        assert_eq!(blanked(r#"f(br"a")+g"#), "f(b....)+g");
    }

    #[test]
    fn characters_are_blanked_and_lifetimes_are_not() {
        assert_eq!(blanked(r"f('\'','{','a)->&'static"), "f(....,...,.a)->&.static");
    }

    #[test]
    fn names_that_end_in_r_begin_no_literal() {
        assert_eq!(blank("for x in r#type"), "for x in r#type");
    }
}
