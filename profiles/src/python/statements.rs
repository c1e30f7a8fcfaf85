//! The statements of a program, as far as they bind names.

use super::lexer::{Kind, Token};
use super::walk::Walker;

type Tokens<'k, 't> = &'k [Token<'t>];

/// Goes through all lines.
pub(super) fn walk<'t>(walker: &mut Walker<'t>, tokens: Tokens<'_, 't>) {
    let mut rest = tokens;
    while let Some((Token { kind: Kind::Line(indent), .. }, after)) = rest.split_first() {
        let end = after.iter().position(|token| matches!(token.kind, Kind::Line(_))).unwrap_or(after.len());
        let (line, next) = after.split_at(end);
        if !line.is_empty() {
            walker.names.close(*indent);
            walk_line(walker, *indent, line);
        }
        rest = next;
    }
}

/// One logical line: what ends in a colon, and statements after it.
fn walk_line<'t>(walker: &mut Walker<'t>, indent: usize, line: Tokens<'_, 't>) {
    let mut rest = line;
    while let Some(colon) = rest.first().filter(|first| is_compound(first)).and_then(|_| colon(rest)) {
        compound(walker, indent, &rest[..colon]);
        rest = &rest[colon + 1..];
    }
    for statement in split(rest, ";") {
        simple(walker, statement);
    }
}

fn is_compound(token: &Token<'_>) -> bool {
    let words =
        ["if", "elif", "else", "for", "while", "try", "except", "finally", "with", "def", "class", "async"];
    matches!(token.kind, Kind::Name(name) if words.contains(&name))
}

/// The colon that ends the head of a compound statement.
fn colon(tokens: Tokens<'_, '_>) -> Option<usize> {
    let mut lambdas = 0;
    outside(tokens)
        .find(|(_, token)| match token.kind {
            Kind::Name("lambda") => {
                lambdas += 1;
                false
            }
            Kind::Sign(":") if lambdas > 0 => {
                lambdas -= 1;
                false
            }
            Kind::Sign(":") => true,
            _ => false,
        })
        .map(|(at, _)| at)
}

fn compound<'t>(walker: &mut Walker<'t>, indent: usize, head: Tokens<'_, 't>) {
    let head = if is_word(head.first(), "async") { &head[1..] } else { head };
    let expressions = match head {
        [
            Token { kind: Kind::Name(word @ ("def" | "class")), .. },
            Token { kind: Kind::Name(name), .. },
            rest @ ..,
        ] => {
            walker.names.bind(name, None);
            walker.names.open(indent, *word == "class");
            if *word == "def" {
                parameters(rest).for_each(|parameter| walker.names.bind(parameter, None));
            }
            rest
        }
        [Token { kind: Kind::Name("for"), .. }, rest @ ..] => {
            let targets = rest.iter().take_while(|token| !is_word(Some(token), "in"));
            targets.filter_map(name_of).for_each(|name| walker.names.bind(name, None));
            rest
        }
        _ => {
            let bound = head.windows(2).filter(|pair| is_word(pair.first(), "as"));
            bound.filter_map(|pair| name_of(&pair[1])).for_each(|name| walker.names.bind(name, None));
            head.get(1..).unwrap_or(&[])
        }
    };
    walker.walk(expressions);
}

fn simple<'t>(walker: &mut Walker<'t>, statement: Tokens<'_, 't>) {
    let says_nothing =
        |token: &Token<'t>| matches!(&token.kind, Kind::String(_, fields) if fields.is_empty());
    match statement {
        [Token { kind: Kind::Name("import"), .. }, modules @ ..] => imports(walker, modules),
        [Token { kind: Kind::Name("from"), .. }, rest @ ..] => imports_from(walker, rest),
        // A text by itself is for people.
        _ if statement.iter().all(says_nothing) => {}
        _ => assignment(walker, statement),
    }
}

/// `import a.b as c, d`
fn imports<'t>(walker: &mut Walker<'t>, modules: Tokens<'_, 't>) {
    for module in split(modules, ",") {
        let (path, alias) = aliased(module);
        let Some(first) = module.first() else { continue };
        walker.import(&path, first.at);
        let top = path.split('.').next().unwrap_or_default().to_owned();
        match alias {
            Some(alias) => walker.names.bind(alias, Some(path)),
            None => walker.names.bind(&top.clone(), Some(top)),
        }
    }
}

