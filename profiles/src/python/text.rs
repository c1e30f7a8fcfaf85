//! Characters of Python text: escapes, letters that stand for others, places.

/// What an escape at the beginning of a text stands for, and how many bytes it takes.
pub(super) fn decoded(text: &str) -> (Option<char>, usize) {
    let Some(kind) = text[1..].chars().next() else { return (Some('\\'), 1) };
    let plain = |character: char| (Some(character), 1 + kind.len_utf8());
    match kind {
        '\n' => (None, 2),
        'n' => plain('\n'),
        't' => plain('\t'),
        'r' => plain('\r'),
        '\\' | '\'' | '"' => plain(kind),
        'x' => number(text, 2, 2, 16),
        'u' => number(text, 2, 4, 16),
        'U' => number(text, 2, 8, 16),
        '0'..='7' => number(text, 1, 3, 8),
        _ => (Some('\\'), 1),
    }
}

/// A character by its number, of so many digits at most.
fn number(text: &str, from: usize, most: usize, radix: u32) -> (Option<char>, usize) {
    let digits = text[from..].chars().take(most).take_while(|c| c.is_digit(radix)).count();
    let character = u32::from_str_radix(&text[from..from + digits], radix).ok().and_then(char::from_u32);
    (character, from + digits)
}

/// Whether Python reads a name with this letter as one with another: it takes compatible letters for the same.
pub(super) fn stands_for_another(letter: char) -> bool {
    matches!(
        letter,
        '\u{ff21}'..='\u{ff5a}'
            | '\u{1d400}'..='\u{1d7ff}'
            | '\u{2100}'..='\u{214f}'
            | '\u{2070}'..='\u{209c}'
            | '\u{1d2c}'..='\u{1d6a}'
            | '\u{fb00}'..='\u{fb06}'
            | 'ª'
            | 'º'
            | 'ſ'
    )
}

/// Where lines begin, so that many places are told from one look at the text.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let after = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after).collect() }
    }

    /// The line and the column, from 1, in characters.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self.starts[line.saturating_sub(1)];
        (line, self.text[start..at].chars().count() + 1)
    }
}
