//! The programs that can be executed where a profile says `commands.enforce = true`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clearing_profiles::Profile;
use clearing_rootfs::{BaseEntry, ProgramSearch, Readable};

use crate::error::Error;
use crate::host::Host;
use crate::outcome::Tier;
use crate::plan::search_path;
use crate::workspace::Workspace;

/// Files of programs, and the directories that all others lie in.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    /// They can be executed.
    pub(crate) files: BTreeSet<PathBuf>,
    /// What of each directory of the host's may be read, so that no other program can be loaded from there.
    pub(crate) readable: BTreeMap<PathBuf, Readable>,
}

impl Named {
    /// Finds what the rules name, and the program of this very command: that has been judged.
    pub(crate) fn of(
        profile: &Profile,
        host: &Host,
        workspace: &Workspace,
        command: &[OsString],
    ) -> Result<Option<Self>, Error> {
        if !profile.commands.enforce {
            return Ok(None);
        }
        if host.tier == Tier::Landlock {
            let message = "`enforce` in [commands] needs namespaces, which this host does not give";
            return Err(Error::Request(message.into()));
        }
        let (path, top, cwd) = (search_path(host), workspace.top(), workspace.cwd());
        let search = ProgramSearch { path: &path, cwd: &top, project: &workspace.project.root };
        let mut files = search.files(profile.commands.programs().map(OsStr::new));
        // A rule's relative path begins at the top, and the command's where it does.
        let of_command = ProgramSearch { cwd: &cwd, ..search };
        files.extend(of_command.files(command.first().map(OsString::as_os_str)));
        let folders = search.folders();
        let readable = shown(profile, host, workspace).map(|root| {
            let readable = Readable::without(&root, &folders);
            (root, readable)
        });
        Ok(Some(Self { files, readable: readable.collect() }))
    }
}

/// The host's directories that are shown read-only.
fn shown<'a>(
    profile: &'a Profile,
    host: &'a Host,
    workspace: &'a Workspace,
) -> impl Iterator<Item = PathBuf> + 'a {
    let base = workspace.base.entries.iter().filter_map(|entry| match entry {
        BaseEntry::ReadOnly { path } => Some(path.clone()),
        _ => None,
    });
    let read = profile.filesystem.read.iter().map(|path| path.resolve(&host.home));
    let tools = workspace.tools.roots.iter().map(|tool| tool.path.clone());
    base.chain(read).chain(tools).chain([PathBuf::from("/etc")])
}
