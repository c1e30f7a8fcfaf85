//! What the names of a program stand for: modules and what is in them, under whatever name.

use std::collections::HashMap;

/// Names as they are at a place of the program, the innermost scope last.
#[derive(Debug)]
pub(super) struct Names {
    scopes: Vec<Scope>,
}

#[derive(Debug)]
struct Scope {
    /// White space before what opened it; a line with no more ends it.
    indent: Option<usize>,
    /// Names of a class are not seen from its functions.
    is_class: bool,
    names: HashMap<String, Option<String>>,
}

/// Each name is looked for in all of them; what lies deeper shares the last.
const DEEPEST: usize = 64;

impl Names {
    pub(super) fn new() -> Self {
        Self { scopes: vec![Scope { indent: None, is_class: false, names: HashMap::new() }] }
    }

    /// Says that a name stands for this from here on; `None` is something of the program's own.
    pub(super) fn bind(&mut self, name: &str, path: Option<String>) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.names.insert(name.to_owned(), path);
        }
    }

    /// Opens the scope of a function or a class.
    pub(super) fn open(&mut self, indent: usize, is_class: bool) {
        if self.scopes.len() < DEEPEST {
            self.scopes.push(Scope { indent: Some(indent), is_class, names: HashMap::new() });
        }
    }

    /// Closes the scopes that a line with this indent is no longer in.
    pub(super) fn close(&mut self, indent: usize) {
        while self.scopes.last().and_then(|scope| scope.indent).is_some_and(|opened| indent <= opened) {
            self.scopes.pop();
        }
    }

    /// Back at the beginning of the program, with what it will have imported in the end; what is built in is not
    /// hidden by what comes later.
    pub(super) fn forget_own(&mut self, is_built_in: impl Fn(&str) -> bool) {
        self.scopes.truncate(1);
        for scope in &mut self.scopes {
            scope.names.retain(|name, path| path.is_some() && !is_built_in(name));
        }
    }

    /// What a name stands for, as a dotted path; of what nobody bound, what Python has built in.
    pub(super) fn path(&self, name: &str) -> Option<String> {
        let innermost = self.scopes.len() - 1;
        let seen =
            self.scopes.iter().enumerate().rev().filter(|(at, scope)| !scope.is_class || *at == innermost);
        match seen.map(|(_, scope)| scope.names.get(name)).find_map(|bound| bound) {
            Some(bound) => bound.clone(),
            None if matches!(name, "__builtins__" | "builtins") => Some("builtins".to_owned()),
            None => Some(format!("builtins.{name}")),
        }
    }
}

/// What a call of `path` gives that is known by a name: `texts` are what the arguments say, `paths` what they name.
pub(super) fn result(
    names: &Names,
    path: &str,
    texts: &[Option<String>],
    paths: &[Option<String>],
) -> Option<String> {
    let text = |at: usize| texts.get(at).cloned().flatten();
    let named = |at: usize| paths.get(at).cloned().flatten();
    match path {
        "builtins.getattr" | "inspect.getattr_static" => Some(format!("{}.{}", named(0)?, text(1)?)),
        "builtins.__import__" => text(0)?.split('.').next().map(str::to_owned),
        "importlib.import_module" | "importlib.__import__" => text(0),
        "builtins.globals" | "builtins.locals" => Some(GLOBALS.to_owned()),
        "builtins.vars" if paths.is_empty() => Some(GLOBALS.to_owned()),
        "builtins.vars" => Some(format!("{}.{DICTIONARY}", named(0)?)),
        "functools.partial" => named(0),
        _ => names
            .path(path.strip_prefix(GLOBALS)?.strip_prefix(".get").and_then(|_| texts.first()?.as_deref())?),
    }
}

/// What lies in `path` under a text in square brackets.
pub(super) fn entry(names: &Names, path: &str, text: &str) -> Option<String> {
    match path {
        GLOBALS => names.path(text),
        "sys.modules" => Some(text.to_owned()),
        "builtins" => Some(format!("builtins.{text}")),
        _ => Some(format!("{}.{text}", path.strip_suffix(DICTIONARY)?.strip_suffix('.')?)),
    }
}

/// No name of Python's: what `globals()` gives.
const GLOBALS: &str = "<globals>";
const DICTIONARY: &str = "__dict__";
