//! Why something could not be done with a file.

use std::path::Path;

use clearing_rootfs::PathText;
use rustix::io::Errno;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::printable;

/// What was refused, or failed; few words in every result.
pub(crate) type FileError = Box<FileFault>;

/// What was refused, or failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileFault {
    pub(crate) code: FileCode,
    pub(crate) message: String,
    pub(crate) path: PathText,
    /// What the kernel said, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) errno: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    /// The hash that the file has, where another one was expected; `absent` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) actual: Option<String>,
    /// Some of what is in a directory that is not empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) entries: Vec<PathText>,
}

/// What programs may want to know of it besides its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct FileDetail {
    #[schemars(with = "crate::protocol::outside::Asked")]
    path: PathText,
    /// What the kernel said, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<String>,
    /// The hash that the file has, where another one was expected; `absent` where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<String>,
    /// Some of what is in a directory that is not empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<crate::protocol::outside::Path>")]
    entries: Vec<PathText>,
}

/// What programs may tell it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FileCode {
    /// The path leads out of the project.
    #[serde(rename = "CLR-FILE-OUTSIDE")]
    Outside,
    /// There is nothing.
    #[serde(rename = "CLR-FILE-MISSING")]
    Missing,
    /// There is something already.
    #[serde(rename = "CLR-FILE-EXISTS")]
    Exists,
    /// It is another kind of thing.
    #[serde(rename = "CLR-FILE-KIND")]
    Kind,
    /// It is not what was expected.
    #[serde(rename = "CLR-FILE-CHANGED")]
    Changed,
    /// What is to be replaced does not stand there once.
    #[serde(rename = "CLR-FILE-MISMATCH")]
    Mismatch,
    /// A directory is not empty.
    #[serde(rename = "CLR-FILE-NOT-EMPTY")]
    NotEmpty,
    /// It may not be done.
    #[serde(rename = "CLR-FILE-DENIED")]
    Denied,
    /// There is no room, or a limit is reached.
    #[serde(rename = "CLR-FILE-FULL")]
    Full,
    /// It is too much at once.
    #[serde(rename = "CLR-FILE-SIZE")]
    Size,
    /// The request means nothing.
    #[serde(rename = "CLR-FILE-REQUEST")]
    Request,
    /// Anything else.
    #[serde(rename = "CLR-FILE-FAILED")]
    Failed,
}

impl FileCode {
    /// As it is written.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Outside => "CLR-FILE-OUTSIDE",
            Self::Missing => "CLR-FILE-MISSING",
            Self::Exists => "CLR-FILE-EXISTS",
            Self::Kind => "CLR-FILE-KIND",
            Self::Changed => "CLR-FILE-CHANGED",
            Self::Mismatch => "CLR-FILE-MISMATCH",
            Self::NotEmpty => "CLR-FILE-NOT-EMPTY",
            Self::Denied => "CLR-FILE-DENIED",
            Self::Full => "CLR-FILE-FULL",
            Self::Size => "CLR-FILE-SIZE",
            Self::Request => "CLR-FILE-REQUEST",
            Self::Failed => "CLR-FILE-FAILED",
        }
    }

    fn of(errno: Errno) -> Self {
        match errno {
            Errno::XDEV | Errno::LOOP => Self::Outside,
            Errno::NOENT => Self::Missing,
            Errno::EXIST => Self::Exists,
            Errno::NOTDIR | Errno::ISDIR | Errno::NXIO | Errno::NODEV => Self::Kind,
            Errno::NOTEMPTY => Self::NotEmpty,
            Errno::ACCESS | Errno::PERM | Errno::ROFS | Errno::OVERFLOW => Self::Denied,
            Errno::NOSPC | Errno::DQUOT | Errno::FBIG | Errno::NOMEM | Errno::MFILE => Self::Full,
            Errno::NAMETOOLONG | Errno::INVAL | Errno::ILSEQ => Self::Request,
            _ => Self::Failed,
        }
    }
}

impl FileFault {
    /// What the kernel said when this was tried.
    pub(super) fn system(what: &str, path: &Path, errno: Errno) -> FileError {
        let named = nix::errno::Errno::from_raw(errno.raw_os_error());
        let said = std::io::Error::from(errno);
        let message = format!("{what} `{}`: {said}", printable(path));
        let mut fault = Self::new(FileCode::of(errno), path, message);
        (fault.errno, fault.hint) = (Some(format!("{named:?}")), hint(errno).map(str::to_owned));
        fault
    }

    pub(super) fn new(code: FileCode, path: &Path, message: String) -> FileError {
        let (errno, hint, actual, entries) = (None, None, None, Vec::new());
        Box::new(Self { code, message, path: PathText(path.to_owned()), errno, hint, actual, entries })
    }

    pub(super) fn hinting(mut self: Box<Self>, hint: &str) -> FileError {
        self.hint = Some(hint.to_owned());
        self
    }

    pub(crate) fn detail(&self) -> FileDetail {
        let Self { path, errno, actual, entries, .. } = self.clone();
        FileDetail { path, errno, actual, entries }
    }

    pub(super) fn outside(path: &Path) -> FileError {
        let message = format!("`{}` leads out of the project", printable(path));
        Self::new(FileCode::Outside, path, message).hinting(OUTSIDE)
    }

    pub(super) fn request(path: &Path, what: &str) -> FileError {
        Self::new(FileCode::Request, path, format!("`{}`: {what}", printable(path)))
    }
}

impl std::fmt::Display for FileFault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for FileFault {}

const OUTSIDE: &str = "paths are relative to the project or absolute inside it; links are followed as long as they stay \
    there, those with an absolute target never";

fn hint(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::XDEV | Errno::LOOP => Some(OUTSIDE),
        Errno::ROFS => Some("the profile has it as `read_only`"),
        Errno::ACCESS | Errno::PERM => Some("its permission bits keep the command out, or it is a device"),
        Errno::OVERFLOW => Some("it belongs to a user whom the sandbox does not know"),
        Errno::NOSPC | Errno::DQUOT => Some("`disk` and `inodes` of the limits bound what is written"),
        Errno::FBIG => Some("`fileSize` of the limits bounds a file"),
        Errno::NOTEMPTY => Some("`recursive` removes it with all that is in it"),
        _ => None,
    }
}
