//! Where the lines of a diff go: each with what it is, so that a terminal may show it in colour.

use std::io;

/// What a line of a diff is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Says what git's text cannot; `git apply` passes over it.
    Note,
    /// Names and modes.
    Meta,
    /// Where the lines that follow stand.
    Hunk,
    /// A line on both sides.
    Context,
    /// A line of the old side.
    Old,
    /// A line of the new side.
    New,
}

/// Takes the lines of a diff.
pub trait Lines {
    /// Takes a line without its end.
    fn line(&mut self, part: Part, line: &[u8]) -> io::Result<()>;
}

/// The exact bytes.
#[derive(Debug)]
pub struct Plain<W>(pub W);

impl<W: io::Write> Lines for Plain<W> {
    fn line(&mut self, _: Part, line: &[u8]) -> io::Result<()> {
        self.0.write_all(line)?;
        self.0.write_all(b"\n")
    }
}
