//! The trees that judgements look into: the project, and what the session shows over it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, OFlags, fstat, statat};
use rustix::io::Errno;

use super::links::Links;
use super::repository::{Repositories, is_layout};
use super::stage::Content;
use super::target::{c_string, chmod_held};
use crate::beneath::open_beneath;
use crate::compare::Kind;
use crate::overlay::{Mark, mark};
use crate::stack::{Found, Stack};
use crate::walk::WalkError;

/// The two trees. What was looked up once is not looked up again.
pub(crate) struct View<'a> {
    pub(crate) project: &'a Stack,
    pub(crate) session: &'a Stack,
    known: [Known; 2],
    targets: [RefCell<HashMap<PathBuf, Option<PathBuf>>>; 2],
    /// The nearest repository without a `.git` at each directory or above it.
    layouts: RefCell<HashMap<PathBuf, Option<PathBuf>>>,
}

/// What was found of one of them under each path; none if nothing was.
type Known = RefCell<HashMap<PathBuf, Option<Found>>>;

const BOTH: [Side; 2] = [Side::Project, Side::Session];

#[derive(Clone, Copy)]
enum Side {
    Project,
    Session,
}

impl<'a> View<'a> {
    pub(crate) fn new(project: &'a Stack, session: &'a Stack) -> Self {
        Self {
            project,
            session,
            known: Default::default(),
            targets: Default::default(),
            layouts: RefCell::default(),
        }
    }

    fn stack(&self, side: Side) -> &Stack {
        match side {
            Side::Project => self.project,
            Side::Session => self.session,
        }
    }

    /// The target of a link; none if there is no link.
    fn link(&self, side: Side, path: &Path) -> Option<PathBuf> {
        let targets = &self.targets[side as usize];
        if let Some(target) = targets.borrow().get(path) {
            return target.clone();
        }
        let found = self.find(side, path).filter(|found| found.kind == Kind::Symlink);
        let target = found.and_then(|found| self.stack(side).read_link(path, &found).ok());
        targets.borrow_mut().insert(path.to_owned(), target.clone());
        target
    }

    fn kind(&self, side: Side, path: &Path) -> Option<Kind> {
        self.find(side, path).map(|found| found.kind)
    }

    /// Looks a path up from the nearest directory above it that was looked up before: what is judged leads down
    /// step by step, however deep.
    fn find(&self, side: Side, path: &Path) -> Option<Found> {
        let (stack, known) = (self.stack(side), &self.known[side as usize]);
        let mut unknown = Vec::new();
        let mut found = None;
        for above in path.ancestors() {
            if let Some(known) = known.borrow().get(above) {
                found = Some(known.clone());
                break;
            }
            unknown.push(above);
        }
        // Below what cannot be looked at nothing lands anyway.
        let mut found = found.unwrap_or_else(|| stack.root().ok());
        for path in unknown.into_iter().rev() {
            if let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
                found = found.and_then(|above| stack.find_in(parent, &above, name).ok().flatten());
            }
            known.borrow_mut().insert(path.to_owned(), found.clone());
        }
        found
    }
}

impl Repositories for View<'_> {
    fn in_project(&self, path: &Path) -> Option<Kind> {
        self.kind(Side::Project, path)
    }

    fn in_session(&self, path: &Path) -> Option<Kind> {
        self.kind(Side::Session, path)
    }

    fn layout_above(&self, path: &Path) -> Option<PathBuf> {
        let (mut unknown, mut nearest) = (Vec::new(), None);
        for directory in path.ancestors().skip(1) {
            if let Some(known) = self.layouts.borrow().get(directory) {
                nearest.clone_from(known);
                break;
            }
            unknown.push(directory);
        }
        for directory in unknown.into_iter().rev() {
            if is_layout(directory, &|path| self.in_either(path)) {
                nearest = Some(directory.to_owned());
            }
            self.layouts.borrow_mut().insert(directory.to_owned(), nearest.clone());
        }
        nearest
    }

    /// A whiteout or an opaque directory in any of the layers says so.
    fn was_replaced(&self, path: &Path) -> bool {
        let layers = (0..self.session.depth()).filter(|layer| !self.session.is_bottom(*layer));
        layers.into_iter().any(|layer| is_replaced_in(self.session, layer, path))
    }
}

impl Links for View<'_> {
    fn target(&self, path: &Path) -> Option<PathBuf> {
        self.link(Side::Session, path)
    }

    /// What lands is a part of what the session shows, and what stays behind is the project's: a link on the way
    /// may be the one or the other.
    fn targets(&self, path: &Path) -> Vec<PathBuf> {
        let mut targets: Vec<_> = BOTH.iter().filter_map(|side| self.link(*side, path)).collect();
        targets.dedup();
        targets
    }

    fn may_be_plain(&self, path: &Path) -> bool {
        BOTH.iter().any(|side| self.link(*side, path).is_none())
    }
}

impl Content for View<'_> {
    fn open(&self, path: &Path) -> Result<OwnedFd, Errno> {
        // What stands there now is compared with what was judged by who reads it.
        let found = self.find(Side::Session, path).ok_or(Errno::STALE)?;
        match found.kind {
            Kind::Directory => {
                self.session.top(found.layer).and_then(|top| open_beneath(top, path, OFlags::DIRECTORY))
            }
            _ => match self.session.open_file(path, &found).map_err(|error| errno(&error)) {
                Err(Errno::ACCESS) => open_by_force(self.session.top(found.layer)?, path),
                opened => opened,
            },
        }
    }
}

/// Opens a file of the session's whose mode forbids that to its own owner, and leaves the mode as it is.
fn open_by_force(top: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Errno> {
    let held = open_beneath(top, path, OFlags::PATH)?;
    let mode = fstat(&held)?.st_mode & 0o7777;
    chmod_held(held.as_fd(), mode | 0o400)?;
    let opened = open_beneath(top, path, OFlags::empty());
    chmod_held(held.as_fd(), mode)?;
    opened
}

fn is_replaced_in(session: &Stack, layer: usize, path: &Path) -> bool {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return false };
    let look = || {
        let parent = open_beneath(session.top(layer)?, parent, OFlags::PATH | OFlags::DIRECTORY)?;
        let name = c_string(name)?;
        let stat = statat(&parent, &name, AtFlags::SYMLINK_NOFOLLOW)?;
        mark(parent.as_fd(), &name, &stat)
    };
    matches!(look(), Ok(Mark::Whiteout | Mark::Opaque | Mark::Elsewhere(_)))
}

fn errno(error: &WalkError) -> Errno {
    match error {
        WalkError::Open { source, .. } | WalkError::Read { source, .. } => {
            Errno::from_io_error(source).unwrap_or(Errno::IO)
        }
        WalkError::Tampered { .. } | WalkError::Late => Errno::INVAL,
    }
}
