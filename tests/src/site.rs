//! The place of one proof: a home, a project, a state directory and a copy of the binary.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::{Caller, Client, Run, Tree, binary, probe, tools};

/// What one proof has to itself; removed with it.
///
/// Everything in it belongs to the caller. Its directory's name occurs nowhere else on the host,
/// so whatever still bears it afterwards was left behind ([`assert_nothing_left`]).
///
/// [`assert_nothing_left`]: crate::assert_nothing_left
pub struct Site {
    caller: Caller,
    directory: TempDir,
    home: PathBuf,
    project: PathBuf,
    environment: Vec<(OsString, OsString)>,
    runs: Cell<usize>,
}

impl Site {
    /// Makes an empty project in an otherwise empty home, whose caller has the host's tools alone.
    pub fn new(caller: Caller) -> Self {
        let directory = new_directory();
        let home = directory.path().join("home");
        let site = Self::around(caller, directory, home.join("project"), home);
        site.make_directory(&site.home, 0o700);
        site.furnish();
        site
    }

    /// Makes an empty project whose caller has the tools that whoever runs the proofs has.
    ///
    /// A caller who is that very user keeps their own home and search path, and the project lies
    /// elsewhere. Any other caller gets a home of their own with the same Rust toolchain in it.
    pub fn with_tools(caller: Caller) -> Self {
        let mut site;
        if caller.is_myself() {
            let directory = new_directory();
            let project = directory.path().join("project");
            site = Self::around(caller, directory, project, tools::own_home());
            site.environment = tools::own_environment();
            site.furnish();
        } else {
            site = Self::new(caller);
            site.environment = tools::laid_environment(&site.home);
            tools::lay_toolchain(&site.home);
        }
        site
    }

    fn around(caller: Caller, directory: TempDir, project: PathBuf, home: PathBuf) -> Self {
        Self { caller, directory, home, project, environment: Vec::new(), runs: Cell::new(0) }
    }

    fn furnish(&self) {
        for private in [self.state(), self.results()] {
            self.make_directory(&private, 0o700);
        }
        self.make_directory(&self.project, 0o755);
        binary::install(binary::built(), &self.binary());
    }

    /// Whether every run here is to be without namespaces (`CLEARING_TEST_TIER=landlock`, or the proof is one
    /// of the suite `tier`).
    pub(crate) fn has_no_namespaces(&self) -> bool {
        let program = std::env::current_exe().unwrap_or_default();
        let suite = program.file_name().is_some_and(|name| name.to_string_lossy().starts_with("tier-"));
        suite || std::env::var_os("CLEARING_TEST_TIER").is_some_and(|tier| tier == "landlock")
    }

    /// A program which executes another where no user namespace can be made.
    pub(crate) fn bare_wrapper(&self) -> PathBuf {
        let path = self.directory().join("bare");
        if !path.exists() {
            binary::install(probe::built(), &path);
        }
        path
    }

    /// Who calls here.
    pub fn caller(&self) -> Caller {
        self.caller
    }

    /// The directory that holds all the others; readable by everybody.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The caller's home, mode 0700 if it was made here.
    pub fn home(&self) -> PathBuf {
        self.home.clone()
    }

    /// The project, inside the home unless that is the caller's real one.
    pub fn project(&self) -> PathBuf {
        self.project.clone()
    }

    /// The state directory that the binary is told to use, mode 0700.
    pub fn state(&self) -> PathBuf {
        self.directory().join("state")
    }

    /// The site's own copy of the binary, which the caller may execute and not write.
    pub fn binary(&self) -> PathBuf {
        self.directory().join("clearing")
    }

