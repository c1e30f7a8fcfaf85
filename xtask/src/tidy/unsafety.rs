//! `unsafe` stands in `runtime/src/sys/` alone, and each says on which fact it relies.

use super::Finding;
use super::tree::{Source, Tree, lines_with};

const HOME: &str = "runtime/src/sys";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources().flat_map(|source| check_source(&source)).collect()
}

fn check_source(source: &Source<'_>) -> Vec<Finding> {
    let is_home = source.path.starts_with(&format!("{HOME}/")) || source.path == format!("{HOME}.rs");
    let text: Vec<_> = source.text.lines().collect();
    let code: Vec<_> = source.code.lines().collect();
    let mut findings = Vec::new();
    for line in lines_with(&source.code, "unsafe") {
        let is_declaration = code[line - 1].contains("unsafe extern");
        if !is_home {
            findings.push(Finding::fault(source.path, line, format!("`unsafe` outside {HOME}/")));
        } else if !is_declaration && !is_justified(&text[..line], &code[..line]) {
            findings.push(Finding::fault(source.path, line, "`unsafe` without `// SAFETY:` before it"));
        }
    }
    findings
}

/// Looks upwards from the last line, through its statement and the comments above it.
fn is_justified(text: &[&str], code: &[&str]) -> bool {
    for at in (0..text.len()).rev() {
        if text[at].contains("SAFETY:") || text[at].contains("# Safety") {
            return true;
        }
        let above = if at == 0 { "" } else { code[at - 1].trim_end() };
        let ends_something = above.ends_with([';', '{', '}']) || (above.is_empty() && !is_comment(text, at));
        if ends_something {
            return false;
        }
    }
    false
}

/// Whether the line above `at` is a comment, which is blank as code.
fn is_comment(text: &[&str], at: usize) -> bool {
    at > 0 && text[at - 1].trim_start().starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::super::tree::tree;
    use super::*;

    fn found(path: &str, text: &str) -> Vec<usize> {
        check(&tree(&[(path, text)])).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn unsafe_elsewhere_is_found_even_with_a_reason() {
        assert_eq!(found("rootfs/src/walk.rs", "// SAFETY: because\nunsafe { call() };\n"), [2]);
    }

    #[test]
    fn unsafe_at_home_needs_its_reason() {
        let without = "fn f() {\n    g();\n    unsafe { call() };\n}\n";
        assert_eq!(found("runtime/src/sys/fork.rs", without), [3]);
        let with = "fn f() {\n    // SAFETY: the pointer\n    // lives long enough.\n    let x =\n        unsafe { call() };\n}\n";
        assert_eq!(found("runtime/src/sys/fork.rs", with), [0usize; 0]);
    }

    #[test]
    fn a_reason_does_not_reach_over_a_statement() {
        let text = "// SAFETY: the first\nunsafe { a() };\nunsafe { b() };\n";
        assert_eq!(found("runtime/src/sys/fork.rs", text), [3]);
    }

    #[test]
    fn the_word_in_comments_strings_and_lint_names_is_free() {
        let text = "#![forbid(unsafe_code)]\n// unsafe\nlet x = \"unsafe\";\n";
        assert_eq!(found("profiles/src/lib.rs", text), [0usize; 0]);
    }
}
