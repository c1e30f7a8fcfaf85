//! Loads the filter of a command, and hands out the listener that it asks.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use seccompiler::BpfProgram;

use crate::channel::{Channel, Report};
use crate::error::{AtStage as _, Failure, Stage};
use crate::seccomp::{observes, unobserved};
use crate::spec::ExecSpec;
use crate::sys::seccomp_with_listener;

/// Loads it upon the calling process; what it tells of that comes first.
///
/// The listener goes straight to the supervisor: init waits for a program that waits for whoever listens. Without
/// a listener there is no execution (`ENOSYS`), so the supervisor looks after each until no process of the command
/// is left. A function, which executes nothing, has none.
pub(crate) fn load(
    filter: &BpfProgram,
    spec: &ExecSpec,
    supervisor: &Channel,
) -> (String, Result<(), Failure>) {
    if !observes(filter) {
        return load_unheard(filter);
    }
    let how = format!("{} instructions", filter.len());
    let listener = if spec.function.is_none() { load_observed(filter) } else { Ok(None) };
    match listener {
        Ok(Some(listener)) => {
            let told = supervisor.send(&Report::Observed { exec: spec.id }, &[listener.as_fd()]);
            (format!("{how}, executions are looked at"), told.at(Stage::Seccomp, || "send(listener)".into()))
        }
        Ok(None) => (how, load_silent(&unobserved(filter))),
        Err(failure) => (how, Err(failure)),
    }
}

/// The same of a filter that asks nobody.
pub(crate) fn load_unheard(filter: &BpfProgram) -> (String, Result<(), Failure>) {
    (format!("{} instructions", filter.len()), load_silent(filter))
}

/// Nothing where there cannot be a listener: one is in force already (`EBUSY`), from around the supervisor.
fn load_observed(filter: &BpfProgram) -> Result<Option<OwnedFd>, Failure> {
    // What has been heard is answered, whatever signals come meanwhile: Go sends itself many (5.19).
    let killable = seccomp_with_listener(filter, libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
    let loaded = killable.or_else(|error| match error.raw_os_error() {
        Some(libc::EINVAL) => seccomp_with_listener(filter, 0),
        _ => Err(error),
    });
    match loaded {
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => Ok(None),
        loaded => loaded.map(Some).at(Stage::Seccomp, || "seccomp(NEW_LISTENER)".into()),
    }
}

fn load_silent(filter: &BpfProgram) -> Result<(), Failure> {
    seccompiler::apply_filter(filter)
        .map_err(|error| match error {
            seccompiler::Error::Prctl(cause) | seccompiler::Error::Seccomp(cause) => cause,
            _ => io::Error::from_raw_os_error(libc::EINVAL),
        })
        .at(Stage::Seccomp, || "seccomp(SECCOMP_SET_MODE_FILTER)".into())
}
