//! What programs are told of a change, in `--json` and by a server alike.

use clearing_rootfs::{Kind, Size, Status};

use crate::protocol::LineCounts;

pub(crate) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Added => "added",
        Status::Modified => "modified",
        Status::Deleted => "deleted",
        Status::Renamed => "renamed",
        Status::TypeChanged => "typeChanged",
    }
}

pub(crate) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Directory => "directory",
        Kind::Symlink => "symlink",
        Kind::Fifo => "fifo",
        Kind::Socket => "socket",
        Kind::Device => "device",
    }
}

/// In octal digits; none where it could not be read.
pub(crate) fn mode_text(mode: Option<u32>) -> Option<String> {
    mode.map(|mode| format!("{mode:04o}"))
}

/// None of what is no text, or could not be read.
pub(crate) fn line_counts(size: Option<Size>) -> Option<LineCounts> {
    match size {
        Some(Size::Lines { added, deleted }) => Some(LineCounts { added, deleted }),
        Some(Size::Bytes { .. } | Size::Nothing) | None => None,
    }
}
