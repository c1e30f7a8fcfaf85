//! `cargo xtask tidy`: holds the repository to the house rules.

mod binaries;
mod dependencies;
mod host_paths;
mod layers;
mod lexer;
mod rules;
mod sizes;
mod suppressions;
mod top_level;
mod tree;
mod unsafety;

use std::fmt;

use crate::Result;
use rules::Rules;
use tree::Tree;

/// Checks every rule, prints all that was found, and fails if something must not stay.
pub(crate) fn tidy() -> Result {
    let findings = check(&Tree::of_repository()?, &Rules::load()?);
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.iter().filter(|finding| finding.weight == Weight::Fault).count() {
        0 => Ok(()),
        faults => Err(format!("tidy: {faults} faults").into()),
    }
}

fn check(tree: &Tree, rules: &Rules) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(top_level::check(tree, rules));
    findings.extend(binaries::check(tree));
    findings.extend(layers::check(tree, rules));
    findings.extend(dependencies::check(tree));
    findings.extend(unsafety::check(tree));
    findings.extend(host_paths::check(tree, rules));
    findings.extend(suppressions::check(tree));
    findings.extend(sizes::check(tree));
    findings
}

/// Something that a rule does not like, and where.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    weight: Weight,
    path: String,
    /// Counted from 1; 0 is the file as a whole.
    line: usize,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// Look again.
    Hint,
    /// Must not stay.
    Fault,
}

impl Finding {
    fn hint(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { weight: Weight::Hint, path: path.to_owned(), line, message: message.into() }
    }

    fn fault(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { weight: Weight::Fault, path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = match self.weight {
            Weight::Hint => "hint",
            Weight::Fault => "fault",
        };
        match self.line {
            0 => write!(f, "{weight}: {}: {}", self.path, self.message),
            line => write!(f, "{weight}: {}:{line}: {}", self.path, self.message),
        }
    }
}
