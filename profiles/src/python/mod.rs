//! Findings about Python text: what runs other code, opens a way out, or undoes a protection.
//!
//! Advice for whoever reads a change, never a boundary: what a program does is held by the sandbox. The text is read
//! as the tree of its expressions, and names are followed through imports, assignments and `getattr`.
//!
//! The reader is our own: the crates that read Python bring 75 others, or code in C for bytes that a command wrote. It
//! need not know whether a program is right, so that what is broken is read as far as it goes; each byte is looked at
//! a bounded number of times, and brackets are followed to a bounded depth.

mod lexer;
mod names;
mod rules;
mod statements;
mod text;
mod tree;
mod walk;

use serde::Serialize;

pub use rules::Severity;

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The rule, by its name in `findings/python.toml`.
    pub rule: &'static str,
    /// How much there is to look at.
    pub severity: Severity,
    /// What it is.
    pub message: &'static str,
}

/// A longer text is not looked at as a whole, and a finding says so.
pub const PYTHON_LONGEST: usize = 1 << 20;

/// What there is to look at in a Python program, in the order of the text.
///
/// ```
/// let found = clearing_profiles::python_findings("import os as o\no.system('ls')\n");
/// assert_eq!((found[0].rule, found[0].line, found[0].column), ("shell", 2, 1));
/// assert_eq!(clearing_profiles::python_findings("print('os.system')  # eval(x)"), []);
/// ```
pub fn python_findings(text: &str) -> Vec<Finding> {
    let read = &text[..text.floor_char_boundary(PYTHON_LONGEST)];
    let mut findings = walk::findings(read);
    if read.len() < text.len() {
        let (line, column) = text::Lines::of(read).place(read.len());
        let message = "the rest of the text is too long to be looked at";
        findings.push(Finding { line, column, rule: "unread", severity: Severity::Medium, message });
    }
    findings.sort_unstable();
    findings.dedup();
    findings
}
