//! What the command sees, as mount steps.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clearing_profiles::Profile;
use clearing_rootfs::BaseEntry;
use clearing_runtime::spec::{Access, Layer, Mount, Owners, Source, VeiledDirectory};

use crate::host::Host;
use crate::place::Writable;
use crate::workspace::Workspace;

/// Device nodes that every program may expect, and nothing else (P-D1).
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Links in `/dev`.
const DEVICE_LINKS: [(&str, &str); 5] = [
    ("/dev/ptmx", "pts/ptmx"),
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
];
/// What procfs tells of the host to anyone. `kcore`, `kmsg`, `sysrq-trigger`, `timer_list` and the like
/// belong to the host's root, which no id inside is and no capability inside reaches. Of locks the
/// kernel hides only those that a process holds, not those of an open file description.
const MASKED: [&str; 6] =
    ["/proc/keys", "/proc/key-users", "/proc/kallsyms", "/proc/interrupts", "/proc/cmdline", "/proc/locks"];
/// Services of the host keep sockets there, which can be connected to through a read-only mount.
const HOST_STATE: [&str; 2] = ["/usr/local/var", "/usr/var"];
/// Empty at the beginning, and gone with the run.
const TEMPORARY: [&str; 2] = ["/tmp", "/dev/shm"];
/// Directories for state that is the run's own.
const STICKY: u32 = 0o1777;

/// The root of the sandbox: fixed parts first, then what lies anywhere in it, outer before inner.
pub(super) fn steps(profile: &Profile, workspace: &Workspace, host: &Host) -> Vec<Mount> {
    let mut steps: Vec<Mount> = workspace.base.entries.iter().map(base_entry).collect();
    steps.extend(HOST_STATE.into_iter().map(|target| Mount::Mask { target: target.into() }));
    steps.extend(procfs());
    steps.extend(devices());
    steps.extend(TEMPORARY.map(|target| Mount::Memory { target: target.into(), mode: STICKY }));
    let mut shown = shown(profile, workspace, host);
    shown.sort_by(|(one, _), (other, _)| one.cmp(other));
    steps.extend(shown.into_iter().flat_map(|(_, mounts)| mounts));
    steps
}

fn base_entry(entry: &BaseEntry) -> Mount {
    match entry {
        BaseEntry::ReadOnly { path } => read_only(path.clone(), Owners::Host),
        BaseEntry::Symlink { path, to } => Mount::Symlink { target: path.clone(), to: to.clone() },
        BaseEntry::File { path, content, mode } => {
            Mount::File { target: path.clone(), content: content.clone(), mode: *mode }
        }
        BaseEntry::Directory { path, mode } => Mount::Directory { target: path.clone(), mode: *mode },
    }
}

fn path_of(entry: &BaseEntry) -> PathBuf {
    let (BaseEntry::ReadOnly { path }
    | BaseEntry::Symlink { path, .. }
    | BaseEntry::File { path, .. }
    | BaseEntry::Directory { path, .. }) = entry;
    path.clone()
}

fn procfs() -> Vec<Mount> {
    let masks = MASKED.into_iter().map(|target| Mount::Mask { target: target.into() });
    let mut steps = vec![Mount::Proc { target: "/proc".into() }];
    steps.extend(masks);
    steps.push(Mount::Protect { target: "/proc/sys".into() });
    steps
}

fn devices() -> Vec<Mount> {
    let nodes = DEVICES.into_iter().map(|name| Mount::Device { path: Path::new("/dev").join(name) });
    let links =
        DEVICE_LINKS.into_iter().map(|(target, to)| Mount::Symlink { target: target.into(), to: to.into() });
    nodes.chain(links).chain([Mount::Devpts { target: "/dev/pts".into() }]).collect()
}

/// Home, tools, caches and the project, each with the path that it is shown at.
fn shown(profile: &Profile, workspace: &Workspace, host: &Host) -> Vec<(PathBuf, Vec<Mount>)> {
    let callers = owners(host, host.uid, host.gid);
    let projects = owners(host, workspace.project.uid, workspace.project.gid);
    let mut shown = vec![(host.home.clone(), vec![home(workspace, host, callers)])];
    shown.extend(workspace.settings.iter().map(|entry| (path_of(entry), vec![base_entry(entry)])));
    for path in &profile.filesystem.read {
        let path = path.resolve(&host.home);
        shown.push((path.clone(), vec![read_only(path, callers)]));
    }
    for tool in &workspace.tools.roots {
        // Outside of the caller's home there is nothing that others may not read but root should show.
        let owners = if tool.in_home { callers } else { Owners::Host };
        let masks = tool.leave_out.iter().map(|target| Mount::Mask { target: target.clone() });
        let mounts = std::iter::once(read_only(tool.path.clone(), owners)).chain(masks).collect();
        shown.push((tool.path.clone(), mounts));
    }
    for (cache, writable) in &workspace.caches {
        shown.push((cache.path.clone(), vec![overlay(Some(&cache.source), &cache.path, writable, callers)]));
    }
    if let Some(elsewhere) = &workspace.elsewhere {
        let path = workspace.project.root.clone();
        let copy = Mount::Bind {
            source: elsewhere.root.clone(),
            target: path.clone(),
            access: Access::ReadWrite,
            owners: projects,
        };
        shown.push((path, [vec![copy], read_only_paths(workspace)].concat()));
    }
    for (path, writable) in workspace.overlays() {
        let overlay = overlay(Some(path), path, writable, projects);
        let is_project = *path == workspace.project.root;
        let mounts = if is_project { with_veil(workspace, overlay) } else { vec![overlay] };
        shown.push((path.clone(), mounts));
    }
    shown
}

