//! Goes through a program, follows its names, and finds what the rules look for.

use super::lexer::{Lexer, Token};
use super::names::{Names, entry, result};
use super::rules::{Found, Keyword, Rule, Rules, Severity};
use super::text::{Lines, stands_for_another};
use super::tree::{Argument, Base, Expression, Primary, Reader, Trailer};
use super::{Finding, statements};

/// More are no advice.
const MOST: usize = 1000;
/// No rule has a longer one, and to make longer and longer ones takes a time that grows with the square.
const LONGEST_PATH: usize = 200;

/// Everything that the rules find.
pub(super) fn findings(text: &str) -> Vec<Finding> {
    let mut lexer = Lexer::new(text);
    let tokens = lexer.tokens();
    // What a function names may be bound below it.
    let mut first = Walker::new(text, Names::new());
    statements::walk(&mut first, &tokens);
    first.names.forget_own(|name| !Rules::all().of_call(&format!("builtins.{name}")).is_empty());
    let mut walker = Walker::new(text, first.names);
    statements::walk(&mut walker, &tokens);
    if lexer.too_deep || walker.too_deep {
        walker.add(0, "unread", Severity::Medium, "something is nested too deep to be looked at");
    }
    walker.findings
}

pub(super) struct Walker<'t> {
    lines: Lines<'t>,
    rules: &'static Rules,
    pub(super) names: Names,
    findings: Vec<Finding>,
    too_deep: bool,
}

impl<'t> Walker<'t> {
    fn new(text: &'t str, names: Names) -> Self {
        let (lines, rules) = (Lines::of(text), Rules::all());
        Self { lines, rules, names, findings: Vec::new(), too_deep: false }
    }

