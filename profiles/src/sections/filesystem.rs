//! `[filesystem]`: what of the host is seen besides the base system and the project.

use std::path::{Component, Path, PathBuf};

use serde::{Serialize, Serializer};
use thiserror::Error;
use toml::de::DeTable;

use super::greater;
use crate::diagnostic::Fault;
use crate::quantity::write_size;
use crate::section::{Licence, Section};
use crate::stated::{Stated, list, one_of_words};
use crate::value::{self, Item};

/// What of the host is seen, and how large the sandbox's own file systems are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Filesystem {
    /// Further host paths that can be read.
    pub read: Vec<HostPath>,
    /// Patterns of what of the project is hidden, as `.gitignore` writes them.
    pub hide: Vec<String>,
    /// Whether the files that are secrets by their names are hidden too.
    pub sensitive: bool,
    /// Patterns of what is shown nevertheless, with all that is in it.
    pub show: Vec<String>,
    /// Paths of the project that no command changes.
    pub read_only: Vec<String>,
    /// Whether the tools that `PATH` leads to come in.
    pub tool_roots: bool,
    /// Whether the caller's dependency caches are lower layers of the home.
    pub caches: bool,
    /// Where what a command writes is kept while it runs.
    pub layer: LayerPlace,
    /// Bytes of all that is kept in memory, `/tmp` and `/dev/shm` among it; never 0, which a tmpfs
    /// takes for no limit.
    pub layer_size: u64,
}

/// Where what a command writes is kept while it runs, ordered by how much that can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LayerPlace {
    /// In memory.
    Memory,
    /// In memory where the host has twice what it may take and a kernel that can, else on disk.
    Auto,
    /// In the state directory.
    Disk,
    /// In the state directory, the project as a copy of its own and not as an overlay.
    Copy,
}

impl Filesystem {
    pub(crate) fn read(
        file: &mut DeTable<'_>,
        parent: Option<&Self>,
        licence: Licence<'_>,
    ) -> Result<Self, Fault> {
        let known =
            ["read", "hide", "sensitive", "show", "read_only", "tool_roots", "caches", "layer", "layer_size"];
        let mut keys = Section::open(file, "filesystem", &known, licence)?;
        let size = || value::size(PAGE..=LARGEST);
        let section = Self {
            read: keys.take_list("read", parent.map(|p| &p.read), host_path, HostPath::covers)?,
            hide: keys.take_restrictions("hide", parent.map(|p| &p.hide), pattern)?,
            sensitive: keys.take("sensitive", parent.map(|p| &p.sensitive), value::boolean, less)?,
            show: keys.take_list("show", parent.map(|p| &p.show), pattern, PartialEq::eq)?,
            read_only: keys.take_restrictions("read_only", parent.map(|p| &p.read_only), project_path)?,
            tool_roots: keys.take("tool_roots", parent.map(|p| &p.tool_roots), value::boolean, greater)?,
            caches: keys.take("caches", parent.map(|p| &p.caches), value::boolean, greater)?,
            layer: keys.take("layer", parent.map(|p| &p.layer), value::word(&PLACES), greater)?,
            layer_size: keys.take("layer_size", parent.map(|p| &p.layer_size), size(), greater)?,
        };
        keys.close()?;
        Ok(section)
    }

    pub(crate) fn state(&self) -> Stated {
        let Self { read, hide, sensitive, show, read_only, tool_roots, caches, layer, layer_size } = self;
        vec![
            ("read", list(read.iter().map(HostPath::written))),
            ("hide", list(hide)),
            ("sensitive", (*sensitive).into()),
            ("show", list(show)),
            ("read_only", list(read_only)),
            ("tool_roots", (*tool_roots).into()),
            ("caches", (*caches).into()),
            ("layer", one_of_words(&PLACES, layer)),
            ("layer_size", write_size(*layer_size).into()),
        ]
    }
}

/// Places as profiles have them.
const PLACES: [(&str, LayerPlace); 4] = [
    ("auto", LayerPlace::Auto),
    ("memory", LayerPlace::Memory),
    ("disk", LayerPlace::Disk),
    ("copy", LayerPlace::Copy),
];

const PAGE: u64 = 4096;
const LARGEST: u64 = 1 << 50;

