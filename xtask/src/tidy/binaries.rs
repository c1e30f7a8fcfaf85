//! Nothing that a person cannot read is committed.

use super::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let binary = tree.files.iter().filter(|file| file.bytes.contains(&0) || file.text().is_none());
    binary.map(|file| Finding::fault(&file.path, 0, "a binary file: make it where it is needed")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::tree;
    use super::*;

    #[test]
    fn a_zero_byte_makes_a_file_binary() {
        let found = check(&tree(&[("tests/probe/probe", "\x7fELF\0"), ("README.md", "plain — and UTF-8")]));
        assert_eq!(found.len(), 1);
    }
}
