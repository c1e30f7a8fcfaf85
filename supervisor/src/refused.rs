//! Programs that the kernel refused to execute, told to whoever asked for the command.
//!
//! Seen from outside by [`Executions`], as a note: a command that races with the look can make it say anything about
//! itself. What refuses is Landlock, in `plan/named.rs`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use clearing_profiles::{Commands, Judgement, Profile};
use clearing_runtime::{Execution, Executions, FileId, Looked};
use rustix::fs::FileType;

use crate::named::Named;
use crate::policy::{Denial, Unexecuted, rule};

/// Looks on.
pub(crate) struct Onlooker {
    commands: Commands,
    /// The programs that can be executed.
    files: BTreeSet<PathBuf>,
    search: OsString,
    /// From the command's start to the end of its last process.
    executions: Option<Executions>,
    /// Which files these programs are, once somebody asked who may be looked at.
    permitted: Option<BTreeSet<FileId>>,
    /// The command's own program is executed; before that it is as closed to looks as init.
    has_started: bool,
    seen: Vec<Seen>,
    refused: Refused,
}

/// What was refused.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    /// Each program and who asked for it, in order.
    pub(crate) denials: Vec<Denial>,
    /// How often something was refused that is not among them.
    pub(crate) more: u64,
    /// Executions that nobody could look at, for all that is known refused ones among them.
    pub(crate) unseen: u64,
}

/// What a denial is about. A search along `PATH` finds one file by several paths.
#[derive(PartialEq, Eq)]
struct Seen {
    file: FileId,
    name: OsString,
    by: String,
}

/// So many are told each; a command that wants to can be refused without end.
const TOLD: usize = 50;
/// How many are let go on before anything else is looked at.
const AT_ONCE: usize = 32;

impl Onlooker {
    /// `search` is where programs are found by name.
    pub(crate) fn of(profile: &Profile, named: &Named, search: OsString) -> Self {
        let (commands, files) = (profile.commands.clone(), named.files.clone());
        let (executions, permitted, seen, refused) = (None, None, Vec::new(), Refused::default());
        Self { commands, files, search, executions, permitted, has_started: false, seen, refused }
    }

    pub(crate) fn begin(&mut self, listener: OwnedFd) {
        self.executions = Some(Executions::of(listener));
    }

    pub(crate) fn has_started(&mut self) {
        self.has_started = true;
    }

    /// Readable when there is something to look at.
    pub(crate) fn listener(&self) -> Option<BorrowedFd<'_>> {
        self.executions.as_ref().map(|executions| executions.as_fd())
    }

    /// Looks at those that wait, and tells each denial that is new.
    pub(crate) fn look(&mut self, tell: &mut dyn FnMut(&Denial)) -> std::io::Result<()> {
        let Some(executions) = self.executions.take() else { return Ok(()) };
        for _ in 0..AT_ONCE {
            match executions.look(|execution| self.see(execution, tell))? {
                Looked::Somebody => {}
                Looked::Nobody => break,
                Looked::Over => return Ok(()),
            }
        }
        self.executions = Some(executions);
        Ok(())
    }

    /// What was refused so far. It is not told again.
    pub(crate) fn take_refused(&mut self) -> Refused {
        self.seen.clear();
        std::mem::take(&mut self.refused)
    }

    fn see(&mut self, execution: Option<Execution>, tell: &mut dyn FnMut(&Denial)) {
        let Some(execution) = execution else {
            self.refused.unseen += u64::from(self.has_started);
            return;
        };
        let find = || self.files.iter().filter_map(|path| execution.find(path)).collect();
        let permitted = self.permitted.get_or_insert_with(find);
        // What the command changed may be another file by now and executable all the same.
        let is_known = |program: &FileId| permitted.contains(program) || self.files.contains(&execution.path);
        let Some(file) = execution.program.filter(|program| !is_known(program)) else { return };
        let name = execution.asked.file_name().unwrap_or_default().to_owned();
        let seen = Seen { file, name, by: execution.by };
        let asked = execution.asked.to_string_lossy().into_owned();
        match self.seen.iter().position(|known| *known == seen) {
            Some(index) => self.refused.denials[index].again(&asked),
            None if self.seen.len() < TOLD => {
                let denial = self.denial(asked, &execution.path, &seen.by);
                tell(&denial);
                self.refused.denials.push(denial);
                self.seen.push(seen);
            }
            None => self.refused.more += 1,
        }
    }

    fn denial(&self, asked: String, path: &Path, by: &str) -> Denial {
        let mut folders = self.search.as_bytes().split(|byte| *byte == b':');
        let is_found =
            path.parent().is_some_and(|parent| folders.any(|f| f == parent.as_os_str().as_bytes()));
        let word = path.file_name().filter(|_| is_found).unwrap_or(path.as_os_str());
        let why = match self.commands.judge(&[word.as_bytes()]) {
            Judgement::Deny(ruling) if rule(&ruling).is_some() => Unexecuted::ByRule(ruling),
            // Rules are about what was there when the command began, and the host has that.
            _ if !is_on_host(path) => Unexecuted::Made,
            _ => Unexecuted::Unnamed(Commands::line_allowing(&word.to_string_lossy())),
        };
        Denial::of_program(asked, by, &why)
    }
}

/// Whether a file is there. Nothing of it is read, and nothing depends on it but what is told.
fn is_on_host(path: &Path) -> bool {
    let found = rustix::fs::stat(path);
    found.is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_file())
}
