//! What was found, for people and for machines.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use clearing_profiles::Profile;
use clearing_rootfs::{PathText, RunDirectory, Store};
use clearing_runtime::probe::{self, Feature, Finding, Probe, Request};
use clearing_runtime::spec::Identity;
use clearing_runtime::{Failure, Stage};
use serde::Serialize;

use super::kernel;
use crate::error::Error;
use crate::hints::{self, Container, Facts};
use crate::host::Host;
use crate::outcome::Tier;
use crate::place::in_memory;
use crate::plan::identity_inside;

/// The answer of `clearing doctor`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Diagnosis {
    /// Whether `clearing run` works with the default profile.
    pub(super) works: bool,
    /// How far it isolates; none if it does not work.
    pub(super) tier: Option<Tier>,
    /// The first missing feature that a run needs, and why.
    pub(super) refused: Option<String>,
    /// Who asked.
    pub(super) uid: u32,
    /// As `uname -r` has it.
    pub(super) kernel: String,
    /// What a newer kernel would bring.
    pub(super) kernel_notes: Vec<&'static str>,
    /// As `os-release` has it.
    pub(super) distribution: String,
    /// The kind of container, if any.
    pub(super) container: Option<Container>,
    /// Where runs keep their layers.
    pub(super) state_directory: StateDirectory,
    /// One for each feature.
    pub(super) features: Vec<FeatureReport>,
}

/// The state directory.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StateDirectory {
    pub(super) path: Option<PathText>,
    /// The type of its file system.
    pub(super) file_system: String,
    /// Why it cannot be used; no feature is probed then.
    pub(super) error: Option<String>,
    pub(super) hint: Option<String>,
}

/// What became of one feature.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FeatureReport {
    pub(super) feature: Feature,
    /// Whether a run with the default profile needs it.
    pub(super) required: bool,
    pub(super) present: bool,
    /// How far it goes; with a missing feature nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
    /// Why it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<FailureText>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<String>,
}

/// A failure in its parts and as a sentence.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FailureText {
    pub(super) stage: Stage,
    pub(super) call: String,
    pub(super) errno: i32,
    pub(super) message: String,
}

impl Diagnosis {
    /// Probes for a caller, and leaves nothing.
    pub(super) fn of(host: &Host) -> Self {
        let (facts, on_disk) = (Facts::of_host(), !layers_in_memory(host));
        let path = Store::default_path(&|name| host.variable(name)).ok();
        let (features, error) = match in_scratch(|scratch| probe_all(host, scratch, path.as_deref()), host) {
            Ok(probes) => {
                (probes.into_iter().map(|probe| FeatureReport::of(probe, &facts, on_disk)).collect(), None)
            }
            Err(error) => (Vec::new(), Some(error)),
        };
        let refused = match &error {
            Some(error) => Some(error.message()),
            None => first_needed(&features),
        };
        let works = refused.is_none();
        Self {
            works,
            tier: works.then_some(Tier::Namespaces),
            refused,
            uid: host.uid,
            kernel_notes: facts.kernel.map(kernel::missing_from).unwrap_or_default(),
            kernel: facts.release,
            distribution: facts.distribution.name,
            container: facts.container,
            state_directory: StateDirectory {
                path: path.map(PathText),
                file_system: facts.state_file_system,
                hint: error.as_ref().and_then(Error::hint),
                error: error.as_ref().map(Error::message),
            },
            features,
        }
    }
}

/// The first required feature that is missing.
fn first_needed(features: &[FeatureReport]) -> Option<String> {
    let missing = features.iter().find(|report| report.required && !report.present)?;
    let why = missing.failure.as_ref().map(|failure| failure.message.as_str()).unwrap_or_default();
    Some(format!("{}: {why}", missing.feature))
}

impl FeatureReport {
    /// `on_disk`: whether runs need an overlay in the state directory.
    fn of(probe: Probe, facts: &Facts, on_disk: bool) -> Self {
        let Probe { feature, finding } = probe;
        let required = match feature {
            // Limits of the whole run are not yet set by groups.
            Feature::Cgroup => false,
            // Only `--layer disk` needs one there.
            Feature::Overlay => on_disk,
            _ => true,
        };
        match finding {
            Finding::Present { detail } => {
                Self { feature, required, present: true, detail: Some(detail), failure: None, hint: None }
            }
            Finding::Missing(failure) => Self {
                feature,
                required,
                present: false,
                detail: None,
                hint: hints::given(&failure, facts),
                failure: Some(FailureText::of(failure)),
            },
        }
    }
}

impl FailureText {
    fn of(failure: Failure) -> Self {
        let message = failure.to_string();
        Self { stage: failure.stage, call: failure.action, errno: failure.errno, message }
    }
}

/// Does `work` with a directory like that of a run, and removes it.
fn in_scratch<T>(work: impl FnOnce(&Path) -> T, host: &Host) -> Result<T, Error> {
    let store = Store::open(&Store::default_path(&|name| host.variable(name))?)?;
    let run: RunDirectory = store.begin_run()?;
    let done = work(run.path());
    run.discard()?;
    Ok(done)
}

fn probe_all(host: &Host, scratch: &Path, state: Option<&Path>) -> Vec<Probe> {
    let (uid, gid) = identity_inside(host);
    let identity = match host.is_privileged() {
        true => Identity::Shifted { uid, gid, base: host.shift_base },
        false => Identity::Caller { uid, gid },
    };
    let layers = if layers_in_memory(host) { &host.cwd } else { state.unwrap_or(scratch) };
    let directories = on_different_devices([layers, &host.home, &host.cwd]);
    probe::all(&Request {
        identity,
        scratch,
        layers_in_memory: layers_in_memory(host),
        directories: &directories,
    })
}

/// Where a run with the default profile keeps what the command writes.
fn layers_in_memory(host: &Host) -> bool {
    Profile::builtin("default").is_ok_and(|profile| in_memory(host, &profile))
}

/// The directories that exist, one for each file system.
fn on_different_devices(candidates: [&Path; 3]) -> Vec<PathBuf> {
    let mut seen = Vec::new();
    let mut is_new = |path: &&Path| {
        let device = path.metadata().ok().filter(|metadata| metadata.is_dir()).map(|metadata| metadata.dev());
        device.is_some_and(|device| {
            !seen.contains(&device) && {
                seen.push(device);
                true
            }
        })
    };
    candidates.into_iter().filter(|path| is_new(path)).map(Path::to_owned).collect()
}
