//! The product opens host paths with `std::fs` only where the rules say why it may.

use super::Finding;
use super::rules::Rules;
use super::tree::{Source, Tree, lines_with};

pub(super) fn check(tree: &Tree, rules: &Rules) -> Vec<Finding> {
    let mut excepted: Vec<_> = rules.host_paths.iter().map(|exception| (exception, false)).collect();
    let mut findings = Vec::new();
    for source in tree.sources().filter(Source::is_product) {
        let lines = lines_of_use(&source);
        let exception = excepted.iter_mut().find(|(exception, _)| exception.file == source.path);
        match exception {
            Some((_, used)) => *used = !lines.is_empty(),
            None => findings.extend(lines.into_iter().map(|line| {
                Finding::fault(source.path, line, "`std::fs` follows links: open beneath a held directory")
            })),
        }
    }
    let stale = excepted.iter().filter(|(_, used)| !used);
    findings.extend(stale.map(|(exception, _)| {
        Finding::fault(
            &exception.file,
            0,
            format!("needs no exception from the rule on `std::fs` ({})", exception.why),
        )
    }));
    findings
}

/// Imports and calls; wrapping a descriptor and reading the kernel's own files follow no planted link.
fn lines_of_use(source: &Source<'_>) -> Vec<usize> {
    let code = source.code_without_tests();
    let lines = code.lines().zip(source.text.lines()).enumerate();
    let follows = lines.filter(|(_, (code, text))| {
        let named =
            code.contains("std::fs") || (code.contains("use std::{") && !lines_with(code, "fs").is_empty());
        named && !code.contains("std::fs::File::from(") && !text.contains("\"/proc/")
    });
    follows.map(|(at, _)| at + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::super::rules::Exception;
    use super::super::tree::tree;
    use super::*;

    #[test]
    fn a_use_without_a_reason_is_found() {
        let files = [
            ("runtime/src/idmap.rs", "use rustix::fs;\nfn f() { std::fs::read(p) }\n"),
            ("runtime/src/mounts.rs", "#[cfg(test)]\nmod tests { use std::fs; }\n"),
            ("tests/src/site.rs", "use std::fs;\n"),
        ];
        let found = check(&tree(&files), &Rules::default());
        assert_eq!(
            found.iter().map(|finding| (finding.path.as_str(), finding.line)).collect::<Vec<_>>(),
            [("runtime/src/idmap.rs", 2)]
        );
    }

    #[test]
    fn descriptors_and_the_kernels_own_files_are_free() {
        let source = "std::fs::metadata(\"/proc/self/task\");\nstd::fs::File::from(pipe);\n";
        assert_eq!(check(&tree(&[("runtime/src/sys/clone.rs", source)]), &Rules::default()), []);
    }

    #[test]
    fn an_exception_that_nothing_needs_is_found() {
        let exception = |file: &str| Exception { file: file.to_owned(), why: "its own reason".to_owned() };
        let rules = Rules {
            host_paths: vec![exception("rootfs/src/base.rs"), exception("rootfs/src/gone.rs")],
            ..Rules::default()
        };
        let found = check(&tree(&[("rootfs/src/base.rs", "use std::fs;\n")]), &rules);
        assert_eq!(
            found.iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(),
            ["rootfs/src/gone.rs"]
        );
    }
}
