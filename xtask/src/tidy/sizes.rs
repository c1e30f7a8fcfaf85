//! Files and functions that a person can hold in mind; tests are not counted.

use super::Finding;
use super::tree::{Source, Tree, line_at};

/// How many lines ask for a second look, and how many are too many.
struct Limits {
    hint: usize,
    fault: usize,
}

const FILE: Limits = Limits { hint: 400, fault: 500 };
const FUNCTION: Limits = Limits { hint: 40, fault: 60 };

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources().flat_map(|source| check_source(&source)).collect()
}

fn check_source(source: &Source<'_>) -> Vec<Finding> {
    let code = source.code_without_tests();
    let lines = code.lines().count();
    let mut findings: Vec<_> = FILE.judge(source.path, 0, lines, "the file").into_iter().collect();
    for function in functions(code) {
        let name = format!("`{}`", function.name);
        findings.extend(FUNCTION.judge(source.path, function.line, function.lines, &name));
    }
    findings
}

impl Limits {
    fn judge(&self, path: &str, at: usize, lines: usize, what: &str) -> Option<Finding> {
        let message = format!("{what} has {lines} lines");
        if lines > self.fault {
            Some(Finding::fault(path, at, format!("{message}, more than {}", self.fault)))
        } else if lines > self.hint {
            Some(Finding::hint(path, at, message))
        } else {
            None
        }
    }
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// The functions with a body, from their names to their closing brackets.
fn functions(code: &str) -> Vec<Function> {
    let starts = code.match_indices("fn ").filter(|(at, _)| {
        let before = code[..*at].chars().next_back();
        before.is_none_or(|before| before.is_whitespace() || before == '(')
    });
    starts.filter_map(|(at, _)| function(code, at)).collect()
}

fn function(code: &str, at: usize) -> Option<Function> {
    let after = &code[at + "fn ".len()..];
    let name: String =
        after.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect();
    let opening = after.find(['{', ';']).filter(|at| after[*at..].starts_with('{'))?;
    let body = &after[opening..];
    let end = closing(body)?;
    let lines = after[..opening].lines().count() + body[..end].lines().count().saturating_sub(1);
    (!name.is_empty()).then(|| Function { name, line: line_at(code, at), lines })
}

/// Where the bracket that opens `body` is closed.
fn closing(body: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, character) in body.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::Weight;
    use super::super::tree::tree;
    use super::*;

    fn found(text: &str) -> Vec<(Weight, usize)> {
        let findings = check(&tree(&[("runtime/src/init.rs", text)]));
        findings.iter().map(|finding| (finding.weight, finding.line)).collect()
    }

    #[test]
    fn files_are_hinted_at_and_stopped() {
        assert_eq!(found(&"x\n".repeat(400)), []);
        assert_eq!(found(&"x\n".repeat(401)), [(Weight::Hint, 0)]);
        assert_eq!(found(&"x\n".repeat(501)), [(Weight::Fault, 0)]);
    }

    #[test]
    fn inline_tests_do_not_count() {
        let tests = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", "x\n".repeat(900));
        assert_eq!(found(&tests), []);
    }

    #[test]
    fn functions_are_measured_from_name_to_closing_bracket() {
        let of = |lines: usize| format!("\nfn f(\n) {{\n{}}}\nfn g() {{}}\n", "x;\n".repeat(lines - 3));
        assert_eq!(found(&of(40)), []);
        assert_eq!(found(&of(41)), [(Weight::Hint, 2)]);
        assert_eq!(found(&of(61)), [(Weight::Fault, 2)]);
    }

    #[test]
    fn declarations_and_function_types_have_no_body() {
        assert_eq!(functions("trait T { fn f(&self); }\ntype F = fn (u8) -> u8;\n").len(), 0);
    }
}
