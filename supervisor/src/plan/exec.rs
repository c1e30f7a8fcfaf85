//! One command, as init is told of it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use clearing_profiles::{Limits, Profile};
use clearing_runtime::spec::{ExecSpec, Terminal};

use super::{EXEC, c_string, environment, rlimits};
use crate::error::Error;
use crate::host::Host;
use crate::request::RunRequest;
use crate::script::Script;
use crate::workspace::Workspace;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Command<'a> {
    /// Program and arguments, or the words of a function.
    pub(crate) argv: &'a [OsString],
    pub(crate) function: Option<u32>,
    /// What the program is to run.
    pub(crate) script: Option<&'a Script>,
    /// Variables to set.
    pub(crate) environment: &'a [(OsString, OsString)],
    /// Where; a relative one begins where the caller is.
    pub(crate) cwd: Option<&'a Path>,
    /// The caller's own where there is none.
    pub(crate) umask: Option<u32>,
    pub(crate) terminal: Option<Terminal>,
}

impl<'a> Command<'a> {
    pub(crate) fn of(request: &'a RunRequest, terminal: Option<Terminal>) -> Self {
        Self {
            argv: &request.command,
            function: request.call.as_ref().map(|call| call.function),
            script: request.script.as_ref(),
            environment: &request.environment,
            cwd: None,
            umask: None,
            terminal,
        }
    }
}

/// The command, as the only one of its sandbox.
pub(crate) fn exec(
    profile: &Profile,
    limits: &Limits,
    workspace: &Workspace,
    command: Command<'_>,
    host: &Host,
) -> Result<ExecSpec, Error> {
    // A function works on the project as a whole.
    let is_function = command.function.is_some();
    let cwd = if is_function { workspace.top() } else { workspace.begin(command.cwd) };
    let argv = command.argv.iter().map(|argument| c_string("the command", argument.as_bytes()));
    let mut exec = ExecSpec {
        id: EXEC,
        argv: argv.collect::<Result<_, _>>()?,
        function: command.function,
        environment: environment::variables(profile, workspace, command.environment, &cwd, host)?,
        cwd: c_string("the working directory", cwd.as_os_str().as_bytes())?,
        terminal: command.terminal,
        limits: rlimits::of(limits),
        laid: None,
        umask: command.umask.unwrap_or(host.umask),
        last: true,
    };
    if let Some(script) = command.script {
        script.lay(&mut exec, workspace.temporary())?;
    }
    Ok(exec)
}
