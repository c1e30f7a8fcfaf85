//! Commit: the one place that writes to the caller's real project, all or nothing.
//!
//! ```text
//!   compare ──▶ judge ──▶ plan ──▶ stage ──▶ journal ──▶ names ──▶ journal ──▶ let go
//!   └───── nothing is written ──┘  └── undone ─────────────────┘  └── finished ─────┘
//! ```
//! Two things are kept apart. What *may* land is judged from data alone: no link that leads out, no device,
//! nothing that runs by itself, nothing that the project has changed since the session saw it. How it lands
//! is the same for everything: laid out beside its place, written into a journal, renamed; a crash at any
//! point leaves, after [`Store::recover_commits`](crate::Store::recover_commits), the whole old or the whole
//! new project.

mod aliases;
mod arrange;
mod conflict;
mod edit;
mod error;
mod force;
mod journal;
mod judge;
mod kept;
mod land;
pub(crate) mod led;
pub(crate) mod links;
mod merge;
mod order;
mod plan;
mod protected;
mod recover;
pub(crate) mod repository;
mod select;
mod sift;
pub(crate) mod spelling;
mod stage;
mod target;
mod transaction;
mod tree;
mod view;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use recover::recover;
pub(crate) use spelling::fold;

pub use error::{CommitError, LandError, RecoverError};
pub use kept::{Harm, KeptName, KeptNames};
pub use plan::{Action, Code, Conflict, Did, Differs, Landing, Plan, Told, Withheld};
pub use protected::{Protected, ProtectedName};
pub use recover::RecoveredCommit;
pub use target::TargetError;

use self::aliases::Aliases;
use self::edit::{Edits, edits};
use self::judge::Judge;
use self::plan::Shown;
pub(crate) use self::protected::Known;
use self::select::Selection;
use self::sift::Sieve;
use self::target::Target;
use self::view::View;
use crate::hidden::{Behind, Hidden, Hiding};
use crate::identity::Identity;
use crate::seen::Seen;
use crate::stack::Stack;
use crate::walk::WalkError;

/// What is to be committed, and how.
#[derive(Clone, Copy, Debug)]
pub struct CommitRequest<'a> {
    /// The project, canonical.
    pub project: &'a Path,
    /// What it was when the session began.
    pub identity: Identity,
    /// What the session wrote, newest layer first.
    pub layers: &'a [PathBuf],
    /// Names that do not land.
    pub protected: &'a Protected,
    /// Names that others rely on.
    pub kept: &'a KeptNames,
    /// What of the project the session did not see, and would not see now.
    pub hiding: &'a Hiding,
    /// Paths that no command changes.
    pub read_only: &'a [PathBuf],
    /// Only what one of these patterns names, or lies in what it names; everything if there is none.
    pub only: &'a [String],
    /// Whether text that both sides changed is merged, and what cannot be is left out.
    pub merge: bool,
}

/// A commit that can be looked at, and then landed. Until then nothing is written.
#[derive(Debug)]
pub struct Commit {
    commits: Arc<OwnedFd>,
    target: Target,
    project: Stack,
    session: Stack,
    plan: Plan,
}

/// What a commit did besides what its plan says.
#[derive(Debug, Default)]
pub struct Landed {
    /// Paths of what stood in the project before that could not be removed; the next command tries again.
    pub left: Vec<PathBuf>,
}

impl Commit {
    pub(crate) fn plan_in(
        commits: Arc<OwnedFd>,
        request: &CommitRequest<'_>,
        seen: &Seen,
    ) -> Result<Self, CommitError> {
        let selection = Selection::new(request.only)?;
        let target = Target::open(request.project, request.identity)?;
        let Compared { project, session, edits, hidden } = compared(request)?;
        let plan = {
            let view = View::new(&project, &session);
            let aliases = Aliases::of(&edits, &target, request.protected, &view);
            let judge = Judge {
                view: &view,
                protected: request.protected,
                kept: request.kept,
                hidden: &hidden,
                read_only: request.read_only,
                aliases,
                known: Known::default(),
            };
            Sieve { judge: &judge, seen, selection: &selection, target: &target, merge: request.merge }
                .plan(edits)
        };
        Ok(Self { commits, target, project, session, plan })
    }

    /// What it would do.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What it would have done.
    pub fn into_plan(self) -> Plan {
        self.plan
    }

    /// Does all of it or nothing, and tells `seen` what the project has now, so that the session can go on.
    pub fn land(self, seen: &mut Seen) -> Result<(Plan, Landed), LandError> {
        let Self { commits, target, project, session, plan } = self;
        if plan.is_refused() {
            return Err(LandError::Conflicts { count: plan.conflicts.len() });
        }
        if plan.order.is_empty() {
            return Ok((plan, Landed::default()));
        }
        let view = View::new(&project, &session);
        let done = land::land(&commits, &target, &plan.order, &view)?;
        for Shown { path, shown, is_new, merged } in &plan.shown {
            seen.settle(path, shown.clone());
            // What cannot be looked at now was changed since, and will be a conflict.
            if !merged && let Ok(there) = target.sighting(path) {
                seen.has_landed(path, there, *is_new);
            }
        }
        Ok((plan, Landed { left: done.left }))
    }
}

/// The project beside what the session shows, both without what is hidden.
struct Compared {
    project: Stack,
    session: Stack,
    edits: Edits,
    hidden: Hidden,
}

/// Compares them. What is hidden now is looked for only where something changes.
fn compared(request: &CommitRequest<'_>) -> Result<Compared, CommitError> {
    let without = |hidden: &Hidden| -> Result<_, WalkError> {
        let project = Stack::open(&[], request.project)?.hiding(hidden);
        let session = Stack::open_present(request.layers, request.project)?.hiding(hidden);
        let edits = edits(&project, &session)?;
        Ok((project, session, edits))
    };
    let earlier = request.hiding.earlier();
    let (project, session, edits) = without(earlier)?;
    let behind = match edits.values().any(|edit| edit.has_other_names() || edit.stays_directory()) {
        true => Behind::OtherNames,
        false => Behind::Nothing,
    };
    let hidden = request.hiding.of_paths(request.project, edits.keys().map(PathBuf::as_path), behind)?;
    if hidden.paths == earlier.paths {
        return Ok(Compared { project, session, edits, hidden });
    }
    let (project, session, edits) = without(&hidden)?;
    Ok(Compared { project, session, edits, hidden })
}

impl From<WalkError> for CommitError {
    fn from(error: WalkError) -> Self {
        Self::Walk(error)
    }
}

#[cfg(test)]
mod tests;