    /// A `clearing run -- COMMAND…` in the project, yet to be started.
    pub fn run<S: AsRef<OsStr>>(&self, command: impl IntoIterator<Item = S>) -> Run<'_> {
        Run::new(self, self.next_result()).command(command)
    }

    /// A `clearing ARGUMENT…` other than `run`, yet to be started.
    pub fn clearing<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run<'_> {
        Run::bare(self, arguments)
    }

    /// A `clearing serve --stdio` with these options and its client.
    pub fn serve<S: AsRef<OsStr>>(&self, options: impl IntoIterator<Item = S>) -> Client {
        Client::begin(self.clearing(["serve", "--stdio"]).args(options))
    }

    /// The same; nothing has been said yet, and nobody listens.
    pub fn serve_silent<S: AsRef<OsStr>>(&self, options: impl IntoIterator<Item = S>) -> Client {
        Client::begin_silent(self.clearing(["serve", "--stdio"]).args(options))
    }

    /// A `clearing mcp` over the project with these options; nothing has been said yet, and nobody listens.
    pub fn mcp<S: AsRef<OsStr>>(&self, options: impl IntoIterator<Item = S>) -> Client {
        Client::begin_silent(self.clearing(["mcp"]).args(options))
    }

    /// A command on the bare host, as the caller, in the project.
    pub fn host(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.caller.command(program, &self.home);
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).current_dir(&self.project);
        command
    }

    /// Writes a file of the caller's into the project, with the directories that lead to it.
    pub fn write(&self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> PathBuf {
        self.write_at(&self.project().join(path), contents)
    }

    /// Writes a file of the caller's into the home, outside the project.
    pub fn write_home(&self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> PathBuf {
        self.write_at(&self.home().join(path), contents)
    }

    /// Writes a `build.sh` at the project's top and one in `sub`, each of which says where it lies; and tells the path of a
    /// profile that allows the one at the top and nothing else.
    pub fn write_build_scripts(&self) -> PathBuf {
        for (path, said) in [("build.sh", "top"), ("sub/build.sh", "sub")] {
            let script = self.write(path, format!("#!/bin/sh\necho {said}\n"));
            fs::set_permissions(script, Permissions::from_mode(0o755)).expect("permissions");
        }
        let rules = "rules = [{ prefix = [\"./build.sh\"], decision = \"allow\", reason = \"read\" }]";
        let profile = format!("extends = \"default\"\n[commands]\ndefault = \"deny\"\n{rules}\n");
        self.write_home("build.toml", profile)
    }

    /// Copies what a directory holds into the project, owned by the caller.
    pub fn copy_into_project(&self, source: &Path) {
        let mut copy = Command::new("cp");
        copy.args(["-rT", "--no-preserve=ownership"]).arg(source).arg(self.project());
        expect_success(&mut copy);
        self.own(&self.project());
    }

    /// Puts the probe into the project and tells the path that it has there.
    pub fn install_probe(&self) -> PathBuf {
        let path = self.project().join("probe");
        binary::install(probe::built(), &path);
        self.own(&path);
        path
    }

    /// The project as it is now, to be compared with what it is later.
    pub fn project_tree(&self) -> Tree {
        Tree::of(&self.project())
    }

    /// Gives `path`, and all below it, to the caller.
    pub fn own(&self, path: &Path) {
        let owner = format!("{}:{}", self.caller.uid(), self.caller.gid());
        expect_success(Command::new("chown").args(["-R", "--no-dereference", &owner]).arg(path));
    }

    fn write_at(&self, path: &Path, contents: impl AsRef<[u8]>) -> PathBuf {
        let parent = path.parent().expect("a file in the home has a parent");
        for missing in missing_directories(parent) {
            self.make_directory(&missing, 0o755);
        }
        fs::write(path, contents).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
        chown(path, Some(self.caller.uid()), Some(self.caller.gid())).expect("give the file to the caller");
        path.to_owned()
    }

    fn make_directory(&self, path: &Path, mode: u32) {
        fs::create_dir(path).unwrap_or_else(|error| panic!("mkdir {}: {error}", path.display()));
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("chmod of an own directory");
        chown(path, Some(self.caller.uid()), Some(self.caller.gid()))
            .expect("give the directory to the caller");
    }

    fn results(&self) -> PathBuf {
        self.directory().join("results")
    }

    fn next_result(&self) -> PathBuf {
        self.runs.set(self.runs.get() + 1);
        self.results().join(format!("{}.json", self.runs.get()))
    }
}

impl Drop for Site {
    /// A killed run leaves directories of the overlay's, mode 0, that their owner cannot remove as they are.
    fn drop(&mut self) {
        let _ = Command::new("chmod").args(["-R", "u+rwx"]).arg(self.directory()).output();
    }
}

/// Runs a helper on the bare host and tells what it printed.
///
/// # Panics
///
/// If it cannot be started or fails, with what it said.
pub fn expect_success(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Not below `/tmp`, which is often a tmpfs and which a command sees replaced by its own.
fn new_directory() -> TempDir {
    let chosen = std::env::var_os("CLEARING_TEST_DIR");
    let parent = chosen.map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from);
    let everybody = Permissions::from_mode(0o755);
    let directory =
        tempfile::Builder::new().prefix("clearing-site-").permissions(everybody).tempdir_in(parent);
    directory.expect("a directory for the site")
}

/// The directories that do not exist yet on the way to `path`, outermost first.
fn missing_directories(path: &Path) -> Vec<PathBuf> {
    let mut missing: Vec<_> = path.ancestors().take_while(|at| !at.exists()).map(Path::to_owned).collect();
    missing.reverse();
    missing
}