/// The layers of what is shown at `targets`, outer before inner.
pub(super) fn layers_at(
    profile: &Profile,
    workspace: &Workspace,
    host: &Host,
    targets: &BTreeSet<PathBuf>,
) -> Vec<Mount> {
    let mut shown = shown(profile, workspace, host);
    shown.retain(|(path, _)| targets.contains(path));
    shown.sort_by(|(one, _), (other, _)| one.cmp(other));
    let takes_changes =
        |step: &Mount| matches!(step, Mount::Overlay { .. } | Mount::Bind { access: Access::ReadWrite, .. });
    shown.into_iter().flat_map(|(_, mounts)| mounts).filter(takes_changes).collect()
}

/// Where such layers come from: what lies at the bottom of each, the directory of all that lies above, and that of
/// the session, where the project's next ones are made.
pub(super) fn sources(workspace: &Workspace, host: &Host, session: Option<&Path>) -> Vec<Source> {
    let callers = owners(host, host.uid, host.gid);
    let projects = owners(host, workspace.project.uid, workspace.project.gid);
    let overlays = workspace.overlays().map(|(path, writable)| (Some(path), writable, projects));
    let caches = workspace.caches.iter().map(|(cache, writable)| (Some(&cache.source), writable, callers));
    let home = workspace.home.iter().map(|writable| (None, writable, callers));
    let own = session.map(|path| Source { path: path.to_owned(), owners: projects });
    let mut sources: Vec<Source> = own.into_iter().collect();
    for (bottom, writable, owners) in overlays.chain(caches).chain(home) {
        let layers = match &writable.layer {
            Layer::Directories { upper, .. } => upper.parent().and_then(Path::parent).map(Path::to_owned),
            Layer::Memory { .. } => None,
        };
        sources.extend(layers.into_iter().chain(bottom.cloned()).map(|path| Source { path, owners }));
    }
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    sources.dedup();
    sources
}

/// The private home: empty at first, and kept by a session.
fn home(workspace: &Workspace, host: &Host, owners: Owners) -> Mount {
    let target = host.home.clone();
    match &workspace.home {
        None => Mount::Memory { target, mode: 0o700 },
        Some(Writable { sealed, layer: Layer::Directories { upper, .. } }) if sealed.is_empty() => {
            Mount::Bind { source: upper.clone(), target, access: Access::ReadWrite, owners }
        }
        Some(writable) => overlay(None, &target, writable, owners),
    }
}

/// Root's files are shown as the command's own by id-mapped mounts; an ordinary caller's are so.
fn owners(host: &Host, uid: u32, gid: u32) -> Owners {
    if host.is_privileged() { Owners::Mapped { uid, gid } } else { Owners::Host }
}

fn read_only(path: PathBuf, owners: Owners) -> Mount {
    Mount::Bind { source: path.clone(), target: path, access: Access::ReadOnly, owners }
}

/// The project without what is hidden of it, and what of it the command may not change.
fn with_veil(workspace: &Workspace, overlay: Mount) -> Vec<Mount> {
    let read_only = read_only_paths(workspace);
    if workspace.hidden.is_nothing() {
        return [vec![overlay], read_only].concat();
    }
    [vec![veil(workspace), overlay], read_only].concat()
}

/// What the project's overlay does not show.
pub(super) fn veil(workspace: &Workspace) -> Mount {
    let directories = workspace.parents.iter().map(|parent| VeiledDirectory {
        path: parent.path.clone(),
        mode: parent.mode,
        seconds: parent.modified.0,
        nanoseconds: parent.modified.1,
    });
    Mount::Veil {
        target: workspace.project.root.clone(),
        paths: workspace.hidden.paths.iter().map(|hidden| hidden.path.0.clone()).collect(),
        directories: directories.collect(),
    }
}

fn read_only_paths(workspace: &Workspace) -> Vec<Mount> {
    let root = &workspace.project.root;
    workspace.read_only.iter().map(|path| Mount::Protect { target: root.join(path) }).collect()
}

/// What earlier commands changed lies over the directory itself, if there is one.
fn overlay(bottom: Option<&Path>, target: &Path, writable: &Writable, owners: Owners) -> Mount {
    let lower = writable.sealed.iter().cloned().chain(bottom.map(Path::to_owned)).collect();
    Mount::Overlay { lower, layer: writable.layer.clone(), target: target.to_owned(), owners }
}
