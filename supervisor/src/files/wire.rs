//! What is asked of files, and what is answered.

use clearing_rootfs::PathText;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::protocol::bounds::Field::{Absent, Text};
use crate::protocol::bounds::{BASE64, MODE, one_of};
use crate::protocol::outside::Path;

/// Something to be done with a file of the project.
///
/// Paths are relative to the project, or absolute inside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Request {
    Read(ReadRequest),
    Write(WriteRequest),
    Edit(EditRequest),
    List(ListRequest),
    Stat(StatRequest),
    Remove(RemoveRequest),
    Move(MoveRequest),
    Mkdir(MkdirRequest),
}

/// Reads a regular file, or a part of it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ReadRequest {
    #[schemars(with = "Path")]
    pub(crate) path: PathText,
    /// The first byte.
    #[serde(default)]
    pub(crate) offset: u64,
    /// The first line, from 1, in place of an offset.
    #[schemars(range(min = 1))]
    pub(crate) line: Option<u64>,
    /// How many lines at most.
    pub(crate) lines: Option<u64>,
    /// How many bytes at most; 1 MiB unless said, and never more than 8 MiB.
    pub(crate) max_bytes: Option<u64>,
    /// Whether to tell the hash of the whole file though only a part of it is read.
    #[serde(default)]
    pub(crate) sha256: bool,
}

/// What was read: `text`, or `bytes` in base64 where it is not UTF-8.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReadAnswer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<String>,
    /// Where it begins.
    pub(crate) offset: u64,
    /// Whether there is more after it.
    pub(crate) truncated: bool,
    /// The offset of what comes after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<u64>,
    /// Of the whole file.
    pub(crate) size: u64,
    /// Permission bits, as `chmod` writes them.
    pub(crate) mode: String,
    /// Milliseconds since 1970.
    pub(crate) modified_ms: i64,
    /// Of the whole file, where all of it was read or the hash was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
}

/// Writes a regular file: `text`, or `bytes` in base64.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = one_of(&[&[Text("text"), Absent("bytes")], &[Text("bytes"), Absent("text")]]))]
pub(crate) struct WriteRequest {
    #[schemars(with = "Path")]
    pub(crate) path: PathText,
    pub(crate) text: Option<String>,
    #[schemars(regex(pattern = BASE64))]
    pub(crate) bytes: Option<String>,
    /// Permission bits, as `chmod` writes them; else those that the file has, or 666 without the umask.
    #[schemars(regex(pattern = MODE))]
    pub(crate) mode: Option<String>,
    /// Whether the file may be made, with the directories that lead to it; yes unless said.
    pub(crate) create: Option<bool>,
    /// What the file has to be at present: its hash, or `absent`.
    pub(crate) expected: Option<String>,
    /// Whether it is written after what the file holds.
    #[serde(default)]
    pub(crate) append: bool,
}

/// What was written.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WriteAnswer {
    /// Where, relative to the project: the end of the links that led there.
    #[schemars(with = "Path")]
    pub(crate) path: PathText,
    /// Whether the file is new.
    pub(crate) created: bool,
    pub(crate) size: u64,
    pub(crate) mode: String,
    /// Of the whole file; not of one that was appended to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
}

/// Replaces pieces of a text file, all of them or none.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EditRequest {
    #[schemars(with = "Path")]
    pub(crate) path: PathText,
    /// In this order, each upon what the one before left.
    pub(crate) edits: Vec<Edit>,
    /// What the file has to be at present: its hash.
    pub(crate) expected: Option<String>,
}

/// One piece.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Edit {
    /// What stands there, exactly; once, unless `all`.
    #[schemars(length(min = 1))]
    pub(crate) old: String,
    pub(crate) new: String,
    /// Whether every place is meant.
    #[serde(default)]
    pub(crate) all: bool,
}

/// What was replaced.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EditAnswer {
    #[schemars(with = "Path")]
    pub(crate) path: PathText,
    /// How many places.
    pub(crate) replaced: u64,
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

/// Lists a directory.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ListRequest {
    /// The project itself unless said.
    #[schemars(with = "Option<Path>")]
    pub(crate) path: Option<PathText>,
    /// How many levels; 1 unless said, and never more than 64.
    pub(crate) depth: Option<u32>,
    /// How many entries at most; 1,000 unless said, and never more than 50,000.
    pub(crate) limit: Option<u32>,
    /// Whether names that begin with a dot are told; yes unless said.
    pub(crate) hidden: Option<bool>,
}

/// What is in a directory: outer levels before inner ones where not all is told, sorted by path.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListAnswer {
    pub(crate) entries: Vec<Entry>,
    /// Whether there is more.
    pub(crate) truncated: bool,
}

/// What stands under a path.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// Relative to the project.
    #[schemars(with = "Path")]
    pub(crate) path: PathText,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// In bytes; of a regular file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
    /// Permission bits, as `chmod` writes them.
    pub(crate) mode: String,
    /// Milliseconds since 1970.
    pub(crate) modified_ms: i64,
    /// Where a link leads, as it says itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Path>")]
    pub(crate) target: Option<PathText>,
    /// Why a directory could not be looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unread: Option<String>,
}

/// What kind of thing it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    File,
    Directory,
    Link,
    Fifo,
    Socket,
    Device,
}

/// Tells what stands under a path. A link is told of itself unless it is to be followed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StatRequest {
    #[schemars(with = "Path")]
    pub(crate) path: PathText,
    #[serde(default)]
    pub(crate) follow: bool,
}

/// Removes a file, a link itself, or a directory.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RemoveRequest {
    #[schemars(with = "Path")]
    pub(crate) path: PathText,
    /// Whether a directory goes with all that is in it.
    #[serde(default)]
    pub(crate) recursive: bool,
}

/// Gives something another name.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MoveRequest {
    #[schemars(with = "Path")]
    pub(crate) from: PathText,
    #[schemars(with = "Path")]
    pub(crate) to: PathText,
    /// Whether a file that has the name already is replaced.
    #[serde(default)]
    pub(crate) replace: bool,
}

/// Makes a directory, and those that lead to it; that it is there already is fine.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MkdirRequest {
    #[schemars(with = "Path")]
    pub(crate) path: PathText,
}

/// Of what was done there is nothing more to tell.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Done {}
