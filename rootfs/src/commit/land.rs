//! Landing: everything is staged, then every name changes, and only then is anything let go.

use std::ffi::CString;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{RenameFlags, fstat, fstatvfs, fsync, renameat_with, syncfs};
use rustix::io::Errno;

use super::error::LandError;
use super::force::{FORCED, mark};
use super::journal::{Journal, Record, Staged, VERSION};
use super::order::{Act, ModeRecord, Order, Step, StepRecord};
use super::stage::{Content, Staging, Unstaged};
use super::target::{Target, c_string};
use super::transaction::{Stuck, Transaction};
use super::tree::sightings_below;
use crate::boot::boot_id;
use crate::path_text::PathText;
use crate::sighting::Sighting;

/// More files are synced by one call for their whole file system.
const SYNC_EACH: u64 = 64;

/// What a commit did besides what was asked.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// What stood in the project before and could not be removed afterwards.
    pub(crate) left: Vec<PathBuf>,
}

/// Does all of `order` or nothing. `commits` is where the journal is kept.
pub(crate) fn land(
    commits: &Arc<OwnedFd>,
    target: &Target,
    order: &Order,
    content: &dyn Content,
) -> Result<Done, LandError> {
    check_room(target, order)?;
    let record = record(target, order).map_err(|(path, errno)| LandError::project(&path, errno))?;
    let journal = Journal::begin(commits).map_err(LandError::journal)?;
    let transaction = Transaction { target, record: &record, prefix: journal.prefix() };
    let landing = Landing { target, order, journal: &journal, transaction: &transaction };
    match landing.go(content) {
        Ok(()) => {
            let left = transaction.finish().map_err(LandError::unfinished)?;
            if left.is_empty() {
                journal.end().map_err(LandError::journal)?;
            }
            Ok(Done { left })
        }
        Err(error) => Err(landing.give_up(error)),
    }
}

struct Landing<'a> {
    target: &'a Target,
    order: &'a Order,
    journal: &'a Journal,
    transaction: &'a Transaction<'a>,
}

