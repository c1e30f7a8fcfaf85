//! What a session changed: told, landed, given up.

use std::path::Path;
use std::sync::Arc;

use clearing_rootfs::{Binary, Diff, DiffError, Entry, PathText, Plain, Side, Size, Store};

use crate::commit::{CommitOptions, of_session};
use crate::commit_report::CommitReport;
use crate::compared::{
    PRESENT, Wanted, check_project, kind_word, line_counts, mode_text, point, status_word,
};
use crate::error::Error;
use crate::protocol::{
    ChangesCommit, ChangesDiff, ChangesDiscard, Content, Diffed, Discarded, Fault, FileChange, FileSide,
};
use crate::server::{Conductor, Reply, Server};
use crate::session::{changed_git, sessions, stack};

/// A longer text is cut.
const LONGEST_PATCH: usize = 8 << 20;

impl Server {
    /// `changes/diff`.
    pub(crate) fn changes_diff(self: &Arc<Self>, params: ChangesDiff, reply: Reply<Diffed>) {
        self.look_beside(reply, move |_, is_wanted| Ok(diff(&params, is_wanted)?));
    }
}

/// Of what nobody waits for any more, as little as can be.
fn diff(params: &ChangesDiff, is_wanted: &dyn Fn() -> bool) -> Result<Diffed, Error> {
    let sessions = sessions()?;
    let record = sessions.read(&params.session)?;
    check_project(&record)?;
    let mut notes: Vec<String> = changed_git(&sessions, &record)?.into_iter().collect();
    let old = stack(&sessions, &record, point(&record, params.from.as_deref().unwrap_or("initial"))?)?;
    let new = stack(&sessions, &record, point(&record, params.to.as_deref().unwrap_or(PRESENT))?)?;
    let paths: Vec<_> = params.paths.iter().map(std::ffi::OsString::from).collect();
    let wanted = Wanted::beneath(&paths, record.project(), record.project())?;
    let diff = Diff::between(&old, &new, &|path| is_wanted() && wanted.has(path))?;
    let untold = diff
        .untold
        .iter()
        .map(|untold| String::from_utf8_lossy(&untold.line()).trim_start_matches("# ").trim_end().to_owned());
    notes.extend(untold);
    let mut changes = Vec::new();
    for entry in diff.entries.iter().take_while(|_| is_wanted()) {
        let size = match diff.size(entry) {
            Err(DiffError::Walk(error)) => {
                notes.push(Error::Changes(error).message());
                None
            }
            size => Some(size?),
        };
        changes.push(change(entry, size));
    }
    let mut text = Cut::default();
    if params.patch && is_wanted() {
        diff.write(Binary::Patch, &mut Plain(&mut text))?;
    }
    let patch = params.patch.then(|| Content::owned(text.bytes));
    Ok(Diffed { changes, notes, patch, truncated: text.is_cut })
}

/// Takes as much as may be told.
#[derive(Default)]
struct Cut {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl std::io::Write for Cut {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = LONGEST_PATCH - self.bytes.len();
        self.is_cut |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn change(entry: &Entry, size: Option<Size>) -> FileChange {
    let text = |path: &Path| PathText(path.to_owned());
    FileChange {
        status: status_word(entry.status()),
        path: text(&entry.path),
        from: entry.renamed.as_ref().map(|renamed| text(&renamed.from)),
        old: entry.old.map(side),
        new: entry.new.map(side),
        lines: line_counts(size),
    }
}

fn side(side: Side) -> FileSide {
    FileSide { kind: kind_word(side.kind), mode: mode_text(side.mode), size: side.size }
}

fn not_shown(error: &Error) -> String {
    format!("the session does not see what has landed until `session/refresh`: {}", error.message())
}

impl Conductor {
    /// `changes/commit`.
    pub(crate) fn changes_commit(&mut self, params: &ChangesCommit) -> Result<CommitReport, Fault> {
        let ChangesCommit { only, merge, allow, dry_run, processes, .. } = params;
        let live = self.live()?;
        live.quiet(processes.others())?;
        let store = Store::open(&Store::default_path(&|name| std::env::var_os(name)).map_err(Error::from)?);
        let store = store.map_err(Error::from)?;
        let options = CommitOptions { only: only.clone(), merge: *merge, allow: allow.clone() };
        let committed = of_session(&store, live.session()?, &options, &|_| Ok(!dry_run))?;
        let mut report = CommitReport::of(&committed);
        if committed.landed.is_some() {
            // The project is another one now, below what the session has. It has landed whether that is shown or not.
            let shown = live.refresh(processes.others()).map_err(Error::from);
            report.notes.extend(shown.err().map(|error| not_shown(&error)));
        }
        Ok(report)
    }

    /// `changes/discard`.
    pub(crate) fn changes_discard(&mut self, params: &ChangesDiscard) -> Result<Discarded, Fault> {
        let backup = self.live()?.rollback("initial", params.processes.others());
        Ok(Discarded { backup: backup.map_err(Error::from)? })
    }
}
