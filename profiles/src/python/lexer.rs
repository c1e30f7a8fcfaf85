//! Tokens of Python text: what a program means by it, whatever is broken about it.
//!
//! A text that no interpreter takes still gives tokens; every character is looked at once.

use super::text::decoded;

/// A token with the byte at which it stands.
#[derive(Debug, Clone)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) at: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Kind<'t> {
    /// A name or a keyword.
    Name(&'t str),
    /// A string, without its escapes, and what its replacement fields hold.
    String(String, Vec<Vec<Token<'t>>>),
    /// A number.
    Number(&'t str),
    /// An operator or a bracket.
    Sign(&'t str),
    /// The end of a logical line; the next begins with so much white space.
    Line(usize),
}

/// Fields of strings in fields of strings: nobody writes more.
const DEEPEST: usize = 8;
/// Signs of more than one character, the longer ones first.
const SIGNS: &[&str] = &[
    "**=", "//=", ">>=", "<<=", "...", ":=", "->", "==", "!=", "<=", ">=", "+=", "-=", "*=", "/=", "%=",
    "&=", "|=", "^=", "@=", "**", "//", "<<", ">>",
];

/// What begins a statement and nothing else.
const BEGINNINGS: &[&str] = &["import ", "def ", "class ", "async def "];

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    brackets: usize,
    depth: usize,
    /// Whether something was nested too deep to be read.
    pub(super) too_deep: bool,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, brackets: 0, depth: 0, too_deep: false }
    }

    /// All tokens of the text.
    pub(super) fn tokens(&mut self) -> Vec<Token<'t>> {
        let mut tokens = vec![Token { kind: Kind::Line(self.indent()), at: 0 }];
        while let Some(token) = self.next() {
            tokens.push(token);
        }
        tokens
    }

    fn next(&mut self) -> Option<Token<'t>> {
        loop {
            let (at, character) = (self.at, self.rest().chars().next()?);
            let kind = match character {
                '\n' => match self.newline() {
                    Some(kind) => kind,
                    None => continue,
                },
                // In a field it is how a number is written.
                '#' if self.depth == 0 => {
                    self.skip_to_line_end();
                    continue;
                }
                '\\' if self.rest()[1..].trim_start_matches('\r').starts_with('\n') => {
                    self.skip_to_line_end();
                    self.at += 1;
                    continue;
                }
                _ if character.is_whitespace() || character == '\u{feff}' => {
                    self.at += character.len_utf8();
                    continue;
                }
                '"' | '\'' => self.string(""),
                _ if character.is_ascii_digit() => self.number(),
                _ if is_name(character) => self.name(),
                _ => self.sign(character),
            };
            return Some(Token { kind, at });
        }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn take(&mut self, end: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let taken = &rest[..rest.find(end).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn skip_to_line_end(&mut self) {
        self.take(|c| c == '\n');
    }

    /// Inside brackets a new line is white space, unless what begins it cannot stand in any: they were not closed.
    fn newline(&mut self) -> Option<Kind<'t>> {
        self.at += 1;
        if self.depth == 0
            && BEGINNINGS.iter().any(|word| self.rest().trim_start_matches([' ', '\t']).starts_with(word))
        {
            self.brackets = 0;
        }
        let logical = self.brackets == 0 && self.depth == 0;
        logical.then(|| Kind::Line(self.indent()))
    }

    fn indent(&mut self) -> usize {
        let white = self.take(|c| c != ' ' && c != '\t' && c != '\u{c}');
        white.chars().fold(0, |width, c| if c == '\t' { width / 8 * 8 + 8 } else { width + 1 })
    }

    fn number(&mut self) -> Kind<'t> {
        Kind::Number(self.take(|c| !c.is_ascii_alphanumeric() && c != '_' && c != '.'))
    }

    fn name(&mut self) -> Kind<'t> {
        let name = self.take(|c| !is_name(c) && !c.is_ascii_digit());
        let is_prefix = name.len() <= 2 && name.chars().all(|c| "rRbBuUfFtT".contains(c));
        match self.rest().chars().next() {
            Some('"' | '\'') if is_prefix => self.string(name),
            _ => Kind::Name(name),
        }
    }

    fn sign(&mut self, character: char) -> Kind<'t> {
        let rest = self.rest();
        let long = SIGNS.iter().find(|sign| rest.starts_with(**sign)).map(|sign| sign.len());
        let sign = &rest[..long.unwrap_or(character.len_utf8())];
        self.at += sign.len();
        match sign {
            "(" | "[" | "{" => self.brackets += 1,
            ")" | "]" | "}" => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
        Kind::Sign(sign)
    }

    /// A string from its first quote on. One that is not closed ends with its line, or with the text.
    fn string(&mut self, prefix: &str) -> Kind<'t> {
        let rest = self.rest();
        let triple = rest.starts_with("\"\"\"") || rest.starts_with("'''");
        let quote = &rest[..if triple { 3 } else { 1 }];
        let has = |letters: &str| prefix.chars().any(|c| letters.contains(c));
        let (raw, formatted) = (has("rR"), has("fFtT"));
        self.at += quote.len();
        let (mut content, mut fields) = (String::new(), Vec::new());
        while let Some(character) = self.rest().chars().next() {
            let rest = self.rest();
            if rest.starts_with(quote) {
                self.at += quote.len();
                break;
            }
            match character {
                '\n' if !triple => break,
                '\\' => self.escape(raw, &mut content),
                '{' | '}' if formatted && rest[1..].starts_with(character) => {
                    content.push(character);
                    self.at += 2;
                }
                '{' if formatted => fields.push(self.field(quote)),
                _ => {
                    content.push(character);
                    self.at += character.len_utf8();
                }
            }
        }
        Kind::String(content, fields)
    }

    fn escape(&mut self, raw: bool, content: &mut String) {
        let (character, length) = decoded(self.rest());
        let written = &self.rest()[..length];
        self.at += length;
        if raw { content.push_str(written) } else { content.extend(character) }
    }

    /// A replacement field with what says how it is written, which can hold fields itself.
    fn field(&mut self, quote: &str) -> Vec<Token<'t>> {
        self.at += 1;
        let mut tokens = Vec::new();
        if self.depth == DEEPEST {
            self.too_deep = true;
            return tokens;
        }
        self.depth += 1;
        let outer = std::mem::take(&mut self.brackets);
        loop {
            let rest = self.rest();
            let closes = rest.starts_with('}') && self.brackets == 0;
            if rest.is_empty() || closes || (self.brackets == 0 && rest.starts_with(quote)) {
                self.at += usize::from(closes);
                break;
            }
            if quote.len() == 1 && rest.starts_with('\n') && self.brackets == 0 {
                break;
            }
            match self.next() {
                Some(token) => tokens.push(token),
                None => break,
            }
        }
        self.brackets = outer;
        self.depth -= 1;
        tokens
    }
}

fn is_name(character: char) -> bool {
    character == '_' || character.is_alphabetic() || (!character.is_ascii() && character.is_alphanumeric())
}
