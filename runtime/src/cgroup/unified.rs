//! Version 2: the directory in which our groups may be made, and what must be done for it first.
//!
//! ```text
//!   delegated ─┬─ supervisor   we, and whoever started us        Beside: no more to do
//!              ├─ clearing-…   a sandbox
//!              └─ clearing-…
//!
//!   delegated      we alone, no groups below                     Below: we move to `supervisor` first
//! ```
//! A group that has controllers for the groups below it holds no processes itself, so the second case
//! is made into the first. That costs a write to `cgroup.procs`, about 10 ms on a quiet host.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{
    Access, AtFlags, CWD, Mode, OFlags, XattrFlags, accessat, getxattr, mkdirat, openat, setxattr, unlinkat,
};

use super::files;
use super::hierarchy::Own;
use super::{Kind, Unavailable};
use crate::error::{AtStage as _, Failure, Stage};
use crate::launcher;

/// Where a supervisor sits that has moved out of its group's way; systemd's `DelegateSubgroup=` may
/// name the same.
pub(super) const SUPERVISOR: &str = "supervisor";

/// A directory for groups, as found.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) directory: OwnedFd,
    pub(super) path: PathBuf,
    /// What groups in it can limit, once [`Place::prepare`] has been called.
    pub(super) controllers: Vec<Kind>,
    step: Step,
}

/// What is to be done before groups can be made there.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Nothing,
    /// Controllers are enabled for the groups in it.
    Enable(String),
    /// The calling process is moved out first.
    MoveAndEnable(String),
}

/// What was changed outside our own groups, to be undone by the last.
#[derive(Debug)]
pub(super) struct Moved {
    pub(super) place: OwnedFd,
    enabled: String,
    made: bool,
}

/// Whether a place without any of the controllers will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needed {
    Some,
    Nothing,
}

/// Looks for a place next to our own group, then inside it; nothing is changed. Our own unit may be
/// `known` to be delegated, whatever its mark.
pub(super) fn find(own: &Own, needed: Needed, known: bool) -> Result<Place, Unavailable> {
    beside(own, needed, known).or_else(|_| below(own, needed, known))
}

fn beside(own: &Own, needed: Needed, known: bool) -> Result<Place, Unavailable> {
    let is_root = rustix::process::geteuid().is_root();
    // What lies next to a unit is its manager's.
    let is_unit = is_unit(&own.path) && is_booted_with_systemd();
    let parent = own.path.parent().filter(|_| own.path != own.top && !is_unit);
    let parent = parent.ok_or_else(|| Unavailable::NotDelegated { path: own.path.clone() })?;
    // Root may write everywhere, so that it takes more to say that the directory is ours: a limit on
    // our own group must hold for what we start.
    let is_ours = own.path.ends_with(SUPERVISOR) || !is_root || is_marked(parent);
    if !is_ours || !known && is_managed(parent, &own.top) {
        return Err(Unavailable::NotDelegated { path: parent.to_owned() });
    }
    let directory = open_writable(parent)?;
    let (controllers, missing) = controllers(&directory, parent, needed)?;
    let step = if missing.is_empty() { Step::Nothing } else { Step::Enable(missing) };
    Ok(Place { directory, path: parent.to_owned(), controllers, step })
}

fn below(own: &Own, needed: Needed, known: bool) -> Result<Place, Unavailable> {
    let path = &own.path;
    if !known && is_managed(path, &own.top) {
        return Err(Unavailable::NotDelegated { path: path.clone() });
    }
    let directory = open_writable(path)?;
    let (controllers, missing) = controllers(&directory, path, needed)?;
    let step = match (missing.is_empty(), is_hierarchy_root(&directory)) {
        (true, _) => Step::Nothing,
        (false, true) => Step::Enable(missing),
        (false, false) if is_shared(&directory) => return Err(Unavailable::Shared { path: path.clone() }),
        (false, false) => Step::MoveAndEnable(missing),
    };
    Ok(Place { directory, path: path.clone(), controllers, step })
}

