//! What a run works on: the project, the layers that take its changes, and what else is shown.

use std::path::PathBuf;

use clearing_rootfs::{
    Base, BaseEntry, BaseRequest, HostNames, LayerDirectories, LayerTop, MountTable, Project, RunDirectory,
    Store, ToolRequest, ToolRoots, caches, settings, tool_roots,
};

use crate::error::Error;
use crate::host::Host;
use crate::plan::{HOSTNAME, identity_inside};
use clearing_profiles::{NetworkMode, Profile};

/// Everything that a plan shows, described; the directories of the run exist.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// The caller's real directory.
    pub(crate) project: Project,
    /// Takes the changes of the project.
    pub(crate) layer: LayerDirectories,
    /// The git directory outside of the project, and what takes its changes.
    pub(crate) git: Option<(PathBuf, LayerDirectories)>,
    /// The private home.
    pub(crate) home: PathBuf,
    /// The caller's caches, each with what takes its changes.
    pub(crate) caches: Vec<(PathBuf, LayerDirectories)>,
    /// The caller's settings that tools read.
    pub(crate) settings: Vec<BaseEntry>,
    /// What `PATH` names.
    pub(crate) tools: ToolRoots,
    /// `/usr`, `/etc` and the like.
    pub(crate) base: Base,
    /// Where init puts the root together.
    pub(crate) root: PathBuf,
    /// Mounts below the project, left out.
    pub(crate) mounts_below: Vec<PathBuf>,
}

impl Workspace {
    /// Describes the workspace and makes its layers in the run's directory.
    pub(crate) fn prepare(
        host: &Host,
        profile: &Profile,
        project: Project,
        store: &Store,
        run: &RunDirectory,
    ) -> Result<Self, Error> {
        let variable = |name: &str| host.variable(name);
        let mounts_below = mounts_below(host, &project)?;
        let layer = run.layer("project", Some(top_of(host, &project)))?;
        let git = match &project.git {
            Some(git) => Some((git.common.clone(), run.layer("git", Some(top_of(host, &project)))?)),
            None => None,
        };
        let cached = if profile.filesystem.caches { caches(&host.home, &variable) } else { Vec::new() };
        let caches = cached
            .into_iter()
            .enumerate()
            .map(|(number, cache)| Ok((cache, run.layer(&format!("cache-{number}"), None)?)))
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            layer,
            git,
            home: run.layer("home", None)?.upper,
            caches,
            settings: settings(&host.home, &variable),
            tools: tools(host, profile, &project, store),
            base: base(host, profile),
            root: root_directory(store)?,
            mounts_below,
            project,
        })
    }
}

/// A directory that every init covers with its own root, in its own mount namespace.
fn root_directory(store: &Store) -> Result<PathBuf, Error> {
    let root = store.path().join("root");
    match std::fs::create_dir(&root) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Error::System("creating `root` in the state directory", error))
        }
        _ => Ok(root),
    }
}

/// The layer's top stands for the project's own, so it has its mode; for root also its owner.
fn top_of(host: &Host, project: &Project) -> LayerTop {
    LayerTop { mode: project.mode, owner: host.is_privileged().then_some((project.uid, project.gid)) }
}

/// An overlay cannot hold what is mounted below its lower directory. Root clones the directory
/// without; in an ordinary user's namespace the kernel refuses that, since it would uncover what the
/// mounts hide.
fn mounts_below(host: &Host, project: &Project) -> Result<Vec<PathBuf>, Error> {
    let below = MountTable::read()?.below(&project.root);
    if below.is_empty() || host.is_privileged() { Ok(below) } else { Err(Error::MountsBelow(below)) }
}

fn tools(host: &Host, profile: &Profile, project: &Project, store: &Store) -> ToolRoots {
    let variable = |name: &str| host.variable(name);
    let path = variable("PATH").filter(|_| profile.filesystem.tool_roots).unwrap_or_default();
    tool_roots(&ToolRequest {
        path: &path,
        home: Some(&host.home),
        project: &project.root,
        state: store.path(),
        environment: &variable,
    })
}

fn base(host: &Host, profile: &Profile) -> Base {
    let (uid, gid) = identity_inside(host);
    let shell = host.variable("SHELL").map_or_else(|| PathBuf::from("/bin/sh"), PathBuf::from);
    Base::of_host(&BaseRequest {
        user: &host.user,
        uid,
        gid,
        home: &host.home,
        shell: &shell,
        hostname: HOSTNAME,
        names: match profile.network.mode {
            NetworkMode::None => HostNames::Own,
            NetworkMode::Host => HostNames::Host,
        },
    })
}

impl Workspace {
    /// The project, and its git directory where that lies outside: what the command may change.
    pub(crate) fn writable(&self) -> impl Iterator<Item = (&PathBuf, &LayerDirectories)> {
        let project = std::iter::once((&self.project.root, &self.layer));
        project.chain(self.git.iter().map(|(path, layer)| (path, layer)))
    }
}
