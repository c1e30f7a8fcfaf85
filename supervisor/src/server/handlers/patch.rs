//! Patches to a session.
//!
//! ```text
//!   check ──▶ refused, and nothing has happened
//!     └─────▶ snapshot ──▶ apply ──▶ whole
//!             │              └─────▶ not whole: back to the snapshot
//!             └ until then commands and functions wait that somebody else asks for
//! ```

use std::os::fd::OwnedFd;

use clearing_rootfs::{Reading, Snapshot};
use clearing_runtime::spec::Others;

use crate::error::Error;
use crate::functions::PATCH;
use crate::outcome::Outcome;
use crate::patch::{self, PatchReport, PatchRequest, Permitted, Verb};
use crate::protocol::{Change, Fault, PatchApply, PatchCheck, PatchTold, SessionChanged, content};
use crate::request::RunRequest;
use crate::server::conductor::Leaving;
use crate::server::{Called, Conductor, Reply};

impl Conductor {
    /// `patch/check`.
    pub(crate) fn patch_check(&mut self, params: PatchCheck, reply: Reply<PatchTold>) {
        let PatchCheck { text, bytes, strip, unidiff_zero, allow, .. } = params;
        match self.patch_request(text, bytes.as_deref(), (strip, unidiff_zero), allow) {
            Err(fault) => reply.send(Err(fault)),
            Ok(request) => self.conduct_patch(&request, |_, report| {
                reply.send(report.and_then(|report| told(&report, false)));
            }),
        }
    }

    /// `patch/apply`.
    pub(crate) fn patch_apply(&mut self, params: PatchApply, asked: u64, reply: Reply<PatchTold>) {
        let PatchApply { text, bytes, strip, unidiff_zero, allow, processes, .. } = params;
        let request = self.patch_request(text, bytes.as_deref(), (strip, unidiff_zero), allow);
        let quiet = request.and_then(|request| {
            self.live()?.quiet(processes.others())?;
            Ok(request)
        });
        match quiet {
            Err(fault) => reply.send(Err(fault)),
            Ok(request) => self.conduct_patch(&request.clone(), move |on, report| match report {
                Ok(report) if report.is_accepted() => on.apply(request, asked, reply),
                Ok(report) => reply.send(told(&report, false)),
                Err(fault) => reply.send(Err(fault)),
            }),
        }
    }

    /// Applies what has been found to be applicable.
    fn apply(&mut self, request: PatchRequest, asked: u64, reply: Reply<PatchTold>) {
        let before = match self.begin_patch() {
            Ok(before) => before,
            Err(fault) => return reply.send(Err(fault)),
        };
        self.patch_begins();
        let request = PatchRequest { verb: Verb::Apply, ..request };
        self.conduct_patch(&request, move |on, report| {
            let is_whole = report.as_ref().is_ok_and(PatchReport::is_accepted);
            let ended = on.end_patch(&before, is_whole);
            if ended.is_err() {
                // What is half there is taken back by whoever opens the session next, and so would be all that followed.
                on.give_up(Leaving::Now, drop);
            }
            if is_whole && ended.is_ok() {
                on.handle.tell(SessionChanged::new(Change::Patched), Some(asked));
            }
            reply.send(report.and_then(|report| ended.and_then(|()| told(&report, is_whole))));
            on.patch_has_ended();
        });
    }

    fn begin_patch(&mut self) -> Result<Snapshot, Fault> {
        let live = self.live()?;
        let before = live.snapshot(None, Others::Refuse).map_err(Error::from)?;
        live.session_mut()?.patch_since(&before).map_err(Error::from)?;
        Ok(before)
    }

    fn end_patch(&mut self, before: &Snapshot, is_whole: bool) -> Result<(), Fault> {
        let live = self.live()?;
        if !is_whole {
            live.undo_patch(before)?;
        }
        live.session_mut()?.patch_is_whole().map_err(Error::from)?;
        Ok(())
    }

    fn patch_request(
        &mut self,
        text: Option<String>,
        bytes: Option<&str>,
        (strip, without_context): (Option<usize>, bool),
        allow: Vec<String>,
    ) -> Result<PatchRequest, Fault> {
        let patch = content(text, bytes).map_err(Fault::params)?;
        let run = RunRequest { session: Some(self.handle.id.clone()), ..RunRequest::default() };
        let Permitted { patch: permitted, apart } = patch::permitted(&run)?;
        let reading = Reading { strip, without_context, ..patch::reading(&permitted) };
        Ok(PatchRequest { verb: Verb::Check, patch, reading, allow, keep: permitted.keep, apart })
    }

    /// Has the function called; `then` hears what it told.
    fn conduct_patch(
        &mut self,
        request: &PatchRequest,
        then: impl FnOnce(&mut Self, Result<PatchReport, Fault>) + Send + 'static,
    ) {
        let called = request.call().map_err(Fault::from).and_then(|(streams, words)| {
            let output = streams[1].try_clone().map_err(|error| Error::System("dup", error))?;
            Ok((Called { function: PATCH, words: words.to_vec(), mark: request.mark(), streams }, output))
        });
        let (called, output): (Called, OwnedFd) = match called {
            Ok(called) => called,
            Err(fault) => return then(self, Err(fault)),
        };
        self.call(called, move |on, outcome: Result<Outcome, Fault>| {
            let report = outcome.and_then(|outcome| Ok(patch::told(&outcome, &output)?));
            then(on, report);
        });
    }
}

fn told(report: &PatchReport, applied: bool) -> Result<PatchTold, Fault> {
    let value =
        |value: Result<_, serde_json::Error>| value.map_err(|error| Fault::internal(error.to_string()));
    Ok(PatchTold {
        accepted: report.is_accepted(),
        applied,
        statistics: report.statistics(),
        risk: value(serde_json::to_value(report.risk()?))?,
        report: value(serde_json::to_value(report))?,
    })
}
