//! What is wrong with a profile, shown at its place.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// A fault in a profile's text: the place, what is wrong there, and the way forward.
///
/// `Display` gives the whole of it, the line with a caret below included:
///
/// ```text
/// strict.toml:7:1: unknown key `timout` in [limits]
///   7 | timout = "30s"
///     | ^^^^^^
/// hint: did you mean `timeout`?
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// The file as the caller named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The line as text, without what a terminal would take for a command.
    pub excerpt: String,
    /// White space and carets that go below the line.
    pub marks: String,
}

impl Diagnostic {
    /// The place and what is wrong there, in one line, for somebody who may not see what the file says.
    pub fn without_the_line(&self) -> String {
        let Self { file, line, column, message, .. } = self;
        format!("{file}:{line}:{column}: {message}")
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, excerpt, marks, .. } = self;
        writeln!(f, "{}", self.without_the_line())?;
        writeln!(f, "{line:>3} | {excerpt}")?;
        write!(f, "{:>3} | {marks}", "")?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

/// A fault before it is known which file it is in.
#[derive(Debug)]
pub(crate) struct Fault {
    place: Range<usize>,
    message: String,
    hint: Option<String>,
}

impl Fault {
    pub(crate) fn new(place: Range<usize>, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), hint: None }
    }

    /// Adds the way forward.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        self.hint_if(Some(hint.into()))
    }

    /// Adds the way forward, if there is one to tell.
    pub(crate) fn hint_if(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// Says which key above the sections the fault is in.
    pub(crate) fn in_top(mut self, key: &str) -> Self {
        self.message = format!("`{key}`: {}", self.message);
        self
    }

    /// Says which section the fault is in.
    pub(crate) fn in_section(mut self, section: &str) -> Self {
        self.message = format!("[{section}]: {}", self.message);
        self
    }

    /// Says which key the fault is in.
    pub(crate) fn in_key(mut self, key: &str, section: &str) -> Self {
        self.message = format!("`{key}` in [{section}]: {}", self.message);
        self
    }

    /// What is wrong, and the way forward, where there is no text to point at.
    pub(crate) fn told(self) -> (String, Option<String>) {
        (shortened(&self.message), self.hint.as_deref().map(printed))
    }

    /// Finds the line in `text` which the place is on.
    pub(crate) fn diagnose(self, file: &str, text: &str) -> Diagnostic {
        let start = floor_boundary(text, self.place.start);
        let end = floor_boundary(text, self.place.end).max(start);
        let first_line = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
        let line_start = text[..start].rfind('\n').map_or(first_line.min(start), |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let line = text[line_start..line_end].trim_end_matches('\r');
        let before = &text[line_start..start];
        let marked = &text[start..end.min(line_start + line.len()).max(start)];
        let column = before.chars().count() + 1;
        let (line, before) = window(line, before);
        Diagnostic {
            file: file.to_owned(),
            line: text[..line_start].matches('\n').count() + 1,
            column,
            message: shortened(&self.message),
            hint: self.hint.as_deref().map(printed),
            excerpt: printed(&line),
            marks: marks(&before, &marked[..marked.floor_char_boundary(WIDEST / 2)]),
        }
    }
}

/// A message that quotes what is very long, as far as a person reads it.
fn shortened(message: &str) -> String {
    match message.floor_char_boundary(2 * WIDEST) {
        end if end < message.len() => printed(&message[..end]) + "…",
        _ => printed(message),
    }
}

/// Bytes of a line that are shown.
const WIDEST: usize = 240;

/// As much of a line as a person reads, and what of that stands before the place.
fn window<'t>(line: &'t str, before: &'t str) -> (Cow<'t, str>, Cow<'t, str>) {
    if line.len() <= WIDEST {
        return (line.into(), before.into());
    }
    let from = line.floor_char_boundary(before.len().saturating_sub(WIDEST / 2));
    let to = line.floor_char_boundary(from + WIDEST);
    let cut = |at: usize, edge: usize| if at == edge { "" } else { "…" };
    let (left, right) = (cut(from, 0), cut(to, line.len()));
    (format!("{left}{}{right}", &line[from..to]).into(), format!("{left}{}", &before[from..]).into())
}

/// The line and the column, from 1, of a place in a text.
pub(crate) fn line_and_column(text: &str, place: usize) -> (usize, usize) {
    let before = &text[..floor_boundary(text, place)];
    let before = before.strip_prefix(BYTE_ORDER_MARK).unwrap_or(before);
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    (before.matches('\n').count() + 1, column)
}

/// What some editors begin a file with; no one sees it.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Places come from the parser, but nothing here may depend on that for not panicking.
fn floor_boundary(text: &str, place: usize) -> usize {
    text.floor_char_boundary(place.min(text.len()))
}

/// The text without what a terminal would take for a command, character for character.
pub(crate) fn printed(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// White space as wide as `before`, carets as wide as `marked`, at least one.
fn marks(before: &str, marked: &str) -> String {
    let mut marks: String = before.chars().flat_map(|c| padding(c, ' ')).collect();
    marks.extend(marked.chars().flat_map(|c| padding(c, '^')));
    // Of nothing, and of what a terminal gives no cell to.
    if !marks.ends_with('^') {
        marks.push('^');
    }
    marks
}

/// As many `fill` as the character is wide; a tab stays a tab, so that the caret stays below.
fn padding(character: char, fill: char) -> impl Iterator<Item = char> {
    let fill = if character == '\t' && fill == ' ' { '\t' } else { fill };
    std::iter::repeat_n(fill, width(character))
}

/// How many cells a terminal gives to a character: combining marks none, East Asian ones two.
fn width(character: char) -> usize {
    match character {
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}
