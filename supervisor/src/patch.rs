//! Patches: read, checked and applied by a confined function in the sandbox's view, all or nothing.
//!
//! ```text
//!   bytes ──▶ sandbox: read ─ simulate ─ judge ─ apply ──▶ report ──▶ risk ──▶ kept, or undone
//!                      └───── `inside.rs`, confined ────┘
//! ```

mod apart;
mod inside;
mod measured;
mod report;

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use clearing_rootfs::{Reading, Store};
use clearing_runtime::Function;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use apart::Apart;
pub use measured::MeasuredCheck;
pub(crate) use report::PatchReport;

use crate::digest::sha256;
use crate::error::Error;
use crate::exec;
use crate::functions::{Call, PATCH, memory, sealed};
use crate::hiding::hidden;
use crate::outcome::{Cause, Outcome};
use crate::permission::{Wanted, of_project};
use crate::request::{RunRequest, Told};
use crate::session::sessions;
use crate::why;

/// What runs in the sandbox.
pub(crate) const FUNCTION: Function = inside::patch;

/// What is to become of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Verb {
    /// Nothing but an answer.
    Check,
    /// It is applied, if it can be as a whole.
    Apply,
}

/// A patch, and how it is to be read.
#[derive(Debug, Clone)]
pub(crate) struct PatchRequest {
    pub(crate) verb: Verb,
    /// All of it.
    pub(crate) patch: Vec<u8>,
    pub(crate) reading: Reading,
    /// Names that it may touch all the same.
    pub(crate) allow: Vec<String>,
    /// Names that the profile keeps.
    pub(crate) keep: Vec<String>,
    pub(crate) apart: Apart,
}

/// What a profile says of patches, and what of the project no patch changes.
pub(crate) struct Permitted {
    pub(crate) patch: clearing_profiles::Patch,
    pub(crate) apart: Apart,
}

/// What the function reads before the patch.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    verb: Verb,
    reading: Reading,
    allow: Vec<String>,
    keep: Vec<String>,
    apart: Apart,
}

impl Order {
    /// The bytes that tell where they end.
    fn to_bytes(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(self)
    }

    /// The order, and what stands behind it.
    fn read(input: &[u8]) -> Result<(Self, &[u8]), postcard::Error> {
        postcard::take_from_bytes(input)
    }
}

/// What the profile says of patches to what `run` names.
pub(crate) fn permitted(run: &RunRequest) -> Result<Permitted, Error> {
    let session =
        run.session.as_deref().map(|name| sessions()?.read(name).map_err(Error::from)).transpose()?;
    let project = session.as_ref().map(|record| record.project().as_path());
    let (host, project) = of_project(project.or(run.directory.as_deref()))?;
    let of_session = session.as_ref().map(|record| record.profile.as_str());
    let profile = Wanted::of(run, of_session).settle(&host, &project)?;
    let store = Store::open(&Store::default_path(&|name| host.variable(name))?)?;
    let earlier = session.as_ref().map_or(&[][..], |record| &record.hidden);
    let apart = Apart::of(&profile, &hidden(&profile, &project, &store)?.with(earlier));
    Ok(Permitted { patch: profile.patch, apart })
}

/// How a patch is read where the profile says this.
pub(crate) fn reading(permitted: &clearing_profiles::Patch) -> Reading {
    let most = |limit| usize::try_from(limit).unwrap_or(usize::MAX);
    Reading {
        strip: None,
        without_context: false,
        size: most(permitted.max_size),
        files: most(permitted.max_files),
        made: most(permitted.max_made),
    }
}

/// Has a patch checked or applied where `run` says, and tells what came of it.
pub(crate) fn conduct(
    request: &PatchRequest,
    run: RunRequest,
    tell: &dyn Fn(Told<'_>),
) -> Result<PatchReport, Error> {
    let (streams, words) = request.call()?;
    let call = Call {
        function: PATCH,
        verb: "patch",
        mark: request.mark(),
        streams: Arc::new(streams),
        is_transaction: request.verb == Verb::Apply && run.session.is_some(),
    };
    let output = Arc::clone(&call.streams);
    let run = RunRequest { command: words.to_vec(), call: Some(call), ..run };
    let finished = exec::run(&run, tell, &|_| Ok(None))?;
    let told = told(&finished.outcome, &output[1]);
    told.map_err(|error| finished.error.unwrap_or(error))
}

impl PatchRequest {
    /// What the record has of it: which patch it was, as `sha256sum` tells it.
    pub(crate) fn mark(&self) -> Value {
        json!({ "patch": { "sha256": sha256(&self.patch), "bytes": self.patch.len() } })
    }

    /// What the function reads and writes, and its name in the record.
    pub(crate) fn call(&self) -> Result<([OwnedFd; 2], [OsString; 2]), Error> {
        let (allow, keep, apart) = (self.allow.clone(), self.keep.clone(), self.apart.clone());
        let order = Order { verb: self.verb, reading: self.reading, allow, keep, apart };
        let order = order.to_bytes().map_err(std::io::Error::other);
        let order = order.map_err(|error| Error::System("writing the order on a patch", error))?;
        let input = sealed("clearing-patch", &[&order, &self.patch])?;
        let word = if self.verb == Verb::Apply { "apply" } else { "check" };
        Ok(([input, memory("clearing-report")?], ["patch", word].map(OsString::from)))
    }
}

/// What the function told, once it has ended.
pub(crate) fn told(outcome: &Outcome, output: &OwnedFd) -> Result<PatchReport, Error> {
    match (outcome.cause, outcome.exit_code) {
        (Cause::Exit, Some(inside::ACCEPTED | inside::REFUSED)) => report::read(output),
        _ => Err(failed(outcome)),
    }
}

fn failed(outcome: &Outcome) -> Error {
    let why = why::text(outcome).or_else(|| outcome.exit_code.map(|code| format!("it ended with {code}")));
    let why = why.unwrap_or_else(|| format!("it ended by {:?}", outcome.cause));
    Error::Patch(why.trim().to_owned())
}
