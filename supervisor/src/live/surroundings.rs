//! What a sandbox would be made of now, to be compared with what one was made of before.
//!
//! Of the project and the profile nothing may be older than the question. What the host is and what is shown of it
//! besides, its `/usr`, `/etc` and tools, changes seldom and takes long to be read: that is good for a second.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clearing_profiles::Profile;
use clearing_rootfs::{
    Base, BaseEntry, Cache, Hidden, MountTable, Parent, Places, Project, Store, ToolRoots, caches, settings,
};

use crate::error::Error;
use crate::hiding::{hidden, hidden_again};
use crate::host::Host;
use crate::permission::{Grounds, Wanted, located, located_among, of_project};
use crate::workspace::{base, tools};

/// For so long what was read of the host counts as what it is.
const HOST_LASTS: Duration = Duration::from_secs(1);

/// What a sandbox for a project and a profile is made of.
pub(super) struct Surroundings {
    pub(super) host: Host,
    pub(super) project: Project,
    pub(super) profile: Profile,
    grounds: Grounds,
    pub(super) hidden: Hidden,
    parents: Vec<Parent>,
    store: Store,
    places: Places,
    shown: Shown,
    looked: Instant,
}

/// What is shown of the host besides the project.
#[derive(PartialEq)]
struct Shown {
    base: Base,
    tools: ToolRoots,
    caches: Vec<Cache>,
    settings: Vec<BaseEntry>,
    /// What is mounted from there: each with its device and number.
    sources: Vec<(PathBuf, Option<(u64, u64)>)>,
    /// What is mounted below them.
    mounts: Vec<PathBuf>,
}

impl Surroundings {
    pub(super) fn look(directory: &Path, profile: &str) -> Result<Self, Error> {
        let (host, project) = of_project(Some(directory))?;
        let (profile, grounds) = Wanted { profile, ..Wanted::default() }.settle_on(&host, &project)?;
        let store = Store::open(&Store::default_path(&|name| host.variable(name))?)?;
        let hidden = hidden(&profile, &project, &store)?;
        let parents = hidden.parents(&project.root)?;
        let looked = Instant::now();
        let places = Places::new(Some(&host.home), store.path());
        let shown = Shown::look(&host, &profile, &project, &store)?;
        Ok(Self { host, project, profile, grounds, hidden, parents, store, places, shown, looked })
    }

    /// Whether one that is made now would be the same.
    pub(super) fn are_still(&self, directory: &Path) -> Result<bool, Error> {
        let state = self.store.path();
        let project = if self.looked.elapsed() > HOST_LASTS {
            // It may be refused by now.
            Store::open(state)?;
            located(&self.host, Some(directory))?
        } else {
            located_among(&self.places, &self.host, state, Some(directory))?
        };
        if project != self.project || !self.grounds.are_still(&project)? {
            return Ok(false);
        }
        let hidden = hidden_again(&self.hidden, &project, state)?;
        if hidden.paths != self.hidden.paths
            || hidden.notes != self.hidden.notes
            || hidden.parents(&project.root)? != self.parents
        {
            return Ok(false);
        }
        if self.looked.elapsed() <= HOST_LASTS {
            return Ok(true);
        }
        let host = Host::of_caller();
        Ok(host == self.host && Shown::look(&host, &self.profile, &project, &self.store)? == self.shown)
    }
}

impl Shown {
    fn look(host: &Host, profile: &Profile, project: &Project, store: &Store) -> Result<Self, Error> {
        let variable = |name: &str| host.variable(name);
        let (base, tools) = (base(host, profile), tools(host, profile, project, store));
        let caches =
            if profile.filesystem.caches { caches(&host.home, store.path(), &variable) } else { Vec::new() };
        let settings = settings(&host.home, &variable);
        let of_base = base.entries.iter().filter_map(|entry| match entry {
            BaseEntry::ReadOnly { path } => Some(path.clone()),
            _ => None,
        });
        let of_profile = profile.filesystem.read.iter().map(|path| path.resolve(&host.home));
        let of_tools = tools.roots.iter().map(|tool| tool.path.clone());
        let of_caches = caches.iter().map(|cache| cache.path.clone());
        let of_git = project.git.iter().map(|git| git.common.clone());
        let sources: Vec<_> = of_base
            .chain(of_profile)
            .chain(of_tools)
            .chain(of_caches)
            .chain(of_git)
            .map(|path| {
                let stat = rustix::fs::stat(&path).ok();
                (path, stat.map(|stat| (stat.st_dev, stat.st_ino)))
            })
            .collect();
        let table = MountTable::read()?;
        let tops = sources.iter().map(|(path, _)| path).chain([&project.root]);
        let mounts = tops.flat_map(|path| table.below(path)).collect();
        Ok(Self { base, tools, caches, settings, sources, mounts })
    }
}
