//! The top directory holds what the rules list and nothing else; dot-files are free.

use std::collections::BTreeSet;

use super::Finding;
use super::rules::Rules;
use super::tree::Tree;

pub(super) fn check(tree: &Tree, rules: &Rules) -> Vec<Finding> {
    let there: BTreeSet<&str> = tree.files.iter().filter_map(|file| file.path.split('/').next()).collect();
    let listed: BTreeSet<&str> = rules.top.iter().map(String::as_str).collect();
    let more = there.difference(&listed).filter(|entry| !entry.starts_with('.'));
    let mut findings: Vec<_> =
        more.map(|entry| Finding::fault(entry, 0, "does not belong at the top")).collect();
    findings.extend(listed.difference(&there).map(|entry| Finding::fault(entry, 0, "is missing at the top")));
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree::tree;
    use super::*;

    #[test]
    fn entries_too_many_and_too_few_are_found() {
        let rules = Rules { top: vec!["README.md".into(), "runtime".into()], ..Rules::default() };
        let found = check(&tree(&[("runtime/src/lib.rs", ""), (".ci/run", ""), ("docs/a.md", "")]), &rules);
        let paths: Vec<_> = found.iter().map(|finding| finding.path.as_str()).collect();
        assert_eq!(paths, ["docs", "README.md"]);
    }
}
