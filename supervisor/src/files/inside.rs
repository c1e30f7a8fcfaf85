//! The function that does something with files, in the sandbox, with nothing but its three streams.

use std::ffi::CString;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;

use clearing_rootfs::PathText;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::beneath::Top;
use super::error::{FileError, FileFault};
use super::wire::Request;
use super::{edit, list, read, remove, rename, stat, write};
use crate::signals::survive_file_limits;

/// Its exit codes: there is an answer; there is none.
pub(super) const ANSWERED: i32 = 0;
const FAILED: u8 = 2;

/// What the function reads.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// What callers call the working directory.
    pub(super) project: PathText,
    pub(super) request: Request,
}

/// What it writes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Answer {
    Result(Value),
    Error(FileError),
}

/// Reads the order from standard input, does what it says in the working directory, and writes the answer to standard
/// output.
pub(super) fn files(_: &[CString]) -> u8 {
    survive_file_limits();
    match order().and_then(|order| tell(&answer(&order, Path::new(".")))) {
        Ok(()) => ANSWERED as u8,
        Err(error) => {
            let _ = writeln!(io::stderr(), "clearing: {error}");
            FAILED
        }
    }
}

fn order() -> io::Result<Order> {
    let mut input = Vec::new();
    // Not by way of `io::stdin`, in whose buffer may be what the supervisor left there.
    std::fs::File::from(io::stdin().as_fd().try_clone_to_owned()?).read_to_end(&mut input)?;
    Ok(serde_json::from_slice(&input)?)
}

fn tell(answer: &Answer) -> io::Result<()> {
    let text = serde_json::to_vec(answer)?;
    io::stdout().write_all(&text)?;
    io::stdout().flush()
}

/// Does what the order says beneath the directory.
pub(super) fn answer(order: &Order, directory: &Path) -> Answer {
    let project = &order.project.0;
    let top = Top::open(directory, project).map_err(|errno| FileFault::system("opening", project, errno));
    let done = top.and_then(|top| match &order.request {
        Request::Read(request) => told(read::read(&top, request)?),
        Request::Write(request) => told(write::write(&top, request)?),
        Request::Edit(request) => told(edit::edit(&top, request)?),
        Request::List(request) => told(list::list(&top, request)?),
        Request::Stat(request) => told(stat::stat(&top, request)?),
        Request::Remove(request) => told(remove::remove(&top, request)?),
        Request::Move(request) => told(rename::rename(&top, request)?),
        Request::Mkdir(request) => told(rename::mkdir(&top, request)?),
    });
    done.map_or_else(Answer::Error, Answer::Result)
}

/// None of these values can fail to be written to memory.
fn told(value: impl Serialize) -> Result<Value, FileError> {
    Ok(serde_json::to_value(value).unwrap_or_default())
}