    /// Looks at the expressions of some tokens; tells what the only one stands for.
    pub(super) fn walk(&mut self, tokens: &[Token<'t>]) -> Option<String> {
        let mut reader = Reader::new(tokens);
        let arguments = reader.all();
        self.too_deep |= reader.too_deep;
        let mut paths = self.arguments(&arguments);
        if paths.len() == 1 { paths.pop()? } else { None }
    }

    /// Looks at a module that is imported at this place.
    pub(super) fn import(&mut self, module: &str, at: usize) {
        if let Some(rule) = self.rules.of_import(module) {
            self.found(rule, at);
        }
    }

    /// Looks at a name that is written here.
    pub(super) fn name(&mut self, name: &str, at: usize) {
        if name.chars().any(stands_for_another) {
            self.add(at, "lookalike", Severity::High, "Python reads this name as another one");
        }
    }

    /// All that the rules know of a module, as `from module import *` brings it in.
    pub(super) fn bind_all(&mut self, module: &str) {
        for name in self.rules.in_module(module) {
            self.names.bind(name, Some(format!("{module}.{name}")));
        }
    }

    /// What each of them stands for.
    fn arguments(&mut self, arguments: &[Argument<'t>]) -> Vec<Option<String>> {
        arguments.iter().map(|argument| self.expression(&argument.value)).collect()
    }

    fn expression(&mut self, expression: &Expression<'t>) -> Option<String> {
        let assigned = match (&expression.parts[..], &expression.operators[..]) {
            ([Primary { base: Base::Name(name), .. }, _, ..], [":=", ..]) => Some(*name),
            _ => None,
        };
        assigned.iter().for_each(|name| self.names.bind(name, None));
        let paths: Vec<_> = expression.parts.iter().map(|part| self.primary(part)).collect();
        assigned.iter().for_each(|name| self.names.bind(name, paths[1].clone()));
        if expression.single().is_some() { paths.into_iter().next()? } else { None }
    }

    fn primary(&mut self, primary: &Primary<'t>) -> Option<String> {
        let at = primary.at;
        let mut path = match &primary.base {
            Base::Name(name) => {
                self.name(name, at);
                self.names.path(name)
            }
            Base::Text(text, fields) => {
                if let Some(rule) = self.rules.of_text(text) {
                    self.found(rule, at);
                }
                fields.iter().for_each(|field| {
                    self.expression(field);
                });
                None
            }
            Base::Number(_) => None,
            Base::Group(arguments) => {
                let mut paths = self.arguments(arguments);
                if paths.len() == 1 { paths.pop()? } else { None }
            }
        };
        for trailer in &primary.trailers {
            path = self.trailer(path, trailer, at);
        }
        // What stands in brackets was looked at there.
        let is_told = match primary.trailers.last() {
            None => matches!(primary.base, Base::Group(_)),
            Some(last) => matches!(last, Trailer::Call(_)),
        };
        if let Some(path) = path.as_deref().filter(|_| !is_told) {
            self.referred(path, at);
        }
        path
    }

    fn trailer(&mut self, path: Option<String>, trailer: &Trailer<'t>, at: usize) -> Option<String> {
        match trailer {
            Trailer::Attribute(name) => {
                self.name(name, at);
                path.filter(|path| path.len() < LONGEST_PATH).map(|path| format!("{path}.{name}"))
            }
            Trailer::Call(arguments) => {
                let paths = self.arguments(arguments);
                let path = path?;
                self.called(&path, arguments, at);
                let texts: Vec<_> = arguments.iter().map(|argument| argument.value.text()).collect();
                result(&self.names, &path, &texts, &paths)
            }
            Trailer::Index(arguments) => {
                self.arguments(arguments);
                entry(&self.names, &path?, &arguments.first()?.value.text()?)
            }
        }
    }

    fn called(&mut self, path: &str, arguments: &[Argument<'t>], at: usize) {
        for rule in self.rules.of_call(path) {
            if rule.keyword.as_ref().is_none_or(|keyword| self.holds(keyword, arguments)) {
                self.found(rule, at);
            }
        }
    }

    /// What is handed on can be called by whoever gets it.
    fn referred(&mut self, path: &str, at: usize) {
        for rule in self.rules.of_call(path).iter().filter(|rule| rule.keyword.is_none()) {
            self.found(rule, at);
        }
    }

    fn holds(&self, keyword: &Keyword, arguments: &[Argument<'t>]) -> bool {
        let named = arguments.iter().find(|argument| argument.keyword == Some(&keyword.name));
        let placed = || arguments.get(keyword.position?).filter(|argument| argument.keyword.is_none());
        let value = named.or_else(placed).map(|argument| self.written(&argument.value));
        let known =
            |value: &Option<String>| value.as_ref().is_some_and(|value| keyword.values.contains(value));
        match (keyword.found, value) {
            (Found::OneOf, value) => value.is_some_and(|value| known(&value)),
            (Found::Other, value) => value.is_some_and(|value| !known(&value)),
            (Found::MissingOrOther, value) => value.is_none_or(|value| !known(&value)),
        }
    }

    /// A value as the rules have it: a text, a number, a word, or what a name stands for.
    fn written(&self, value: &Expression<'t>) -> Option<String> {
        if let Some(text) = value.text() {
            return Some(text);
        }
        let primary = value.single()?;
        let start = match primary.base {
            Base::Number(number) => number.to_owned(),
            Base::Name(name @ ("True" | "False" | "None")) => name.to_owned(),
            Base::Name(name) => self.names.path(name)?,
            Base::Text(..) | Base::Group(_) => return None,
        };
        primary.trailers.iter().try_fold(start, |path, trailer| match trailer {
            Trailer::Attribute(name) if path.len() < LONGEST_PATH => Some(format!("{path}.{name}")),
            _ => None,
        })
    }

    fn found(&mut self, rule: &'static Rule, at: usize) {
        self.add(at, &rule.name, rule.severity, &rule.message);
    }

    fn add(&mut self, at: usize, rule: &'static str, severity: Severity, message: &'static str) {
        if self.findings.len() < MOST {
            let (line, column) = self.lines.place(at);
            self.findings.push(Finding { line, column, rule, severity, message });
        }
    }
}
