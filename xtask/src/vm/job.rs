//! What one run brings into its machine: the command, the binary, copies of directories.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::image;
use super::options::{Init, User};
use crate::{Result, shell};

/// Where the machine has the binary under test, on everybody's search path.
pub(super) const BINARY: &str = "/usr/local/bin/clearing";

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command with what it needs. Files and directories are copies; what is written to them is dropped.
#[derive(Default)]
pub(super) struct Job {
    command: Vec<String>,
    environment: Vec<(String, String)>,
    /// From which path of the host to which of the machine.
    copies: Vec<(PathBuf, PathBuf)>,
    directory: Option<PathBuf>,
}

impl Job {
    pub(super) fn new<S: AsRef<str>>(command: &[S]) -> Self {
        Self { command: command.iter().map(|word| word.as_ref().to_owned()).collect(), ..Self::default() }
    }

    pub(super) fn binary(self, binary: &Path) -> Self {
        self.copy(binary, BINARY)
    }

    /// Lays a copy of a host's file or directory at a path of the machine's.
    pub(super) fn copy(mut self, from: impl Into<PathBuf>, to: impl Into<PathBuf>) -> Self {
        self.copies.push((from.into(), to.into()));
        self
    }

    /// Lays copies of directories at their own paths; the command starts in the first.
    pub(super) fn share_all(mut self, directories: &[PathBuf]) -> Self {
        self.directory = directories.first().cloned();
        directories.iter().fold(self, |job, directory| job.copy(directory, directory))
    }

    /// Sets a variable of the command's.
    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the command in that directory of the machine's.
    pub(super) fn current_dir(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    /// Makes the disk that the ramdisk's scripts read; how they do stands in `guest/init`.
    pub(super) fn disk(&self, directory: &Path, setting: &Setting<'_>) -> Result<PathBuf> {
        let stage = directory.join("job");
        fs::create_dir(&stage)?;
        let copies = stage.join("copies");
        let mut list = String::new();
        for (from, to) in &self.copies {
            let inside = copies.join(to.strip_prefix("/")?);
            fs::create_dir_all(inside.parent().ok_or("nothing is copied to the root")?)?;
            shell::read(Command::new("cp").args(["-aT", "--reflink=auto"]).arg(from).arg(&inside))?;
            writeln!(list, "{}", to.display())?;
        }
        fs::write(stage.join("list"), list)?;
        fs::write(stage.join("conf"), setting.variables())?;
        fs::write(stage.join("command"), self.script(setting.user))?;
        let disk = directory.join("job.ext4");
        image::format(&stage, &disk, disk_size(&stage)?)?;
        fs::remove_dir_all(stage)?;
        Ok(disk)
    }

    /// The command as a script, which the user's shell becomes.
    fn script(&self, user: User) -> String {
        let (home, name) = match user {
            User::Ordinary => ("/home/tester", "tester"),
            User::Root => ("/root", "root"),
        };
        let own = [("HOME", home), ("USER", name), ("LOGNAME", name), ("PATH", PATH), ("LANG", "C.UTF-8")];
        let given = self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut script = String::new();
        for (name, value) in own.into_iter().chain(given) {
            script += &format!("export {name}={}\n", shell::quoted(value));
        }
        let directory = self.directory.clone().unwrap_or_else(|| Path::new(home).join("project"));
        let directory = shell::quoted(&directory.to_string_lossy());
        let words: Vec<_> = self.command.iter().map(|word| shell::quoted(word)).collect();
        script + &format!("mkdir -p {directory} && cd {directory} || exit 125\nexec {}\n", words.join(" "))
    }
}

/// What the ramdisk's scripts are told beside the command.
pub(super) struct Setting<'s> {
    pub(super) init: Init,
    pub(super) user: User,
    pub(super) out: Option<&'s Path>,
}

impl Setting<'_> {
    /// As a shell's variables.
    fn variables(&self) -> String {
        let user = if self.user == User::Root { "root" } else { "tester" };
        let out = self.out.map(Path::to_string_lossy).unwrap_or_default();
        format!("init={}\nuser={user}\nout={}\n", self.init.name(), shell::quoted(&out))
    }
}

/// Room for a directory's copy, with that of a file system around it.
fn disk_size(directory: &Path) -> Result<u64> {
    let used = shell::read(Command::new("du").args(["--summarize", "--block-size=1"]).arg(directory))?;
    let used: u64 = used.split_whitespace().next().unwrap_or_default().parse()?;
    Ok(used * 5 / 4 + (64 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_becomes_a_script_that_takes_every_word_as_it_is() {
        let job = Job::new(&["echo", "it's $HOME"]).env("A", "b c").current_dir(Path::new("/d"));
        let script = job.script(User::Ordinary);
        assert!(script.starts_with("export HOME='/home/tester'\n"), "{script}");
        let end = "export A='b c'\nmkdir -p '/d' && cd '/d' || exit 125\nexec 'echo' 'it'\\''s $HOME'\n";
        assert!(script.ends_with(end), "{script}");
    }

    #[test]
    fn the_scripts_are_told_by_variables() {
        let setting = Setting { init: Init::Login, user: User::Root, out: Some(Path::new("/o p")) };
        assert_eq!(setting.variables(), "init=login\nuser=root\nout='/o p'\n");
    }
}