/// A path of the host: absolute, or below the caller's home.
///
/// It has no `..`, no `.` and no NUL, and is none of `/`, the home itself, `/proc`, `/sys`, `/dev`
/// or what lies in those three.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HostPath {
    /// From the root.
    Absolute(PathBuf),
    /// From the caller's home, written `~/…`.
    Home(PathBuf),
}

impl HostPath {
    /// Reads a path as a profile has it.
    pub fn parse(text: &str) -> Result<Self, HostPathError> {
        let (path, make): (&str, fn(PathBuf) -> Self) = match text.strip_prefix("~/") {
            Some(rest) => (rest, Self::Home),
            None if text.starts_with('/') => (&text[1..], Self::Absolute),
            None => return Err(HostPathError::Relative(text.to_owned())),
        };
        if text.contains('\0') {
            return Err(HostPathError::Nul);
        }
        let path = Path::new(path.trim_start_matches('/'));
        if path.components().any(|component| component == Component::ParentDir) {
            return Err(HostPathError::Parent(text.to_owned()));
        }
        let path: PathBuf = path.components().filter(|c| *c != Component::CurDir).collect();
        if path.as_os_str().is_empty() {
            return Err(HostPathError::Whole(text.to_owned()));
        }
        make(path).rooted(text)
    }

    /// The path on the host of a caller with this home.
    pub fn resolve(&self, home: &Path) -> PathBuf {
        match self {
            Self::Absolute(path) => path.clone(),
            Self::Home(path) => home.join(path),
        }
    }

    /// The path as [`HostPath::parse`] reads it.
    fn written(&self) -> String {
        match self {
            Self::Absolute(path) => path.display().to_string(),
            Self::Home(path) => Path::new("~").join(path).display().to_string(),
        }
    }

    /// Puts the root back on, and refuses the kernel's own file systems.
    fn rooted(self, text: &str) -> Result<Self, HostPathError> {
        match self {
            Self::Absolute(path) if ["proc", "sys", "dev"].iter().any(|own| path.starts_with(own)) => {
                Err(HostPathError::Kernel(text.to_owned()))
            }
            Self::Absolute(path) => Ok(Self::Absolute(Path::new("/").join(path))),
            home => Ok(home),
        }
    }

    /// Whether `other` lies at or below this path, compared by component.
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Absolute(path), Self::Absolute(other)) | (Self::Home(path), Self::Home(other)) => {
                other.starts_with(path)
            }
            _ => false,
        }
    }
}

impl Serialize for HostPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absolute(path) => path.serialize(serializer),
            Self::Home(path) => Path::new("~").join(path).serialize(serializer),
        }
    }
}

/// Why a text is no path for a profile.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HostPathError {
    /// Neither absolute nor below the home.
    #[error("`{0}` is neither absolute nor begins with `~/`")]
    Relative(String),
    /// With a `..`.
    #[error("`{0}` goes back up with `..`")]
    Parent(String),
    /// The whole host, or the whole home.
    #[error("`{0}` is everything")]
    Whole(String),
    /// In `/proc`, `/sys` or `/dev`.
    #[error("`{0}` is the kernel's, and the sandbox has its own")]
    Kernel(String),
    /// With a NUL byte.
    #[error("a path cannot hold a NUL byte")]
    Nul,
}

/// A pattern of paths of the project. Whether it is one that can match is known when it is used.
fn pattern(item: &Item<'_>) -> Result<String, Fault> {
    let text = value::string(item)?;
    let why = if text.trim_matches(['/', '.']).is_empty() {
        "matches the whole project, or nothing"
    } else if text.contains('\0') {
        "holds a NUL byte"
    } else if text.starts_with('!') {
        "is an exception, which `show` is for"
    } else if Path::new(text).components().any(|part| part == Component::ParentDir) {
        "goes back up with `..`"
    } else {
        return Ok(text.to_owned());
    };
    Err(Fault::new(item.span(), format!("the pattern `{text}` {why}")))
}

/// A path of the project, from its top.
fn project_path(item: &Item<'_>) -> Result<String, Fault> {
    let text = pattern(item)?;
    match text.contains(['*', '?', '[', '{']) {
        true => Err(Fault::new(item.span(), format!("`{text}` is a pattern, and here stand paths"))),
        false => Ok(text),
    }
}

fn less(one: &bool, other: &bool) -> bool {
    greater(other, one)
}

fn host_path(item: &Item<'_>) -> Result<HostPath, Fault> {
    HostPath::parse(value::string(item)?).map_err(|error| Fault::new(item.span(), error.to_string()))
}
