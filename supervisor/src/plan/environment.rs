//! The command's environment, built from nothing.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use clearing_profiles::Profile;

use super::c_string;
use crate::error::Error;
use crate::exec::RunRequest;
use crate::host::Host;
use crate::workspace::Workspace;

/// Where a shell looks when nobody said.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// What the profile passes or sets, then what the request sets, then what is so inside.
pub(super) fn variables(
    profile: &Profile,
    workspace: &Workspace,
    request: &RunRequest,
    host: &Host,
) -> Result<Vec<CString>, Error> {
    let mut variables: BTreeMap<&OsStr, OsString> = BTreeMap::new();
    for (name, value) in &host.environment {
        let tools_own = workspace.tools.variables.iter().any(|known| OsStr::new(known) == name);
        if tools_own || name.to_str().is_some_and(|name| profile.environment.passes(name)) {
            variables.insert(name, value.clone());
        }
    }
    for (name, value) in &profile.environment.set {
        variables.insert(OsStr::new(name), value.into());
    }
    variables.insert(OsStr::new("PATH"), search_path(host));
    variables.insert(OsStr::new("HOME"), host.home.clone().into());
    variables.insert(OsStr::new("USER"), host.user.clone().into());
    variables.insert(OsStr::new("LOGNAME"), host.user.clone().into());
    variables.insert(OsStr::new("PWD"), workspace.project.cwd.clone().into());
    for (name, value) in &request.environment {
        variables.insert(name, value.clone());
    }
    variables.into_iter().map(|(name, value)| entry(name, &value)).collect()
}

fn entry(name: &OsStr, value: &OsStr) -> Result<CString, Error> {
    let bytes = [name.as_bytes(), b"=", value.as_bytes()].concat();
    c_string(&format!("the variable `{}`", name.display()), &bytes)
}

/// The caller's `PATH` without entries that mean another directory in each place.
fn search_path(host: &Host) -> OsString {
    let Some(path) = host.environment.get(OsStr::new("PATH")) else { return DEFAULT_PATH.into() };
    let absolute: Vec<&[u8]> =
        path.as_bytes().split(|byte| *byte == b':').filter(|entry| entry.starts_with(b"/")).collect();
    OsString::from_vec(absolute.join(&b':'))
}
