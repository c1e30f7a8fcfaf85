//! The syntax tree of an expression, as far as it matters which name something is called by.
//!
//! A chain of attributes and calls is a list, so that only brackets make the tree deep; those are bounded.

use super::lexer::{Kind, Token};

/// Brackets in brackets; deeper ones are not read, and that is told.
const DEEPEST: usize = 100;

/// What stands between commas: one thing, or several that operators join.
#[derive(Debug, Default)]
pub(super) struct Expression<'t> {
    pub(super) parts: Vec<Primary<'t>>,
    /// The signs and keywords between and before them.
    pub(super) operators: Vec<&'t str>,
}

/// A name, text or group, and what is done with it.
#[derive(Debug)]
pub(super) struct Primary<'t> {
    pub(super) at: usize,
    pub(super) base: Base<'t>,
    pub(super) trailers: Vec<Trailer<'t>>,
}

#[derive(Debug)]
pub(super) enum Base<'t> {
    Name(&'t str),
    /// Text, and the expressions in it.
    Text(String, Vec<Expression<'t>>),
    Number(&'t str),
    /// What stands in brackets.
    Group(Vec<Argument<'t>>),
}

#[derive(Debug)]
pub(super) enum Trailer<'t> {
    Attribute(&'t str),
    Call(Vec<Argument<'t>>),
    Index(Vec<Argument<'t>>),
}

/// What stands between commas in brackets.
#[derive(Debug)]
pub(super) struct Argument<'t> {
    pub(super) keyword: Option<&'t str>,
    pub(super) value: Expression<'t>,
}

/// Reads expressions of tokens.
pub(super) struct Reader<'k, 't> {
    tokens: &'k [Token<'t>],
    at: usize,
    depth: usize,
    pub(super) too_deep: bool,
}

impl<'t> Expression<'t> {
    /// The only thing in it.
    pub(super) fn single(&self) -> Option<&Primary<'t>> {
        match (&self.parts[..], &self.operators[..]) {
            ([part], []) => Some(part),
            _ => None,
        }
    }

    /// The text that it is, where that is written down: strings, one after the other or joined by `+`.
    pub(super) fn text(&self) -> Option<String> {
        let text = |part: &Primary<'t>| match &part.base {
            Base::Text(text, fields) if fields.is_empty() && part.trailers.is_empty() => Some(text.clone()),
            _ => None,
        };
        let joined = self.operators.iter().all(|sign| *sign == "+") && !self.parts.is_empty();
        joined.then(|| self.parts.iter().map(text).collect::<Option<String>>()).flatten()
    }
}

impl<'k, 't> Reader<'k, 't> {
    pub(super) fn new(tokens: &'k [Token<'t>]) -> Self {
        Self { tokens, at: 0, depth: 0, too_deep: false }
    }

    /// All of it, the parts between commas each for itself.
    pub(super) fn all(&mut self) -> Vec<Argument<'t>> {
        let mut arguments = Vec::new();
        while self.at < self.tokens.len() {
            arguments.extend(self.arguments());
            // A bracket that nothing opened.
            self.at += 1;
        }
        arguments
    }

    /// Up to the bracket that closes, or to the end.
    fn arguments(&mut self) -> Vec<Argument<'t>> {
        let mut arguments = Vec::new();
        loop {
            let keyword = self.keyword();
            let value = self.expression();
            if !value.parts.is_empty() {
                arguments.push(Argument { keyword, value });
            }
            match self.sign() {
                Some(",") => self.at += 1,
                _ => return arguments,
            }
        }
    }

    /// `name=` before a value.
    fn keyword(&mut self) -> Option<&'t str> {
        match self.tokens.get(self.at..self.at + 2)? {
            [Token { kind: Kind::Name(name), .. }, Token { kind: Kind::Sign("="), .. }] => {
                self.at += 2;
                Some(name)
            }
            _ => None,
        }
    }

    fn expression(&mut self) -> Expression<'t> {
        let mut expression = Expression::default();
        while let Some(token) = self.tokens.get(self.at) {
            match &token.kind {
                Kind::Sign("," | ")" | "]" | "}") => break,
                Kind::Line(_) => self.at += 1,
                Kind::Sign(sign) if !matches!(*sign, "(" | "[" | "{") => {
                    expression.operators.push(sign);
                    self.at += 1;
                }
                Kind::Name(word) if KEYWORDS.contains(word) => {
                    expression.operators.push(word);
                    self.at += 1;
                }
                _ => {
                    let primary = self.primary(token);
                    expression.parts.push(primary);
                }
            }
        }
        expression
    }

    fn primary(&mut self, token: &Token<'t>) -> Primary<'t> {
        self.at += 1;
        let base = match &token.kind {
            Kind::Name(name) => Base::Name(name),
            Kind::String(text, fields) => {
                let fields = fields.iter().flat_map(|field| self.inside(field));
                Base::Text(text.clone(), fields.collect())
            }
            Kind::Number(number) => Base::Number(number),
            Kind::Sign(_) | Kind::Line(_) => Base::Group(self.group()),
        };
        Primary { at: token.at, base, trailers: self.trailers() }
    }

    fn trailers(&mut self) -> Vec<Trailer<'t>> {
        let mut trailers = Vec::new();
        loop {
            let next = self.tokens.get(self.at + 1).map(|token| &token.kind);
            let trailer = match (self.sign(), next) {
                (Some("."), Some(Kind::Name(name))) => {
                    self.at += 2;
                    Trailer::Attribute(name)
                }
                (Some(open @ ("(" | "[")), _) => {
                    self.at += 1;
                    let group = self.group();
                    if open == "(" { Trailer::Call(group) } else { Trailer::Index(group) }
                }
                _ => return trailers,
            };
            trailers.push(trailer);
        }
    }

    /// What stands in brackets, after the one that opens and with the one that closes.
    fn group(&mut self) -> Vec<Argument<'t>> {
        if self.depth == DEEPEST {
            self.too_deep = true;
            self.skip();
            return Vec::new();
        }
        self.depth += 1;
        let arguments = self.arguments();
        self.depth -= 1;
        self.at += 1;
        arguments
    }

    fn skip(&mut self) {
        let mut open = 1;
        while open > 0 && self.at < self.tokens.len() {
            match self.sign() {
                Some("(" | "[" | "{") => open += 1,
                Some(")" | "]" | "}") => open -= 1,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// What a field of a string holds.
    fn inside(&mut self, field: &[Token<'t>]) -> Vec<Expression<'t>> {
        let mut reader = Reader { tokens: field, at: 0, depth: self.depth, too_deep: false };
        let values = reader.all().into_iter().map(|argument| argument.value).collect();
        self.too_deep |= reader.too_deep;
        values
    }

    fn sign(&self) -> Option<&'t str> {
        match self.tokens.get(self.at)?.kind {
            Kind::Sign(sign) => Some(sign),
            _ => None,
        }
    }
}

/// Words that join expressions, or come before one.
const KEYWORDS: &[&str] = &[
    "and", "as", "assert", "async", "await", "case", "del", "elif", "else", "except", "finally", "for",
    "from", "global", "if", "in", "is", "lambda", "nonlocal", "not", "or", "raise", "return", "try", "while",
    "with", "yield",
];
