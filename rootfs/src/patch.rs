//! Patches: read once, carried out in memory, and applied from that, all or nothing.
//!
//! ```text
//!   bytes ──▶ read ──▶ simulate upon a tree ──▶ judge ──▶ apply, of what was prepared
//!              └──────────── refused: nothing was changed ┘
//! ```
//! Whatever git takes, and `diff -u` makes, is read: what is created, deleted, renamed, copied, made a
//! program, binary or a link. What git would pass over in silence, or guess, is refused with a class of its
//! own: names that disagree, lines that its numbers leave out, a place that is not the only one.

mod apply;
mod binary;
mod class;
mod entry;
mod git;
mod header;
mod hunks;
mod judge;
mod lines;
mod name;
mod parse;
mod simulate;
mod stand;
mod text;
mod traditional;
mod tree;

pub use apply::ApplyError;
pub use class::{Class, Refusal};
pub use entry::{FileMode, How};
pub use judge::Rules;
pub use parse::{Patch, Reading};
pub use simulate::{Deed, Made, Node, Prepared, Simulation, Was};
pub use text::Placed;
pub use tree::{DirectoryTree, Read, Tree};