impl Place {
    /// Makes the place fit for groups.
    pub(super) fn prepare(&self) -> Result<Option<Moved>, Unavailable> {
        match &self.step {
            Step::Nothing => Ok(None),
            Step::Enable(missing) => self.enable(missing).map(|()| None),
            Step::MoveAndEnable(missing) => {
                let moved = self.move_out(missing).map_err(Unavailable::Refused)?;
                match self.enable(missing) {
                    Ok(()) => Ok(Some(moved)),
                    Err(unavailable) => {
                        moved.undo();
                        Err(unavailable)
                    }
                }
            }
        }
    }

    fn enable(&self, missing: &str) -> Result<(), Unavailable> {
        match files::set(&self.directory, "cgroup.subtree_control", missing) {
            Err(failure) if failure.errno == libc::EBUSY => {
                Err(Unavailable::Shared { path: self.path.clone() })
            }
            result => result.map_err(Unavailable::Refused),
        }
    }

    fn move_out(&self, missing: &str) -> Result<Moved, Failure> {
        let made = match mkdirat(&self.directory, SUPERVISOR, Mode::from_raw_mode(0o755)) {
            Ok(()) => true,
            Err(rustix::io::Errno::EXIST) => false,
            Err(errno) => Err(errno).at(Stage::Limits, || format!("mkdir({SUPERVISOR:?})"))?,
        };
        let place = self.directory.try_clone().at(Stage::Limits, || "fcntl(F_DUPFD_CLOEXEC)".into())?;
        let moved = Moved { place, enabled: missing.to_owned(), made };
        let enter = |pid: &String| files::set(&self.directory, "supervisor/cgroup.procs", pid);
        match ourselves().iter().try_for_each(enter) {
            Ok(()) => Ok(moved),
            Err(failure) => {
                moved.undo();
                Err(failure)
            }
        }
    }
}

impl Moved {
    /// A second one of the same.
    pub(super) fn try_clone(&self) -> Result<Self, Failure> {
        let place = self.place.try_clone().at(Stage::Limits, || "fcntl(F_DUPFD_CLOEXEC)".into())?;
        Ok(Self { place, enabled: self.enabled.clone(), made: self.made })
    }

    /// What there is of it beside its descriptor.
    pub(super) fn shape(&self) -> (String, bool) {
        (self.enabled.clone(), self.made)
    }

    /// The same in another process.
    pub(super) fn of((enabled, made): (String, bool), place: OwnedFd) -> Self {
        Self { place, enabled, made }
    }

    /// Puts the calling process and its group back as they were; false while others need them so.
    pub(super) fn undo(&self) -> bool {
        if !self.made {
            return true;
        }
        if super::names::others(&self.place) || is_shared_at(&self.place, SUPERVISOR) {
            return false;
        }
        // Each fails where somebody else has come in meanwhile, who then needs the group as it is.
        let _ = files::write(&self.place, "cgroup.subtree_control", &self.enabled.replace('+', "-"));
        for pid in ourselves() {
            let _ = files::write(&self.place, "cgroup.procs", &pid);
        }
        let _ = unlinkat(&self.place, SUPERVISOR, AtFlags::REMOVEDIR);
        true
    }
}

/// The controllers that groups in `directory` have or will have, and what to write to enable those
/// that are missing yet.
fn controllers(directory: &OwnedFd, path: &Path, needed: Needed) -> Result<(Vec<Kind>, String), Unavailable> {
    let read =
        |name| files::read(directory, name).at(Stage::Limits, || format!("read({:?})", path.join(name)));
    let enabled = read("cgroup.subtree_control").map_err(Unavailable::Refused)?;
    let has = |text: &str, name: &str| text.split_whitespace().any(|held| held == name);
    if Kind::ALL.iter().all(|kind| has(&enabled, kind.controller())) {
        return Ok((Kind::ALL.to_vec(), String::new()));
    }
    let available = read("cgroup.controllers").map_err(Unavailable::Refused)?;
    let controllers: Vec<Kind> =
        Kind::ALL.into_iter().filter(|kind| has(&available, kind.controller())).collect();
    if controllers.is_empty() && needed == Needed::Some {
        return Err(Unavailable::NoControllers { path: path.to_owned() });
    }
    let missing = controllers.iter().map(|kind| kind.controller()).filter(|name| !has(&enabled, name));
    let missing: Vec<&str> = missing.collect();
    // What was read and written can be had of it; nothing is limited with it.
    let io =
        if missing.is_empty() || !has(&available, "io") || has(&enabled, "io") { None } else { Some("io") };
    let words: Vec<String> = missing.into_iter().chain(io).map(|name| format!("+{name}")).collect();
    Ok((controllers, words.join(" ")))
}

