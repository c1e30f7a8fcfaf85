//! A sandbox for one request, where none lives.

use std::path::Path;

use serde_json::{Value, json};

use super::{Request, answer, call};
use crate::error::Error;
use crate::exec;
use crate::permission::of_project;
use crate::request::{RunRequest, Told};
use crate::session::sessions;

/// Does what is asked for where `run` says.
pub(crate) fn conduct(request: &Request, run: RunRequest, tell: &dyn Fn(Told<'_>)) -> Result<Value, Error> {
    let session =
        run.session.as_deref().map(|name| sessions()?.read(name).map_err(Error::from)).transpose()?;
    let project = match &session {
        Some(record) => record.project().clone(),
        None => of_project(run.directory.as_deref())?.1.root,
    };
    let call = call(request, &project)?;
    let run = RunRequest { command: request.words(), call: Some(call.clone()), ..run };
    let finished = exec::run(&run, tell, &|_| Ok(None))?;
    match finished.error {
        Some(error) => Err(error),
        None => answer(&call, &finished.outcome),
    }
}

/// For tests: a request as JSON-RPC would have it, in a sandbox of its own.
pub struct FilesOnce;

impl FilesOnce {
    /// Makes the functions known. Before anything else, by a process with one thread.
    pub fn register() -> bool {
        clearing_runtime::register_functions(&crate::functions::FUNCTIONS)
    }

    /// The result, or the error with its code, in a session or over a project.
    pub fn ask(session: Option<&str>, project: &Path, method: &str, params: Value) -> Result<Value, Value> {
        let told = |error: Error| json!({ "code": error.text().code, "message": error.message(), "hint": error.hint() });
        let request = Request::of(method, params).ok_or_else(|| json!({ "code": "no method" }))?;
        let request = request.map_err(|error| json!({ "code": "params", "message": error.to_string() }))?;
        let directory = session.is_none().then(|| project.to_owned());
        let run = RunRequest { directory, session: session.map(str::to_owned), ..RunRequest::default() };
        conduct(&request, run, &|_| {}).map_err(told)
    }
}
