//! A command at work in a copy of the project, where no overlay can be had or none is wanted.

use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use clearing_profiles::{LayerPlace, Profile};
use clearing_rootfs::{
    BaseEntry, CopyError, Hidden, HomeEntry, Owner, Project, RunDirectory, Stack, Store, Survey, WorkingCopy,
    Written, all_but, furnish,
};
use clearing_runtime::spec::{Layer, User};

use crate::error::Error;
use crate::host::Host;
use crate::outcome::Tier;
use crate::place::Place;
use crate::progress;
use crate::workspace::Workspace;

/// A copy, and where its changes go.
#[derive(Debug)]
pub(crate) struct Copying {
    /// Where they are kept.
    pub(crate) place: Place,
    run: RunDirectory,
    copy: WorkingCopy,
    /// The layer, and those below it, newest first.
    upper: PathBuf,
    sealed: Vec<PathBuf>,
    project: PathBuf,
    hidden: Hidden,
    owner: Owner,
    /// What the copy takes by itself.
    before: Written,
}

/// Where a command works instead of in an overlay, and why.
#[derive(Debug, Clone)]
pub(crate) struct Elsewhere {
    /// The copy's top.
    pub(crate) root: PathBuf,
    /// Takes its changes in the end.
    pub(crate) upper: PathBuf,
    pub(crate) why: Why,
    /// What else stands elsewhere where there are no mounts.
    pub(crate) bare: Option<Bare>,
}

/// Directories of a command that sees the host's own paths.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bare {
    pub(crate) home: PathBuf,
    pub(crate) temporary: PathBuf,
    /// What of the host may be read besides the base.
    pub(crate) readable: Vec<PathBuf>,
}

/// Why there is a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    Asked,
    NoMounts,
    OtherOwner,
}

/// Services of the host keep state and sockets there.
const HOST_STATE: [&str; 2] = ["/usr/local/var", "/usr/var"];

impl Why {
    /// Whether a command is to work in a copy.
    pub(crate) fn of(host: &Host, profile: &Profile, project: &Project) -> Option<Self> {
        if host.tier == Tier::Landlock {
            Some(Self::NoMounts)
        } else if profile.filesystem.layer == LayerPlace::Copy {
            Some(Self::Asked)
        } else {
            // Files of an owner without an id inside could be read, and not be changed.
            (!host.is_privileged() && project.uid != host.uid).then_some(Self::OtherOwner)
        }
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Asked => "it was asked for",
            Self::NoMounts => "the tier has no mounts",
            Self::OtherOwner => "the project belongs to another user",
        }
    }
}

impl Copying {
    /// Copies the project as the workspace shows it, and tells the workspace.
    pub(crate) fn begin(
        host: &Host,
        store: &Store,
        place: Place,
        workspace: &mut Workspace,
        why: Why,
    ) -> Result<Self, Error> {
        let run = store.begin_run()?;
        let made = Self::make(host, store, &run, workspace, why);
        match made {
            Ok((copy, upper)) => {
                let sealed = workspace.changes.sealed.clone();
                let project = workspace.project.root.clone();
                let owner = host.is_privileged().then_some((workspace.project.uid, workspace.project.gid));
                let before = run.written();
                let hidden = workspace.hidden.clone();
                Ok(Self { place, run, copy, upper, sealed, project, hidden, owner, before })
            }
            Err(error) => {
                run.discard()?;
                place.discard().and(Err(error))
            }
        }
    }

    fn make(
        host: &Host,
        store: &Store,
        run: &RunDirectory,
        workspace: &mut Workspace,
        why: Why,
    ) -> Result<(WorkingCopy, PathBuf), Error> {
        let upper = match &workspace.changes.layer {
            Layer::Directories { upper, .. } => upper.clone(),
            Layer::Memory { .. } => run.layer("changes", None)?.upper,
        };
        let layers: Vec<PathBuf> = [&upper].into_iter().chain(&workspace.changes.sealed).cloned().collect();
        let stack = Stack::open_present(&layers, &workspace.project.root).map_err(CopyError::from)?;
        let stack = stack.hiding(&workspace.hidden);
        let owner = owner_of_copy(host, &workspace.project);
        let copied = run.copy("project", &stack, owner, &mut progress::copied);
        progress::clear();
        let (copy, left_out) = copied?;
        workspace.left_out = left_out;
        let bare = match host.tier {
            Tier::Namespaces => None,
            Tier::Landlock => Some(bare(host, store, run, workspace, owner)?),
        };
        workspace.elsewhere = Some(Elsewhere { root: copy.root(), upper: upper.clone(), why, bare });
        Ok((copy, upper))
    }