impl Landing<'_> {
    /// The order that everything rests on: journal, files, journal, names, journal.
    fn go(&self, content: &dyn Content) -> Result<(), LandError> {
        self.journal.plan(self.transaction.record).map_err(LandError::journal)?;
        self.transaction.force_modes().map_err(|it| LandError::project(&it.path, it.errno))?;
        let staged = self.stage_all(content)?;
        self.sync_directories()?;
        self.journal.ready(&staged).map_err(LandError::journal)?;
        self.change_names()?;
        self.check_modes()?;
        self.sync_directories()?;
        self.journal.landed().map_err(LandError::journal)
    }

    fn stage_all(&self, content: &dyn Content) -> Result<Staged, LandError> {
        let staging = Staging { content, owner: self.owner(), sync_each: self.syncs_each() };
        let mut inodes = Vec::with_capacity(self.order.steps.len());
        self.remember_directories()?;
        self.in_directories(|number, step, directory| {
            if step.new.is_empty() {
                inodes.push(None);
                return Ok(());
            }
            let name = self.transaction.staged_name(number);
            let staged = staging.stage(directory, &name, &step.new);
            inodes.push(Some(staged.map_err(|failed| self.unstaged(failed))?));
            Ok(())
        })?;
        Ok(Staged { inodes })
    }

    /// From now on they are found again, whatever becomes of their names.
    fn remember_directories(&self) -> Result<(), LandError> {
        self.in_directories(|_, step, directory| {
            self.target.remember(&step.directory, directory);
            Ok(())
        })
    }

    fn change_names(&self) -> Result<(), LandError> {
        self.in_directories(|number, step, directory| {
            let staged = self.transaction.staged_name(number);
            let name = c_string(step.name.as_os_str()).map_err(|it| LandError::project(&step.path(), it))?;
            self.expect_old(directory, &name, step)?;
            let (from, to, flags) = match step.act() {
                Act::Make => (&staged, &name, RenameFlags::NOREPLACE),
                Act::Replace => (&staged, &name, RenameFlags::EXCHANGE),
                Act::Delete => (&name, &staged, RenameFlags::NOREPLACE),
            };
            renameat_with(directory, from, directory, to, flags).map_err(|errno| match errno {
                Errno::EXIST | Errno::NOENT => LandError::Meanwhile { path: step.path() },
                errno => LandError::project(&step.path(), errno),
            })?;
            self.expect_backup(directory, &staged, step)
        })
    }

    /// What stands under the name just before it changes must be what the plan was made with.
    fn expect_old(&self, directory: BorrowedFd<'_>, name: &CString, step: &Step) -> Result<(), LandError> {
        let now = Sighting::at(directory, name).map_err(|errno| LandError::project(&step.path(), errno))?;
        let as_planned = match (step.old.first(), &now) {
            (Some((_, old)), Some(now)) => old.is_still(now),
            (None, None) => true,
            _ => false,
        };
        if as_planned { Ok(()) } else { Err(LandError::Meanwhile { path: step.path() }) }
    }

    /// And so must what has been put aside, since it may have changed between that look and the renaming.
    fn expect_backup(
        &self,
        directory: BorrowedFd<'_>,
        staged: &CString,
        step: &Step,
    ) -> Result<(), LandError> {
        if step.old.is_empty() {
            return Ok(());
        }
        let now = sightings_below(directory, staged, &step.path())
            .map_err(|errno| LandError::project(&step.path(), errno))?;
        let same = |((path, old), (now_path, now)): (&(PathBuf, Sighting), &(PathBuf, Sighting))| {
            let is_top = *path == step.path();
            path == now_path && if is_top { old.is_same_moved(now) } else { old.is_still(now) }
        };
        let differing = step.old.iter().zip(&now).find(|pair| !same(*pair));
        match differing {
            None if now.len() == step.old.len() => Ok(()),
            None => Err(LandError::Meanwhile { path: step.path() }),
            Some(((path, _), _)) => Err(LandError::Meanwhile { path: path.clone() }),
        }
    }

    fn check_modes(&self) -> Result<(), LandError> {
        for (mode, record) in self.order.modes.iter().zip(&self.transaction.record.modes) {
            let now = self.target.sighting(&mode.path).map_err(|it| LandError::project(&mode.path, it))?;
            let expected = if record.forced { record.old | FORCED } else { record.old };
            if now.is_none_or(|now| now.inode != record.inode || now.mode != expected) {
                return Err(LandError::Meanwhile { path: mode.path.clone() });
            }
        }
        Ok(())
    }

    /// Calls `work` with each step and its open directory, which steps that follow each other share.
    fn in_directories(
        &self,
        mut work: impl FnMut(usize, &Step, BorrowedFd<'_>) -> Result<(), LandError>,
    ) -> Result<(), LandError> {
        let mut open: Option<(&Path, OwnedFd)> = None;
        for (number, step) in self.order.steps.iter().enumerate() {
            if open.as_ref().is_none_or(|(path, _)| *path != step.directory) {
                let directory = self.target.directory(&step.directory);
                open = Some((&step.directory, directory.map_err(|it| moved(&step.directory, it))?));
            }
            if let Some((_, directory)) = &open {
                work(number, step, directory.as_fd())?;
            }
        }
        Ok(())
    }

    fn sync_directories(&self) -> Result<(), LandError> {
        if !self.syncs_each() {
            return syncfs(self.target.top()).map_err(|it| LandError::project(Path::new(""), it));
        }
        let mut last = None;
        self.in_directories(|_, step, directory| {
            if last.replace(step.directory.clone()).as_ref() == Some(&step.directory) {
                return Ok(());
            }
            fsync(directory).map_err(|errno| LandError::project(&step.directory, errno))
        })
    }

    fn syncs_each(&self) -> bool {
        self.order.size().1 + self.order.steps.len() as u64 <= SYNC_EACH
    }

    /// What root lands belongs to whom the project belongs to.
    fn owner(&self) -> Option<(u32, u32)> {
        let stat = fstat(self.target.top()).ok()?;
        rustix::process::geteuid().is_root().then_some((stat.st_uid, stat.st_gid))
    }

    fn unstaged(&self, failed: Unstaged) -> LandError {
        match failed.errno {
            Errno::STALE => LandError::SourceChanged { path: failed.path },
            Errno::NOSPC | Errno::DQUOT => LandError::DiskFull {
                project: self.target.path().to_owned(),
                needed: self.order.size().0,
                free: free(self.target),
            },
            errno => LandError::project(&failed.path, errno),
        }
    }

    /// Puts everything back. Where even that fails the journal stays, and the next command tries again.
    fn give_up(&self, error: LandError) -> LandError {
        match self.transaction.undo(self.journal) {
            Ok(kept) => match self.journal.end() {
                Err(errno) => LandError::not_undone(error, Stuck { path: PathBuf::new(), errno }),
                Ok(()) if kept.is_empty() => error,
                Ok(()) => LandError::Kept { cause: Box::new(error), kept },
            },
            Err(stuck) => LandError::not_undone(error, stuck),
        }
    }
}

/// Refuses at once what cannot fit. Shared blocks take nothing, but whether blocks can be shared is known
/// only when they are; so what is on the same disk is tried.
fn check_room(target: &Target, order: &Order) -> Result<(), LandError> {
    let items = order.steps.iter().flat_map(|step| &step.new);
    let elsewhere = items.filter(|item| item.source.device != target.identity().device);
    let needed: u64 = elsewhere.map(|item| item.allocated).sum();
    let free = free(target);
    if needed <= free {
        return Ok(());
    }
    Err(LandError::DiskFull { project: target.path().to_owned(), needed, free })
}

fn free(target: &Target) -> u64 {
    fstatvfs(target.top()).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn moved(path: &Path, errno: Errno) -> LandError {
    match errno {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP => LandError::Meanwhile { path: path.to_owned() },
        errno => LandError::project(path, errno),
    }
}

/// What recovery has to know of the order, in the order's own sequence.
fn record(target: &Target, order: &Order) -> Result<Record, (PathBuf, Errno)> {
    let step = |step: &Step| StepRecord {
        act: step.act(),
        directory: PathText(step.directory.clone()),
        name: PathText(step.name.clone()),
        old: step.old.first().map(|(_, old)| old.inode),
    };
    let mut modes: Vec<ModeRecord> = order
        .modes
        .iter()
        .map(|mode| ModeRecord {
            path: PathText(mode.path.clone()),
            inode: mode.old.inode,
            old: mode.old.mode,
            new: mode.new,
            forced: false,
        })
        .collect();
    mark(target, order, &mut modes)?;
    Ok(Record {
        version: VERSION,
        project: PathText(target.path().to_owned()),
        identity: target.identity(),
        boot: boot_id(),
        steps: order.steps.iter().map(step).collect(),
        modes,
    })
}
