//! A home with a project and a state directory for each proof, and what is done there.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{Read as _, Seek as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clearing::live::{Executed, LiveError, LiveSandbox, Wanted};
use nix::unistd::geteuid;

/// A bare number: no account has to exist for it.
const ORDINARY_ID: u32 = 54_321;

/// Users for whom root can prove something, or who we are.
pub(crate) fn callers() -> Vec<u32> {
    if geteuid().is_root() { vec![0, ORDINARY_ID] } else { vec![geteuid().as_raw()] }
}

/// Where all proofs are made: a directory that every user can go through.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn make() -> Self {
        let everybody = Permissions::from_mode(0o755);
        let directory = tempfile::Builder::new().prefix("clearing-live-").permissions(everybody).tempdir();
        let directory = directory.expect("a directory");
        fs::copy(std::env::current_exe().expect("us"), directory.path().join("proof")).expect("copied");
        fs::copy(env!("CARGO_BIN_EXE_clearing"), directory.path().join("clearing")).expect("copied");
        Self(directory)
    }

    pub(crate) fn prove(&self, name: &str, uid: u32) -> bool {
        let home = self.0.path().join(format!("{uid}-{name}"));
        for directory in ["", "project/src", "state", "out"] {
            fs::create_dir_all(home.join(directory)).expect("made");
        }
        fs::write(home.join("project/src/old"), "old\n").expect("written");
        for path in ["", "project", "project/src", "project/src/old", "state", "out"] {
            chown(home.join(path), Some(uid), Some(uid)).expect("given");
        }
        let mut proof = Command::new(self.0.path().join("proof"));
        proof
            .args(["proof", name])
            .env_clear()
            .env("HOME", &home)
            .env("PATH", "/usr/local/bin:/usr/bin:/bin");
        proof.env("CLEARING_STATE_DIR", home.join("state")).current_dir(home.join("project"));
        if uid != geteuid().as_raw() {
            proof.uid(uid).gid(uid);
        }
        proof.status().expect("spawned").success()
    }
}

/// Where one proof is made.
pub(crate) struct Site {
    pub(crate) home: PathBuf,
    pub(crate) project: PathBuf,
}

impl Site {
    pub(crate) fn of_environment() -> Self {
        let home = PathBuf::from(std::env::var_os("HOME").expect("a home"));
        Self { project: home.join("project"), home }
    }

    /// What `clearing` says to these words.
    pub(crate) fn clearing(&self, words: &[&str]) -> String {
        let binary = self.home.parent().expect("the place").join("clearing");
        let output = Command::new(binary).args(words).output().expect("spawned");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    /// Where a session keeps what it wrote to a file of the project.
    pub(crate) fn seen(&self, id: &str, name: &str) -> PathBuf {
        let layers = fs::read_dir(self.home.join("state/layers")).expect("layers").flatten();
        let mut uppers = layers.map(|layer| layer.path().join("project.upper"));
        uppers.find(|upper| upper.exists()).unwrap_or_else(|| panic!("no layer of {id}")).join(name)
    }

    /// A new session in a living sandbox.
    pub(crate) fn live(&self) -> Live {
        let id = self.clearing(&["create", "-w", self.project.to_str().expect("text")]);
        self.open(&id)
    }

    pub(crate) fn open(&self, id: &str) -> Live {
        let sandbox = LiveSandbox::open(id).unwrap_or_else(|error| panic!("{error}"));
        Live { sandbox, id: id.to_owned(), out: self.home.join("out/said") }
    }
}

/// A living sandbox, and where its commands' output goes.
pub(crate) struct Live {
    pub(crate) sandbox: LiveSandbox,
    pub(crate) id: String,
    out: PathBuf,
}

impl Live {
    /// Runs a script, which must succeed, and gives what it said.
    pub(crate) fn sh(&mut self, script: &str) -> String {
        let (executed, said) = self.try_sh(script);
        assert_eq!((executed.exit_code, executed.is_whole), (Some(0), true), "{script}: {said}");
        said
    }

    /// The same with a shell that has more.
    pub(crate) fn bash(&mut self, script: &str) -> String {
        let (executed, said) = self.run(["/bin/bash", "-c", script]);
        assert_eq!((executed.exit_code, executed.is_whole), (Some(0), true), "{script}: {said}");
        said
    }

    /// Starts a script whose output goes to a file of this name, and does not wait for it.
    pub(crate) fn begin(&mut self, name: &str, script: &str, wanted: Wanted) -> u32 {
        let out = open(&self.out.with_file_name(name));
        let streams = [open(Path::new("/dev/null")), duplicate(&out), out];
        let command = ["/bin/sh", "-c", script].map(OsString::from);
        let begun = self.sandbox.begin_exec(&command, streams.map(OwnedFd::from), wanted);
        begun.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Starts a command whose output goes nowhere.
    pub(crate) fn try_begin(&mut self, words: &[&str]) -> Result<u32, LiveError> {
        let streams = [(); 3].map(|()| OwnedFd::from(open(Path::new("/dev/null"))));
        let command: Vec<OsString> = words.iter().map(OsString::from).collect();
        self.sandbox.begin_exec(&command, streams, Wanted::default())
    }

    /// Waits for it, and gives what it said.
    pub(crate) fn wait(&mut self, exec: u32, name: &str) -> (Executed, String) {
        let executed = self.sandbox.wait(exec).unwrap_or_else(|error| panic!("{name}: {error}"));
        let said = fs::read_to_string(self.out.with_file_name(name)).expect("text");
        (executed, said.trim_end().to_owned())
    }

    /// Runs a script.
    pub(crate) fn try_sh(&mut self, script: &str) -> (Executed, String) {
        self.run(["/bin/sh", "-c", script])
    }

    fn run(&mut self, command: [&str; 3]) -> (Executed, String) {
        let mut out = open(&self.out);
        let streams = [open(Path::new("/dev/null")), duplicate(&out), duplicate(&out)];
        let executed = self.sandbox.exec(&command.map(OsString::from), streams.map(OwnedFd::from));
        let executed = executed.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut said = String::new();
        out.rewind().expect("rewound");
        out.read_to_string(&mut said).expect("text");
        (executed, said.trim_end().to_owned())
    }
}

fn open(path: &Path) -> File {
    let mut options = File::options();
    options.read(true).write(true);
    if path.starts_with("/dev") {
        return options.open(path).expect("opened");
    }
    options.create(true).truncate(true).open(path).expect("opened")
}

fn duplicate(file: &File) -> File {
    file.try_clone().expect("duplicated")
}