    /// Takes what the command changed into its layer. Nothing may run in the copy any more.
    pub(crate) fn capture(&self) -> Result<Vec<PathBuf>, Error> {
        let below = Stack::open_present(&self.sealed, &self.project).map_err(CopyError::from)?;
        let below = below.hiding(&self.hidden);
        Ok(self.copy.capture(&below, &self.upper, self.owner)?)
    }

    /// What [`Copying::written`] adds up, in pieces.
    pub(crate) fn surveys(&self) -> Vec<(Survey, Written)> {
        let mut all = self.place.surveys();
        all.push((self.run.survey(), self.before));
        all
    }

    /// The directories that these are about.
    pub(crate) fn tops(&self) -> Vec<(BorrowedFd<'_>, Written)> {
        let mut all = self.place.tops();
        all.push((self.run.lock(), self.before));
        all
    }

    pub(crate) fn run(&self) -> &RunDirectory {
        &self.run
    }

    pub(crate) fn discard(&self) -> Result<(), Error> {
        let kept = self.place.discard();
        self.run.discard()?;
        kept
    }
}

/// A copy belongs to whom the command is on the host. Where mounts map ids, that is the project's owner.
fn owner_of_copy(host: &Host, project: &Project) -> Owner {
    match (host.tier, host.bare_user()) {
        (Tier::Landlock, User::Other { uid, gid }) => Some((uid, gid)),
        (Tier::Landlock, User::Caller) => None,
        (Tier::Namespaces, _) => host.is_privileged().then_some((project.uid, project.gid)),
    }
}

/// Makes what mounts would have shown.
fn bare(
    host: &Host,
    store: &Store,
    run: &RunDirectory,
    workspace: &Workspace,
    owner: Owner,
) -> Result<Bare, Error> {
    if let Some((uid, gid)) = owner {
        let shut = store.let_others_through()?;
        run.let_group_through(gid)?;
        shut.map_or(Ok(()), |path| Err(Error::Shut(path, uid)))?;
    }
    let (home, temporary) = (run.directory("home", owner)?, run.directory("tmp", owner)?);
    let (mut things, mut readable) = (Vec::new(), Vec::new());
    let below = |path: &Path| path.strip_prefix(&host.home).ok().map(Path::to_owned);
    for entry in &workspace.settings {
        match entry {
            BaseEntry::File { path, content, mode } => {
                things.extend(below(path).map(|path| (path, HomeEntry::File(content.clone(), *mode))));
            }
            BaseEntry::ReadOnly { path } => readable.push((path.clone(), Vec::new())),
            BaseEntry::Symlink { .. } | BaseEntry::Directory { .. } => {}
        }
    }
    readable.extend(workspace.tools.roots.iter().map(|tool| (tool.path.clone(), tool.leave_out.clone())));
    readable.extend(workspace.caches.iter().map(|(cache, _)| (cache.path.clone(), Vec::new())));
    readable.sort();
    let links = readable.iter().filter_map(|(path, _)| Some((below(path)?, HomeEntry::Link(path.clone()))));
    things.extend(links);
    furnish(&home, &things, owner)?;
    let usr = (PathBuf::from("/usr"), HOST_STATE.map(PathBuf::from).into());
    // The command works in a copy: in the project itself it could read what is hidden.
    let all_but = |(path, left_out): &(PathBuf, Vec<PathBuf>)| {
        all_but(path, &[&left_out[..], std::slice::from_ref(&workspace.project.root)].concat())
    };
    let readable = readable.iter().chain([&usr]).flat_map(all_but).collect();
    Ok(Bare { home, temporary, readable })
}
