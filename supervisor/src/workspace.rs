//! What a run works on: the project, the layers that take its changes, and what else is shown.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clearing_rootfs::{
    Base, BaseEntry, BaseRequest, Cache, Changes, Hidden, HostNames, LayerTop, MountTable, PROJECT, Parent,
    Project, Skipped, Stack, Store, ToolRequest, ToolRoots, Visitor, WalkError, caches, settings, tool_roots,
};

use crate::copying::Elsewhere;
use crate::error::Error;
use crate::hiding::{hidden, relative, told};
use crate::host::Host;
use crate::named::Named;
use crate::outcome::WorkspaceReport;
use crate::place::{Place, Writable};
use crate::plan::{HOSTNAME, identity_inside};
use crate::text::printable;
use clearing_profiles::{NetworkMode, Profile};
use clearing_runtime::spec::Layer;

/// Everything that a plan shows, described; layers on disk exist.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// The caller's real directory.
    pub(crate) project: Project,
    /// Takes the changes of the project.
    pub(crate) changes: Writable,
    /// The git directory outside of the project, and what takes its changes.
    pub(crate) git: Option<(PathBuf, Writable)>,
    /// The private home; in memory where none is kept on disk.
    pub(crate) home: Option<Writable>,
    /// The caller's caches, each with what takes its changes.
    pub(crate) caches: Vec<(Cache, Writable)>,
    /// The caller's settings that tools read.
    pub(crate) settings: Vec<BaseEntry>,
    /// What `PATH` names.
    pub(crate) tools: ToolRoots,
    /// `/usr`, `/etc` and the like.
    pub(crate) base: Base,
    /// The programs that can be executed, where not all can.
    pub(crate) named: Option<Named>,
    /// Where the command works, if not in an overlay over the project.
    pub(crate) elsewhere: Option<Elsewhere>,
    /// What of the project the command does not see.
    pub(crate) hidden: Hidden,
    /// The directories that lead there.
    pub(crate) parents: Vec<Parent>,
    /// Paths of the project that the command may not change.
    pub(crate) read_only: Vec<PathBuf>,
    /// What of the project a copy lacks.
    pub(crate) left_out: Vec<PathBuf>,
}

impl Workspace {
    /// Describes the workspace, and makes the layers that it has on disk.
    pub(crate) fn prepare(
        host: &Host,
        profile: &Profile,
        project: Project,
        store: &Store,
        place: &Place,
    ) -> Result<Self, Error> {
        let variable = |name: &str| host.variable(name);
        let mut hidden = hidden(profile, &project, store)?;
        let known = place.session().map_or(&[][..], |session| &session.record().hidden);
        hidden.notes.extend(told(&hidden, known));
        let top = top_of(host, &project);
        let git = match &project.git {
            Some(git) => Some((git.common.clone(), place.writable(GIT, Some(top))?)),
            None => None,
        };
        let cached =
            if profile.filesystem.caches { caches(&host.home, store.path(), &variable) } else { Vec::new() };
        let caches = cached
            .into_iter()
            .map(|cache| Ok((place.writable(&name_of_cache(&cache.path, &host.home), None)?, cache)))
            .map(|made: Result<_, Error>| made.map(|(writable, cache)| (cache, writable)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            changes: place.writable(PROJECT, Some(top))?,
            git,
            home: if place.is_on_disk() { Some(place.writable(HOME, None)?) } else { None },
            caches,
            settings: if place.is_untouched(HOME)? { settings(&host.home, &variable) } else { Vec::new() },
            tools: tools(host, profile, &project, store),
            base: base(host, profile),
            read_only: profile.filesystem.read_only.iter().map(|path| relative(path)).collect(),
            parents: hidden.parents(&project.root)?,
            hidden,
            named: None,
            project,
            elsewhere: None,
            left_out: Vec::new(),
        })
    }
}

/// The parts of a layer.
pub(crate) const GIT: &str = "git";
const HOME: &str = "home";

/// The same cache is the same part in all commands of a session. Below the home its name says which it is.
fn name_of_cache(path: &Path, home: &Path) -> String {
    let below = path.strip_prefix(home).unwrap_or(path);
    format!("cache-{}", below.to_string_lossy().replace('%', "%%").replace('/', "%"))
}

/// A path in a directory, without the slash that joining nothing would leave.
pub(crate) fn below(directory: &Path, path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() { directory.to_owned() } else { directory.join(path) }
}

impl Workspace {
    /// Where a command keeps what nobody else needs, inside.
    pub(crate) fn temporary(&self) -> &Path {
        let bare = self.elsewhere.as_ref().and_then(|elsewhere| elsewhere.bare.as_ref());
        bare.map_or(Path::new("/tmp"), |bare| &bare.temporary)
    }

    /// What is different from the project, once the sandbox has ended. Without a layer init did not come
    /// far enough to make one. It is given up at the moment `until`.
    pub(crate) fn compare(
        &self,
        memory: Option<&OwnedFd>,
        until: Option<Instant>,
    ) -> Result<Changes, WalkError> {
        let upper = match (&self.elsewhere, &self.changes.layer, memory) {
            (Some(elsewhere), ..) => elsewhere.upper.clone(),
            (None, Layer::Directories { upper, .. }, _) => upper.clone(),
            (None, Layer::Memory { name, .. }, Some(memory)) => {
                format!("/proc/self/fd/{}/{name}.upper", memory.as_raw_fd()).into()
            }
            (None, Layer::Memory { .. }, None) => return Ok(Changes::default()),
        };
        let layers: Vec<_> = std::iter::once(upper).chain(self.changes.sealed.iter().cloned()).collect();
        let root = &self.project.root;
        let stack = |layers: &[PathBuf]| Ok(Stack::open(layers, root)?.hiding(&self.hidden));
        Changes::between_stacks_until(&stack(&[])?, &stack(&layers)?, until)
    }
}