/// Whether a service manager runs this part of the tree and has not given it away: it may undo there
/// what it did not do. <https://systemd.io/CGROUP_DELEGATION/>
fn is_managed(path: &Path, top: &Path) -> bool {
    let unit = unit_of(path, top);
    unit.is_some_and(|unit| is_booted_with_systemd() && !is_marked(unit) && !is_given_to_us(unit))
}

/// The unit that a group belongs to.
pub(super) fn unit_of<'a>(path: &'a Path, top: &Path) -> Option<&'a Path> {
    path.ancestors().take_while(|part| part.starts_with(top)).find(|part| is_unit(part))
}

/// Says of a unit, as the system's manager does of its own, that it is delegated: what is started from
/// it need not ask again.
pub(super) fn mark(unit: &Path) {
    // Where the kernel has no such attributes, it asks again.
    let _ = setxattr(unit, MARKS[0], b"1", XattrFlags::empty());
}

fn is_unit(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "service" || kind == "scope" || kind == "slice")
}

pub(super) fn is_booted_with_systemd() -> bool {
    accessat(CWD, "/run/systemd/system", Access::EXISTS, AtFlags::empty()).is_ok()
}

/// The mark of a unit with `Delegate=`, and an older one that only root sees. The users' own managers
/// set neither.
const MARKS: [&str; 2] = ["user.delegate", "trusted.delegate"];

fn is_marked(unit: &Path) -> bool {
    MARKS.into_iter().any(|name| {
        let mut value = [0; 8];
        getxattr(unit, name, &mut value).is_ok_and(|length| value[..length] == *b"1")
    })
}

/// Before that mark could be read by all, an ordinary user knew a delegated unit of the system's by its
/// owner; the units of the user's own manager have the same owner, delegated or not.
fn is_given_to_us(unit: &Path) -> bool {
    let uid = rustix::process::geteuid();
    let is_users = |part: &std::ffi::OsStr| part.to_str().is_some_and(|name| name.starts_with("user@"));
    !uid.is_root()
        && unit.extension().is_none_or(|kind| kind != "slice")
        && !unit.components().any(|part| is_users(part.as_os_str()))
        && rustix::fs::stat(unit).is_ok_and(|status| status.st_uid == uid.as_raw())
}

fn open_writable(path: &Path) -> Result<OwnedFd, Unavailable> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = || {
        let directory = openat(CWD, path, flags, Mode::empty())?;
        for name in [".", "cgroup.procs"] {
            accessat(&directory, name, Access::WRITE_OK, AtFlags::EACCESS)?;
        }
        Ok(directory)
    };
    open()
        .map_err(|errno: rustix::io::Errno| errno)
        .at(Stage::Limits, || format!("faccessat({path:?}, W_OK)"))
        .map_err(Unavailable::Refused)
}

/// The one group that may hold processes and give out controllers.
fn is_hierarchy_root(directory: &OwnedFd) -> bool {
    accessat(directory, "cgroup.type", Access::EXISTS, AtFlags::empty()).is_err()
}

/// Whether a group holds other processes than this one. Those of other PID namespaces read as 0.
fn is_shared(directory: impl AsFd) -> bool {
    let ours = ourselves();
    let is_ours = |pid: &str| ours.iter().any(|own| own == pid);
    files::read_list(directory, "cgroup.procs").map_or(true, |held| !held.lines().all(is_ours))
}

/// This process, and the launcher that it has.
pub(super) fn ourselves() -> Vec<String> {
    let me = rustix::process::getpid().as_raw_nonzero().get().unsigned_abs();
    [me].into_iter().chain(launcher::process()).map(|pid| pid.to_string()).collect()
}

fn is_shared_at(place: &OwnedFd, name: &str) -> bool {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(place, name, flags, Mode::empty()).is_ok_and(is_shared)
}
