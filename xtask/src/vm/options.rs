//! What is asked for on the command line, as validated values.

use std::path::PathBuf;
use std::time::Duration;

use crate::Result;

pub(super) const USAGE: &str = "usage: cargo xtask vm [OPTION…] -- COMMAND…
       cargo xtask vm [OPTION…] --proofs [-- WORD…]

  --suite bookworm|trixie|trixie-backports   whose kernel is booted; else trixie
  --init small|systemd|login                 else small: a process 1 of our own, with systemd's delegation;
                                             systemd: a service with User=, Delegate=yes and a subgroup;
                                             login: a session of logind's, with the user's own manager
  --root                                     as root, not as an ordinary user
  --share DIR                                a copy of it is there, at its own path (repeatable)
  --out DIR                                  is there empty, at its own path; what is written there comes back
  --console FILE                             what the kernel and systemd said goes there
  --timeout SECONDS                          else 600, for all proofs 3600
  --proofs                                   runs the tests that `cargo xtask test` runs in machines, with
                                             these words as their options

The release build of `clearing` is on the search path, and the command starts in the first DIR that is
shared, else in an empty project. Exits with the command's status; 124 after the timeout; 125 if
the machine failed.";

/// All proofs take a quarter of an hour and more.
const ALL_PROOFS: Duration = Duration::from_secs(3600);

/// The Debian suite whose kernel is booted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suite {
    Bookworm,
    Trixie,
    TrixieBackports,
}

impl Suite {
    const ALL: [Self; 3] = [Self::Bookworm, Self::Trixie, Self::TrixieBackports];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
            Self::TrixieBackports => "trixie-backports",
        }
    }

    /// The release that the suite belongs to.
    pub(super) fn release(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie | Self::TrixieBackports => "trixie",
        }
    }
}

/// Who prepares the user's cgroup and starts the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Init {
    /// A short script that delegates a subtree as systemd does for a user's manager.
    Small,
    /// systemd, in a service with `User=`, `Delegate=yes` and `DelegateSubgroup=`.
    Systemd,
    /// systemd, in a session as login(1) opens one: its scope is not the user's, their manager is there.
    Login,
}

impl Init {
    const ALL: [Self; 3] = [Self::Small, Self::Systemd, Self::Login];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Systemd => "systemd",
            Self::Login => "login",
        }
    }
}

/// Who runs the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    /// `tester`, user 1000.
    Ordinary,
    Root,
}

/// One machine, and what is run in it.
#[derive(Debug)]
pub(crate) struct Options {
    pub(super) suite: Suite,
    pub(super) init: Init,
    pub(super) user: User,
    pub(super) shares: Vec<PathBuf>,
    pub(super) out: Option<PathBuf>,
    pub(super) console: Option<PathBuf>,
    pub(super) timeout: Duration,
    /// The command is the tests, and what stands there as the command are options of theirs.
    pub(super) proofs: bool,
    pub(super) command: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            suite: Suite::Trixie,
            init: Init::Small,
            user: User::Ordinary,
            shares: Vec::new(),
            out: None,
            console: None,
            timeout: Duration::from_secs(600),
            proofs: false,
            command: Vec::new(),
        }
    }
}

impl Options {
    /// Reads `[OPTION…] -- COMMAND…`.
    pub(super) fn parse(words: &[&str]) -> Result<Self> {
        let mut options = Self::default();
        let mut words = words.iter().copied();
        let mut timeout = None;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} wants a value\n\n{USAGE}"));
            match word {
                "--suite" => options.suite = named(Suite::ALL, Suite::name, value()?)?,
                "--init" => options.init = named(Init::ALL, Init::name, value()?)?,
                "--root" => options.user = User::Root,
                "--share" => options.shares.push(directory(value()?)?),
                "--out" => options.out = Some(directory(value()?)?),
                "--console" => options.console = Some(value()?.into()),
                "--timeout" => timeout = Some(Duration::from_secs(value()?.parse()?)),
                "--proofs" => options.proofs = true,
                "--" => break,
                _ => return Err(format!("`{word}` is not an option\n\n{USAGE}").into()),
            }
        }
        options.command = words.map(str::to_owned).collect();
        if let Some(timeout) = timeout.or(options.proofs.then_some(ALL_PROOFS)) {
            options.timeout = timeout;
        }
        if options.command.is_empty() && !options.proofs { Err(USAGE.into()) } else { Ok(options) }
    }
}

fn named<T: Copy>(all: [T; 3], name: fn(T) -> &'static str, word: &str) -> Result<T> {
    let found = all.into_iter().find(|one| name(*one) == word);
    found.ok_or_else(|| format!("`{word}` is none of {}", all.map(name).join(", ")).into())
}

fn directory(word: &str) -> Result<PathBuf> {
    let path = std::fs::canonicalize(word).map_err(|error| format!("{word}: {error}"))?;
    if path.is_dir() { Ok(path) } else { Err(format!("{word} is not a directory").into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_up_to_the_command() {
        let words =
            ["--suite", "bookworm", "--init", "login", "--root", "--timeout", "7", "--", "ls", "--root"];
        let options = Options::parse(&words).unwrap();
        assert_eq!((options.suite, options.init, options.user), (Suite::Bookworm, Init::Login, User::Root));
        assert_eq!(
            (options.timeout, options.command),
            (Duration::from_secs(7), vec!["ls".into(), "--root".into()])
        );
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let error = |words: &[&str]| Options::parse(words).unwrap_err().to_string();
        assert_eq!(
            error(&["--suite", "sid", "--", "ls"]),
            "`sid` is none of bookworm, trixie, trixie-backports"
        );
        assert!(error(&["--kvm", "--", "ls"]).starts_with("`--kvm` is not an option\n"));
        assert!(error(&["--out"]).starts_with("--out wants a value\n"));
        assert_eq!(error(&["--root"]), USAGE);
    }
}