/// The layer's top stands for the project's own, so it has its mode; for root also its owner.
pub(crate) fn top_of(host: &Host, project: &Project) -> LayerTop {
    LayerTop { mode: project.mode, owner: host.is_privileged().then_some((project.uid, project.gid)) }
}

/// The mounts below the project, of which an overlay shows nothing. Root clones the directory without
/// them; in an ordinary user's namespace the kernel refuses that, since it would uncover what they hide.
pub(crate) fn mounts_below(host: &Host, project: &Project) -> Result<Vec<PathBuf>, Error> {
    let below = MountTable::read()?.below(&project.root);
    if below.is_empty() || host.is_privileged() { Ok(below) } else { Err(Error::MountsBelow(below)) }
}

pub(crate) fn tools(host: &Host, profile: &Profile, project: &Project, store: &Store) -> ToolRoots {
    let variable = |name: &str| host.variable(name);
    let path = variable("PATH").filter(|_| profile.filesystem.tool_roots).unwrap_or_default();
    tool_roots(&ToolRequest {
        path: &path,
        home: Some(&host.home),
        project: &project.root,
        state: store.path(),
        visitor: if host.is_privileged() { Visitor::Anybody } else { Visitor::Caller },
        environment: &variable,
    })
}

/// What of the tools is there and not in view all the same, and how it would be.
pub(crate) fn closed_tools(host: &Host, tools: &ToolRoots) -> Vec<String> {
    let way = match host.is_privileged() {
        true => "; `read` in the section [filesystem] of a profile shows it all the same",
        false => "",
    };
    let closed = tools.skipped.iter().filter_map(|(path, why)| match why {
        Skipped::Closed(by) => Some((printable(path), printable(by))),
        Skipped::Relative | Skipped::Absent | Skipped::Forbidden(_) => None,
    });
    let note = |(path, by)| {
        format!(
            "`{path}`, to which `PATH` leads, is not in view: `{by}` is closed to the command's user{way}"
        )
    };
    closed.map(note).collect()
}

pub(crate) fn base(host: &Host, profile: &Profile) -> Base {
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

/// A part of a layer, and where it is shown.
pub(crate) struct Part<'a> {
    pub(crate) name: String,
    pub(crate) target: PathBuf,
    pub(crate) top: Option<LayerTop>,
    pub(crate) writable: &'a mut Writable,
}

impl Workspace {
    /// All parts of the layer.
    pub(crate) fn parts(&mut self, host: &Host) -> Vec<Part<'_>> {
        let top = Some(top_of(host, &self.project));
        let part = |name: &str, target: &Path, top, writable| Part {
            name: name.to_owned(),
            target: target.to_owned(),
            top,
            writable,
        };
        let mut parts = vec![part(PROJECT, &self.project.root, top, &mut self.changes)];
        parts.extend(self.git.iter_mut().map(|(path, writable)| part(GIT, path, top, writable)));
        parts.extend(self.home.iter_mut().map(|writable| part(HOME, &host.home, None, writable)));
        let caches = self.caches.iter_mut();
        parts.extend(caches.map(|(cache, writable)| {
            part(&name_of_cache(&cache.path, &host.home), &cache.path, None, writable)
        }));
        parts
    }

    /// How many layers are in memory.
    pub(crate) fn layers_in_memory(&self) -> u64 {
        let caches = self.caches.iter().map(|(_, writable)| writable);
        let all = self.overlays().map(|(_, writable)| writable).chain(caches);
        all.filter(|writable| matches!(writable.layer, Layer::Memory { .. })).count() as u64
    }

    /// What is shown as overlays: a copy of the project is none.
    pub(crate) fn overlays(&self) -> impl Iterator<Item = (&PathBuf, &Writable)> {
        self.writable().skip(usize::from(self.elsewhere.is_some()))
    }

    /// Where a command begins that asks for a directory; a relative one is looked for where others begin.
    pub(crate) fn begin(&self, asked: Option<&Path>) -> PathBuf {
        let cwd = self.cwd();
        asked.map_or_else(|| cwd.clone(), |asked| cwd.join(asked))
    }

    /// Where the command begins.
    pub(crate) fn cwd(&self) -> PathBuf {
        let Some(Elsewhere { root, bare: Some(_), .. }) = &self.elsewhere else {
            return self.project.cwd.clone();
        };
        below(root, self.project.cwd.strip_prefix(&self.project.root).unwrap_or(Path::new("")))
    }

    /// Where the project is for the command.
    pub(crate) fn top(&self) -> PathBuf {
        match &self.elsewhere {
            Some(Elsewhere { root, bare: Some(_), .. }) => root.clone(),
            _ => self.project.root.clone(),
        }
    }

    /// What the command worked in.
    pub(crate) fn report(&self) -> WorkspaceReport {
        match &self.elsewhere {
            None => WorkspaceReport { kind: "overlay", why: None },
            Some(elsewhere) => WorkspaceReport { kind: "copy", why: Some(elsewhere.why.text()) },
        }
    }

    /// The project, and its git directory where that lies outside: what the command may change.
    pub(crate) fn writable(&self) -> impl Iterator<Item = (&PathBuf, &Writable)> {
        let project = std::iter::once((&self.project.root, &self.changes));
        project.chain(self.git.iter().map(|(path, writable)| (path, writable)))
    }
}
