//! Why a patch is refused, as programs know it and as people read it.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// One reason to refuse a patch as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    /// Stable, for programs.
    pub class: Class,
    /// The line of the patch that it is about, counted from 1.
    pub line: Option<usize>,
    /// The path that it is about, relative to the project.
    pub path: Option<PathBuf>,
    /// For people.
    pub reason: String,
    /// What `--allow` takes to let it pass.
    pub allow: Option<String>,
}

/// What is wrong with a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nothing in it would change anything.
    Empty,
    /// It is a diff of another kind.
    Format,
    /// It is a script for an editor, which could do anything.
    Script,
    /// Its header is incomplete or contradicts itself.
    Header,
    /// Two places of it name different files.
    Names,
    /// It says `/dev/null` for a file that is there.
    DevNull,
    /// A name that no file can have.
    Name,
    /// A name with a NUL in it, which ends there for some readers and not for others.
    Nul,
    /// A name that leads out of the project.
    Outside,
    /// A git directory, in any spelling.
    Git,
    /// A submodule, or where one comes from.
    Submodule,
    /// A mode other than that of a file, a program or a link.
    Mode,
    /// A hunk that cannot be read, or stands where none can.
    Hunk,
    /// A hunk has more or fewer lines than it says.
    Count,
    /// Binary data that cannot be read, or do not make what they say.
    Binary,
    /// It is larger than is permitted, or makes something that is, or says another size than it has.
    Size,
    /// Two of its parts are about one file.
    Duplicate,
    /// A file that it changes is not there.
    Missing,
    /// Something stands where it makes a file.
    Exists,
    /// The file has other lines.
    Mismatch,
    /// The lines are elsewhere than the patch says, and at more than one place.
    Ambiguous,
    /// A file that it names lies behind a link.
    BehindLink,
    /// It makes a link that leads out of the project.
    OutwardLink,
    /// What is there is of another type.
    Type,
    /// What is there cannot be read.
    Unread,
    /// A name that runs by itself, or tells others what to run.
    Protected,
    /// A path that the profile hides: what is there is out of sight, and a commit leaves it as it is.
    Hidden,
    /// A name that others rely on, and that is to go, or to become something else.
    Kept,
}

impl Class {
    /// As programs know it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "CLR-PATCH-EMPTY",
            Self::Format => "CLR-PATCH-FORMAT",
            Self::Script => "CLR-PATCH-SCRIPT",
            Self::Header => "CLR-PATCH-HEADER",
            Self::Names => "CLR-PATCH-NAMES",
            Self::DevNull => "CLR-PATCH-DEVNULL",
            Self::Name => "CLR-PATCH-NAME",
            Self::Nul => "CLR-PATCH-NUL",
            Self::Outside => "CLR-PATCH-OUTSIDE",
            Self::Git => "CLR-PATCH-GIT",
            Self::Submodule => "CLR-PATCH-SUBMODULE",
            Self::Mode => "CLR-PATCH-MODE",
            Self::Hunk => "CLR-PATCH-HUNK",
            Self::Count => "CLR-PATCH-COUNT",
            Self::Binary => "CLR-PATCH-BINARY",
            Self::Size => "CLR-PATCH-SIZE",
            Self::Duplicate => "CLR-PATCH-DUPLICATE",
            Self::Missing => "CLR-PATCH-MISSING",
            Self::Exists => "CLR-PATCH-EXISTS",
            Self::Mismatch => "CLR-PATCH-MISMATCH",
            Self::Ambiguous => "CLR-PATCH-AMBIGUOUS",
            Self::BehindLink => "CLR-PATCH-LINK",
            Self::OutwardLink => "CLR-PATCH-OUTWARD",
            Self::Type => "CLR-PATCH-TYPE",
            Self::Unread => "CLR-PATCH-UNREAD",
            Self::Protected => "CLR-PATCH-PROTECTED",
            Self::Hidden => "CLR-PATCH-HIDDEN",
            Self::Kept => "CLR-PATCH-KEPT",
        }
    }

    pub(super) fn refuse(self, reason: impl Into<String>) -> Refusal {
        Refusal { class: self, line: None, path: None, reason: reason.into(), allow: None }
    }
}

impl Refusal {
    pub(super) fn at(self, line: usize) -> Self {
        Self { line: Some(self.line.unwrap_or(line)), ..self }
    }

    pub(super) fn of(self, path: &Path) -> Self {
        Self { path: Some(self.path.unwrap_or_else(|| path.to_owned())), ..self }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class.as_str())?;
        if let Some(line) = self.line {
            write!(f, ": line {line}")?;
        }
        if let Some(path) = &self.path {
            write!(f, ": `{}`", path.as_os_str().as_bytes().escape_ascii())?;
        }
        write!(f, ": {}", self.reason)
    }
}
