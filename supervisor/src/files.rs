//! Files of the project, read and changed by a confined function in the sandbox's view.
//!
//! ```text
//!   request ──▶ sandbox: open beneath ─ look ─ do ──▶ answer
//!                  └────── `inside.rs`, confined ──────┘
//! ```
//! Whatever a command prepared there — links, pipes, devices, swapped directories — stands in its way as it would in
//! the command's own: nothing outside is reached, nothing waited for.

mod beneath;
mod edit;
mod error;
mod inside;
mod list;
mod once;
mod read;
mod remove;
mod rename;
mod stat;
#[cfg(test)]
mod tests;
mod wire;
mod write;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use clearing_rootfs::PathText;
use clearing_runtime::Function;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use error::{FileCode, FileDetail, FileError};
pub use once::FilesOnce;
pub(crate) use wire::{
    Done, EditAnswer, EditRequest, Entry, ListAnswer, ListRequest, MkdirRequest, MoveRequest, ReadAnswer,
    ReadRequest, RemoveRequest, Request, StatRequest, WriteAnswer, WriteRequest,
};

use crate::error::Error;
use crate::functions::{Call, FILES, memory, sealed, written};
use crate::outcome::{Cause, Outcome};
use crate::why;

/// What runs in the sandbox.
pub(crate) const FUNCTION: Function = inside::files;

/// An answer has no more than 8 MiB of a file, each byte of which may take six characters.
const LONGEST: u64 = 64 << 20;

/// The methods, by the names that callers use.
pub(crate) const METHODS: [&str; 8] =
    ["fs/read", "fs/write", "fs/edit", "fs/list", "fs/stat", "fs/remove", "fs/move", "fs/mkdir"];

impl Request {
    /// What a method with these parameters asks for; none where it is no method on files. The error is one of the
    /// parameters.
    pub(crate) fn of(method: &str, params: Value) -> Option<Result<Self, serde_json::Error>> {
        fn of<T: DeserializeOwned>(
            params: Value,
            make: fn(T) -> Request,
        ) -> Option<Result<Request, serde_json::Error>> {
            Some(T::deserialize(params).map(make))
        }
        match method {
            "fs/read" => of(params, Self::Read),
            "fs/write" => of(params, Self::Write),
            "fs/edit" => of(params, Self::Edit),
            "fs/list" => of(params, Self::List),
            "fs/stat" => of(params, Self::Stat),
            "fs/remove" => of(params, Self::Remove),
            "fs/move" => of(params, Self::Move),
            "fs/mkdir" => of(params, Self::Mkdir),
            _ => None,
        }
    }

    /// Its method.
    pub(crate) fn method(&self) -> &'static str {
        match self {
            Self::Read(_) => "fs/read",
            Self::Write(_) => "fs/write",
            Self::Edit(_) => "fs/edit",
            Self::List(_) => "fs/list",
            Self::Stat(_) => "fs/stat",
            Self::Remove(_) => "fs/remove",
            Self::Move(_) => "fs/move",
            Self::Mkdir(_) => "fs/mkdir",
        }
    }

    /// What the record has of it: the method and paths, and no content.
    pub(crate) fn words(&self) -> Vec<OsString> {
        let paths = match self {
            Self::Read(request) => vec![&request.path],
            Self::Write(request) => vec![&request.path],
            Self::Edit(request) => vec![&request.path],
            Self::List(request) => request.path.iter().collect(),
            Self::Stat(request) => vec![&request.path],
            Self::Remove(request) => vec![&request.path],
            Self::Move(request) => vec![&request.from, &request.to],
            Self::Mkdir(request) => vec![&request.path],
        };
        let words = paths.into_iter().map(|path| without_nul(path.0.as_os_str()));
        std::iter::once(self.method().into()).chain(words).collect()
    }
}

/// No word of a command line has a NUL byte in it; such a path is refused by who opens it.
fn without_nul(word: &OsStr) -> OsString {
    let bytes: Vec<u8> = word.as_bytes().iter().map(|byte| if *byte == 0 { b'?' } else { *byte }).collect();
    OsString::from_vec(bytes)
}

/// The call that does what is asked for, in a sandbox that shows `project`.
pub(crate) fn call(request: &Request, project: &Path) -> Result<Call, Error> {
    let order = inside::Order { project: PathText(project.to_owned()), request: request.clone() };
    let order = serde_json::to_vec(&order);
    let order = order.map_err(|error| Error::System("writing the request on a file", error.into()))?;
    Ok(Call {
        function: FILES,
        verb: request.method(),
        mark: Value::Null,
        streams: [sealed("clearing-request", &[&order])?, memory("clearing-answer")?].into(),
        is_transaction: false,
    })
}

/// What came of a call that has ended.
pub(crate) fn answer(call: &Call, outcome: &Outcome) -> Result<Value, Error> {
    if (outcome.cause, outcome.exit_code) != (Cause::Exit, Some(inside::ANSWERED)) {
        let why = why::text(outcome).unwrap_or_else(|| format!("it ended by {:?}", outcome.cause));
        return Err(Error::Files(why.trim().to_owned()));
    }
    let failed = |error| Error::System("reading the answer on a file", error);
    let text = written(&call.streams[1], LONGEST).map_err(failed)?;
    match serde_json::from_slice(&text).map_err(|error| failed(error.into()))? {
        inside::Answer::Result(value) => Ok(value),
        inside::Answer::Error(error) => Err(Error::File(error)),
    }
}
