//! Whoever suppresses a lint says why.

use super::Finding;
use super::tree::{Source, Tree, line_at};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources().flat_map(|source| check_source(&source)).collect()
}

fn check_source(source: &Source<'_>) -> Vec<Finding> {
    let starts = ["#[allow(", "#![allow(", "#[expect(", "#![expect("];
    let attributes = starts.iter().flat_map(|start| source.code.match_indices(start));
    let unexplained = attributes.filter(|(at, _)| !attribute(&source.code[*at..]).contains("reason"));
    unexplained
        .map(|(at, _)| {
            Finding::fault(source.path, line_at(&source.code, at), "suppresses a lint without `reason`")
        })
        .collect()
}

fn attribute(code: &str) -> &str {
    code.find(")]").map_or(code, |end| &code[..end])
}

#[cfg(test)]
mod tests {
    use super::super::tree::tree;
    use super::*;

    #[test]
    fn a_suppression_needs_its_reason() {
        let text = "#![allow(dead_code)]\n// #[allow(x)]\n#[expect(\n    clippy::x,\n    reason = \"the kernel's name\"\n)]\nfn f() {}\n";
        let found = check(&tree(&[("runtime/src/lib.rs", text)]));
        assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [1]);
    }
}