/// `a.b import (c as d, e)`
fn imports_from<'t>(walker: &mut Walker<'t>, rest: Tokens<'_, 't>) {
    let Some(at) = rest.iter().position(|token| is_word(Some(token), "import")) else { return };
    let (module, _) = aliased(&rest[..at]);
    // A module of the program's own may be named as one of Python's.
    let is_own = matches!(rest[0].kind, Kind::Sign(_));
    let is_bracket = |token: &&Token<'t>| matches!(token.kind, Kind::Sign("(" | ")"));
    let names: Vec<Token<'t>> = rest[at + 1..].iter().filter(|token| !is_bracket(token)).cloned().collect();
    if !is_own {
        walker.import(&module, rest[0].at);
    }
    for name in split(&names, ",") {
        if matches!(name, [Token { kind: Kind::Sign("*"), .. }]) {
            if !is_own {
                walker.bind_all(&module);
            }
            continue;
        }
        let (path, alias) = aliased(name);
        if let Some(bound) = alias.or_else(|| name_of(name.first()?)) {
            walker.names.bind(bound, (!is_own).then(|| format!("{module}.{path}")));
        }
    }
}

/// A dotted path, and the name after `as`.
fn aliased<'t>(tokens: Tokens<'_, 't>) -> (String, Option<&'t str>) {
    let end = tokens.iter().position(|token| is_word(Some(token), "as")).unwrap_or(tokens.len());
    let names: Vec<&str> = tokens[..end].iter().filter_map(name_of).collect();
    (names.join("."), tokens.get(end + 1).and_then(name_of))
}

/// Whatever else there is; what stands before a `=` gets what stands after the last.
fn assignment<'t>(walker: &mut Walker<'t>, statement: Tokens<'_, 't>) {
    let parts = split(statement, "=");
    let Some((value, targets)) = parts.split_last() else { return };
    let path = walker.walk(value);
    for target in targets {
        match target {
            [Token { kind: Kind::Name(name), at }] => {
                walker.name(name, *at);
                walker.names.bind(name, path.clone());
            }
            [Token { kind: Kind::Name(name), .. }, Token { kind: Kind::Sign(":"), .. }, annotation @ ..] => {
                walker.walk(annotation);
                walker.names.bind(name, path.clone());
            }
            several => {
                let names = split(several, ",").into_iter().filter_map(|one| match one {
                    [Token { kind: Kind::Name(name), .. }] => Some(*name),
                    _ => None,
                });
                let names: Vec<&str> = names.collect();
                walker.walk(several);
                names.into_iter().for_each(|name| walker.names.bind(name, None));
            }
        }
    }
}

/// The names of a function's parameters: those that come first between commas.
fn parameters<'k, 't>(tokens: Tokens<'k, 't>) -> impl Iterator<Item = &'t str> + use<'k, 't> {
    tokens.windows(2).filter_map(|pair| match pair[0].kind {
        Kind::Sign("(" | "," | "*" | "**") => name_of(&pair[1]),
        _ => None,
    })
}

/// Parts between signs that stand outside of brackets.
fn split<'k, 't>(tokens: Tokens<'k, 't>, sign: &str) -> Vec<Tokens<'k, 't>> {
    let mut parts = Vec::new();
    let mut from = 0;
    for (at, token) in outside(tokens) {
        if matches!(token.kind, Kind::Sign(found) if found == sign) {
            parts.push(&tokens[from..at]);
            from = at + 1;
        }
    }
    parts.push(&tokens[from..]);
    parts
}

/// The tokens outside of brackets.
fn outside<'k, 't>(tokens: Tokens<'k, 't>) -> impl Iterator<Item = (usize, &'k Token<'t>)> {
    let mut open = 0_usize;
    tokens.iter().enumerate().filter(move |(_, token)| {
        match token.kind {
            Kind::Sign("(" | "[" | "{") => open += 1,
            Kind::Sign(")" | "]" | "}") => open = open.saturating_sub(1),
            _ => {}
        }
        open == 0
    })
}

fn name_of<'t>(token: &Token<'t>) -> Option<&'t str> {
    match token.kind {
        Kind::Name(name) => Some(name),
        _ => None,
    }
}

fn is_word(token: Option<&Token<'_>>, word: &str) -> bool {
    matches!(token, Some(Token { kind: Kind::Name(name), .. }) if *name == word)
}
