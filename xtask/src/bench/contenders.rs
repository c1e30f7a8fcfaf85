//! What is measured: this product, the floor, and the tools of the kind that are installed.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::place::Place;
use crate::{Result, shell};

/// What everybody runs.
pub(super) const COMMAND: &str = "/bin/true";

/// The host's programs and libraries, which each contender shows read-only.
const HOST_DIRECTORIES: [&str; 6] = ["/usr", "/bin", "/lib", "/lib64", "/sbin", "/etc"];

/// One way to start [`COMMAND`].
pub(super) struct Contender {
    pub(super) name: &'static str,
    line: Vec<OsString>,
    /// What kept it from being prepared.
    flaw: Option<String>,
}

/// The command itself, started by nobody.
pub(super) fn bare() -> Contender {
    Contender::new("bare", [COMMAND])
}

/// Everything that could be measured here, whether or not it runs.
pub(super) fn all(place: &Place) -> Vec<Contender> {
    let mut contenders = vec![clearing(place)];
    if place.floor().is_file() {
        contenders.push(Contender::new(
            "floor (one C program)",
            [place.floor().as_os_str(), "--sandbox".as_ref(), COMMAND.as_ref()],
        ));
    }
    if let Some(bwrap) = shell::find("bwrap") {
        contenders.push(bubblewrap(&bwrap, place));
    }
    if let Some(crun) = shell::find("crun") {
        contenders.push(container(&crun, place));
    }
    contenders
}

impl Contender {
    fn new<S: Into<OsString>>(name: &'static str, line: impl IntoIterator<Item = S>) -> Self {
        Self { name, line: line.into_iter().map(Into::into).collect(), flaw: None }
    }

    /// A command that runs it in silence, ready to be spawned any number of times.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.line[0]);
        command.args(&self.line[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Why it cannot be measured here, if it cannot.
    pub(super) fn failure(&self) -> Option<String> {
        let tried = || {
            shell::read(Command::new(&self.line[0]).args(&self.line[1..]))
                .err()
                .map(|error| error.to_string())
        };
        self.flaw.clone().or_else(tried)
    }
}

fn clearing(place: &Place) -> Contender {
    Contender::new(
        "clearing run",
        [place.binary().as_os_str(), "run".as_ref(), "--".as_ref(), COMMAND.as_ref()],
    )
}

/// All namespaces, read-only binds, own `/tmp`, `/proc` and `/dev`, the project writable.
fn bubblewrap(bwrap: &Path, place: &Place) -> Contender {
    let mut line: Vec<OsString> = vec![bwrap.into()];
    line.extend(["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"].map(Into::into));
    for directory in HOST_DIRECTORIES {
        match fs::read_link(directory) {
            Ok(target) => line.extend(["--symlink".into(), target.into(), directory.into()]),
            Err(_) => line.extend(["--ro-bind-try", directory, directory].map(Into::into)),
        }
    }
    line.extend(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--bind"].map(Into::into));
    line.extend([place.project().into(), place.project().into(), "--".into(), COMMAND.into()]);
    Contender::new("bwrap", line)
}

/// Its own default specification over the host's directories, without control groups.
fn container(crun: &Path, place: &Place) -> Contender {
    let mut line: Vec<OsString> = vec![crun.into(), "--root".into(), place.state().join("crun").into()];
    line.extend(["--cgroup-manager=disabled", "run", "--bundle"].map(Into::into));
    line.extend([place.bundle().into(), "bench".into()]);
    let mut contender = Contender::new("crun", line);
    contender.flaw = write_bundle(crun, &place.bundle()).err().map(|error| error.to_string());
    contender
}

fn write_bundle(crun: &Path, bundle: &Path) -> Result {
    let root = bundle.join("rootfs");
    fs::create_dir(&root)?;
    shell::read(Command::new(crun).args(["spec", "--rootless"]).current_dir(bundle))?;
    let path = bundle.join("config.json");
    let mut specification: Value = serde_json::from_slice(&fs::read(&path)?)?;
    specification["process"]["terminal"] = json!(false);
    specification["process"]["args"] = json!([COMMAND]);
    let mounts = specification["mounts"].as_array_mut().ok_or("a specification without mounts")?;
    for directory in HOST_DIRECTORIES.map(Path::new) {
        let inside = root.join(directory.strip_prefix("/")?);
        if let Ok(target) = fs::read_link(directory) {
            std::os::unix::fs::symlink(target, inside)?;
        } else if directory.is_dir() {
            mounts.push(json!({"destination": directory, "source": directory, "type": "bind", "options": ["rbind", "ro"]}));
        }
    }
    Ok(fs::write(path, serde_json::to_vec(&specification)?)?)
}
