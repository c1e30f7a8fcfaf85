//! What a command is permitted: the chosen profile, narrowed by its project and by the environment, and changed
//! by the options of the call.

use std::ffi::OsString;
use std::path::Path;

use clearing_profiles::{
    ChosenProfile, LayerPlace, LimitName, NetworkMode, PROJECT_FILE, PROJECT_FILE_LONGEST, Profile, Sources,
    Tier,
};
use clearing_rootfs::{Places, Project, ProjectRequest, Store};

use crate::alerts::option;
use crate::error::Error;
use crate::host::Host;
use crate::request::RunRequest;

/// What permits a command where nobody names anything else.
pub(crate) const DEFAULT_PROFILE: &str = "default";

/// What the caller chose and changes.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// A profile's name or path.
    pub(crate) profile: &'a str,
    /// Limits, as a person wrote them.
    pub(crate) limits: &'a [(LimitName, String)],
    /// Where what the command writes is kept.
    pub(crate) layer: Option<LayerPlace>,
    /// The least tier that is accepted.
    pub(crate) tier: Option<Tier>,
    /// The network.
    pub(crate) network: Option<NetworkMode>,
}

impl<'a> Wanted<'a> {
    /// What a request says; `otherwise` is the profile where it names none.
    pub(crate) fn of(request: &'a RunRequest, otherwise: Option<&'a str>) -> Self {
        Self {
            profile: request.profile.as_deref().or(otherwise).unwrap_or(DEFAULT_PROFILE),
            limits: &request.limits,
            layer: request.layer,
            tier: request.tier,
            network: request.network,
        }
    }

    /// The permission.
    pub(crate) fn settle(&self, host: &Host, project: &Project) -> Result<Profile, Error> {
        self.settle_on(host, project).map(|(profile, _)| profile)
    }

    /// The same, with what it rests on.
    pub(crate) fn settle_on(&self, host: &Host, project: &Project) -> Result<(Profile, Grounds), Error> {
        let (chosen, sources) = ChosenProfile::find_in(self.profile, Some(&host.configuration()))?;
        let brought = brought(project)?;
        let profile = self.narrow(chosen, brought.clone(), host, project)?.into_profile();
        Ok((profile, Grounds { sources, brought }))
    }

    /// The same with where each value comes from, for whoever asks.
    pub(crate) fn trace(&self, host: &Host, project: &Project) -> Result<ChosenProfile, Error> {
        let chosen = ChosenProfile::trace(self.profile, Some(&host.configuration()))?;
        self.narrow(chosen, brought(project)?, host, project)
    }

    fn narrow(
        &self,
        mut chosen: ChosenProfile,
        brought: Option<Vec<u8>>,
        host: &Host,
        project: &Project,
    ) -> Result<ChosenProfile, Error> {
        if let Some(text) = brought {
            let label = project.root.join(PROJECT_FILE);
            chosen.narrow_by_project(&label.display().to_string(), text)?;
        }
        let variables = host.own_variables();
        let named = variables.iter().filter_map(|(name, value)| Some((name.to_str()?, value.as_os_str())));
        chosen.narrow_by_variables(named)?;
        self.change(&mut chosen)?;
        Ok(chosen)
    }

    fn change(&self, chosen: &mut ChosenProfile) -> Result<(), Error> {
        for (name, text) in self.limits {
            set_limit(chosen, *name, text)?;
        }
        if let Some(layer) = self.layer {
            chosen.set("filesystem", "layer", "--layer", |profile| profile.filesystem.layer = layer);
        }
        if let Some(network) = self.network {
            chosen.set("network", "mode", "--network", |profile| profile.network.mode = network);
        }
        if let Some(tier) = self.tier {
            chosen.set("guards", "tier", "--tier", |profile| profile.guards.tier = tier);
        }
        Ok(())
    }
}

/// What a permission rests on, beside the environment, which a process has for good.
pub(crate) struct Grounds {
    sources: Sources,
    brought: Option<Vec<u8>>,
}

impl Grounds {
    /// Whether the same permission would rest on what there is now.
    pub(crate) fn are_still(&self, project: &Project) -> Result<bool, Error> {
        Ok(self.sources.are_still() && brought(project)? == self.brought)
    }
}

/// What the project says of it, as that is on the host: what a command wrote in its layer does not count.
fn brought(project: &Project) -> Result<Option<Vec<u8>>, Error> {
    Ok(project.brought(PROJECT_FILE, PROJECT_FILE_LONGEST)?)
}

/// The caller, and the project that `-w` names or that is found.
pub(crate) fn of_project(directory: Option<&Path>) -> Result<(Host, Project), Error> {
    let host = Host::of_caller();
    let project = located(&host, directory)?;
    Ok((host, project))
}

/// The project that `-w` names or that is found, for this caller.
pub(crate) fn located(host: &Host, directory: Option<&Path>) -> Result<Project, Error> {
    let state = Store::default_path(&|name| host.variable(name))?;
    located_among(&Places::new(Some(&host.home), &state), host, &state, directory)
}

/// The same of a caller whose `places` are known.
pub(crate) fn located_among(
    places: &Places,
    host: &Host,
    state: &Path,
    directory: Option<&Path>,
) -> Result<Project, Error> {
    let request = ProjectRequest {
        directory,
        cwd: &host.cwd,
        home: Some(&host.home),
        state,
        uid: host.uid,
        gid: host.gid,
        groups: &host.groups,
    };
    Ok(Project::locate_among(places, &request)?)
}

/// Who asks for a disk limit means all of it, wherever it is kept; without one only the disk is large enough.
fn set_limit(chosen: &mut ChosenProfile, name: LimitName, text: &str) -> Result<(), Error> {
    let flag = option(name);
    let mut limits = chosen.profile().limits.clone();
    limits.set(name, text).map_err(|error| Error::Request(error.to_string()))?;
    let disk = limits.disk;
    chosen.set("limits", name.key(), flag, |profile| profile.limits = limits);
    match disk {
        Some(bytes) if name == LimitName::Disk => {
            chosen.set("filesystem", "layer_size", flag, |profile| profile.filesystem.layer_size = bytes);
        }
        None if name == LimitName::Disk && chosen.profile().filesystem.layer == LayerPlace::Auto => {
            chosen.set("filesystem", "layer", flag, |profile| profile.filesystem.layer = LayerPlace::Disk);
        }
        _ => {}
    }
    Ok(())
}

impl Host {
    /// The variables of the caller's that speak to clearing.
    fn own_variables(&self) -> Vec<(OsString, OsString)> {
        let names = clearing_runtime::environment_names().into_iter();
        let own = names.filter(|name| name.as_encoded_bytes().starts_with(b"CLEARING_"));
        own.filter_map(|name| self.variable(name.to_str()?).map(|value| (name, value))).collect()
    }
}
