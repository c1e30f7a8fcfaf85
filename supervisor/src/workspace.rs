//! What a run works on: the project, the layers that take its changes, and what else is shown.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::PathBuf;

use clearing_rootfs::{
    Base, BaseEntry, BaseRequest, Cache, HostNames, LayerDirectories, LayerTop, MountTable, Project,
    RunDirectory, Store, ToolRequest, ToolRoots, caches, settings, tool_roots,
};

use crate::error::Error;
use crate::host::Host;
use crate::plan::{HOSTNAME, identity_inside};
use clearing_profiles::{LayerPlace, NetworkMode, Profile};
use clearing_runtime::spec::Layer;

/// Everything that a plan shows, described; layers on disk exist.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// The caller's real directory.
    pub(crate) project: Project,
    /// Takes the changes of the project.
    pub(crate) layer: Layer,
    /// The git directory outside of the project, and what takes its changes.
    pub(crate) git: Option<(PathBuf, Layer)>,
    /// The private home; in memory where it has no directory.
    pub(crate) home: Option<PathBuf>,
    /// The caller's caches, each with what takes its changes.
    pub(crate) caches: Vec<(Cache, Layer)>,
    /// The caller's settings that tools read.
    pub(crate) settings: Vec<BaseEntry>,
    /// What `PATH` names.
    pub(crate) tools: ToolRoots,
    /// `/usr`, `/etc` and the like.
    pub(crate) base: Base,
}

impl Workspace {
    /// Describes the workspace; makes its layers in `run`, or none where they are to be in memory.
    pub(crate) fn prepare(
        host: &Host,
        profile: &Profile,
        project: Project,
        store: &Store,
        run: Option<&RunDirectory>,
    ) -> Result<Self, Error> {
        let variable = |name: &str| host.variable(name);
        let top = top_of(host, &project);
        let git = match &project.git {
            Some(git) => Some((git.common.clone(), layer(run, "git", Some(top))?)),
            None => None,
        };
        let cached =
            if profile.filesystem.caches { caches(&host.home, store.path(), &variable) } else { Vec::new() };
        let caches = cached
            .into_iter()
            .enumerate()
            .map(|(number, cache)| Ok((cache, layer(run, &format!("cache-{number}"), None)?)))
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            layer: layer(run, PROJECT, Some(top))?,
            git,
            home: run.map(|run| run.layer("home", None)).transpose()?.map(|layer| layer.upper),
            caches,
            settings: settings(&host.home, &variable),
            tools: tools(host, profile, &project, store),
            base: base(host, profile),
            project,
        })
    }
}

/// The project's layer.
const PROJECT: &str = "project";

/// Whether what the command writes is to be kept in memory.
pub(crate) fn in_memory(host: &Host, profile: &Profile) -> bool {
    match profile.filesystem.layer {
        LayerPlace::Memory => true,
        LayerPlace::Disk => false,
        // So much may be taken by each of a few sandboxes.
        LayerPlace::Auto => host.tmpfs_layers && host.memory / 4 >= profile.filesystem.layer_size,
    }
}

/// Where the changes of the project are found once the sandbox has ended.
pub(crate) fn upper(layer: &Layer, memory: Option<&OwnedFd>) -> Option<PathBuf> {
    match (layer, memory) {
        (Layer::Directories { upper, .. }, _) => Some(upper.clone()),
        (Layer::Memory { name, .. }, Some(memory)) => {
            Some(format!("/proc/self/fd/{}/{name}.upper", memory.as_raw_fd()).into())
        }
        (Layer::Memory { .. }, None) => None,
    }
}

fn layer(run: Option<&RunDirectory>, name: &str, top: Option<LayerTop>) -> Result<Layer, Error> {
    let Some(run) = run else {
        let mode = top.map_or(0o755, |top| top.mode);
        return Ok(Layer::Memory { name: name.to_owned(), mode });
    };
    let LayerDirectories { upper, work } = run.layer(name, top)?;
    Ok(Layer::Directories { upper, work })
}

/// The layer's top stands for the project's own, so it has its mode; for root also its owner.
fn top_of(host: &Host, project: &Project) -> LayerTop {
    LayerTop { mode: project.mode, owner: host.is_privileged().then_some((project.uid, project.gid)) }
}

/// The mounts below the project, of which an overlay shows nothing. Root clones the directory without
/// them; in an ordinary user's namespace the kernel refuses that, since it would uncover what they hide.
pub(crate) fn mounts_below(host: &Host, project: &Project) -> Result<Vec<PathBuf>, Error> {
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
    /// How many layers are in memory.
    pub(crate) fn layers_in_memory(&self) -> u64 {
        let caches = self.caches.iter().map(|(_, layer)| layer);
        let layers = self.writable().map(|(_, layer)| layer).chain(caches);
        layers.filter(|layer| matches!(layer, Layer::Memory { .. })).count() as u64
    }

    /// The project, and its git directory where that lies outside: what the command may change.
    pub(crate) fn writable(&self) -> impl Iterator<Item = (&PathBuf, &Layer)> {
        let project = std::iter::once((&self.project.root, &self.layer));
        project.chain(self.git.iter().map(|(path, layer)| (path, layer)))
    }
}
