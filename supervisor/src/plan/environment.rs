//! The command's environment, built from nothing.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use clearing_profiles::Profile;

use super::c_string;
use crate::copying::Elsewhere;
use crate::error::Error;
use crate::host::Host;
use crate::workspace::{Workspace, below};

/// Where a shell looks when nobody said.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// What the profile passes or sets, then what the request sets, then what is so inside.
pub(super) fn variables(
    profile: &Profile,
    workspace: &Workspace,
    set: &[(OsString, OsString)],
    cwd: &Path,
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
    relocate(&mut variables, workspace, host);
    variables.insert(OsStr::new("USER"), host.user.clone().into());
    variables.insert(OsStr::new("LOGNAME"), host.user.clone().into());
    variables.insert(OsStr::new("PWD"), cwd.into());
    for (name, value) in set {
        variables.insert(name, value.clone());
    }
    variables.into_iter().map(|(name, value)| entry(name, &value)).collect()
}

/// Where no mount shows them at their own paths, the project and the home have others.
fn relocate(variables: &mut BTreeMap<&OsStr, OsString>, workspace: &Workspace, host: &Host) {
    let Some(Elsewhere { root, bare: Some(bare), .. }) = &workspace.elsewhere else { return };
    for (name, value) in variables.iter_mut() {
        let search = *name == "PATH";
        let moved = |part: &[u8]| {
            let path = Path::new(OsStr::from_bytes(part));
            let in_project = path.strip_prefix(&workspace.project.root).map(|rest| below(root, rest));
            // Programs below the home may stay where they are.
            let in_home = || path.strip_prefix(&host.home).map(|rest| below(&bare.home, rest));
            let moved = in_project.or_else(|none| if search { Err(none) } else { in_home() });
            moved.map_or_else(|_| part.to_owned(), |path| path.into_os_string().into_vec())
        };
        let parts: Vec<_> = value.as_bytes().split(|byte| *byte == b':').map(moved).collect();
        *value = OsString::from_vec(parts.join(&b':'));
    }
    for name in ["TMPDIR", "TMP", "TEMP", "XDG_RUNTIME_DIR"] {
        variables.insert(OsStr::new(name), bare.temporary.clone().into());
    }
}

fn entry(name: &OsStr, value: &OsStr) -> Result<CString, Error> {
    let bytes = [name.as_bytes(), b"=", value.as_bytes()].concat();
    c_string(&format!("the variable `{}`", name.display()), &bytes)
}

/// The caller's `PATH` without entries that mean another directory in each place.
pub(crate) fn search_path(host: &Host) -> OsString {
    let Some(path) = host.environment.get(OsStr::new("PATH")) else { return DEFAULT_PATH.into() };
    let absolute: Vec<&[u8]> =
        path.as_bytes().split(|byte| *byte == b':').filter(|entry| entry.starts_with(b"/")).collect();
    OsString::from_vec(absolute.join(&b':'))
}
