//! One call of `clearing`, built up and then started.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::decoys::Terminal;
use crate::{Client, Output, Running, Site};

/// A call of `clearing` by the site's caller, yet to be started.
pub struct Run<'s> {
    site: &'s Site,
    wrapper: Vec<OsString>,
    options: Vec<OsString>,
    command: Option<Vec<OsString>>,
    environment: Vec<(OsString, OsString)>,
    directory: PathBuf,
    stdin: Vec<u8>,
    terminal: Option<&'s Terminal>,
    result: Option<PathBuf>,
}

impl<'s> Run<'s> {
    pub(crate) fn new(site: &'s Site, result: PathBuf) -> Self {
        let mut run = Self::bare(site, ["run", "--result"]);
        run.options.push(result.clone().into());
        if site.has_no_namespaces() {
            run = run.without_namespaces();
        }
        run.result = Some(result);
        run
    }

    pub(crate) fn bare<S: AsRef<OsStr>>(site: &'s Site, arguments: impl IntoIterator<Item = S>) -> Self {
        Self {
            site,
            wrapper: Vec::new(),
            options: owned(arguments),
            command: None,
            environment: Vec::new(),
            directory: site.project(),
            stdin: Vec::new(),
            terminal: None,
            result: None,
        }
    }

    /// Adds one argument before the `--`.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.options.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments before the `--`.
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.options.extend(owned(arguments));
        self
    }

    /// Replaces what follows the `--`.
    pub fn command<S: AsRef<OsStr>>(mut self, command: impl IntoIterator<Item = S>) -> Self {
        self.command = Some(owned(command));
        self
    }

    /// Sets a variable of the caller's, which the command gets only if the profile lets it in.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Starts in another directory than the project.
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = directory.as_ref().to_owned();
        self
    }

    /// Feeds standard input, which otherwise is an empty pipe.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Starts `clearing` from another program, which must execute its arguments:
    /// `["sh", "-c", r#"exec 7</etc/passwd; exec "$@""#, "sh"]` hands a descriptor in.
    pub fn through<S: AsRef<OsStr>>(mut self, wrapper: impl IntoIterator<Item = S>) -> Self {
        self.wrapper.extend(owned(wrapper));
        self
    }

    /// Starts where no user namespace can be made, and accepts what is left.
    pub fn without_namespaces(self) -> Self {
        let wrapper = self.site.bare_wrapper();
        self.through([wrapper.as_os_str(), OsStr::new("without-user-namespaces")])
            .args(["--tier", "landlock"])
    }

    /// Makes `terminal` the controlling terminal and all three standard streams.
    pub fn terminal(mut self, terminal: &'s Terminal) -> Self {
        self.terminal = Some(terminal);
        self.through(["setsid", "--ctty"])
    }

    /// Starts it as a server on standard streams, and is its client.
    pub fn client(self) -> Client {
        Client::begin(self)
    }

    /// Starts it and leaves it running.
    pub fn spawn(self) -> Running {
        let mut command = self.prepare();
        if let Some(terminal) = self.terminal {
            terminal.attach(&mut command);
        } else {
            command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        Running::start(command, self.stdin, self.result)
    }

    /// Starts it and waits for its end.
    pub fn output(self) -> Output {
        self.spawn().wait()
    }

    /// What would be started.
    pub(crate) fn prepare(&self) -> Command {
        let mut line = self.wrapper.clone();
        line.push(self.site.binary().into());
        line.extend_from_slice(&self.options);
        if let Some(command) = &self.command {
            line.push("--".into());
            line.extend_from_slice(command);
        }
        let mut prepared = self.site.host(&line[0]);
        prepared.args(&line[1..]).current_dir(&self.directory);
        prepared.env("CLEARING_STATE_DIR", self.site.state());
        prepared.envs(self.environment.iter().map(|(name, value)| (name, value)));
        prepared
    }
}

fn owned<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Vec<OsString> {
    arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect()
}
