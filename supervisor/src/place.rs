//! Where what a command writes is kept: in memory, in a directory of its own, or in a session.

use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use clearing_profiles::{LayerPlace, Profile};
use clearing_rootfs::{Hidden, LayerTop, RunDirectory, Session, Store, Survey, Written, longest_file};
use clearing_runtime::spec::Layer;

use crate::copying::Copying;
use crate::error::Error;
use crate::host::Host;

/// Where what a command writes is kept.
#[derive(Debug)]
pub(crate) enum Place {
    /// In the sandbox's own memory.
    Memory,
    /// On disk until the run is over.
    Run(RunDirectory),
    /// On disk for as long as the session lasts.
    Session(Box<Session>),
    /// In one of the others, taken from a copy of the project.
    Copy(Box<Copying>),
}

/// What takes the changes of one directory, and what earlier commands of the session changed of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Writable {
    /// Sealed layers, newest first.
    pub(crate) sealed: Vec<PathBuf>,
    /// Takes the changes.
    pub(crate) layer: Layer,
}

impl Place {
    /// The place that the profile wants for a run of one command.
    pub(crate) fn of_run(host: &Host, profile: &Profile, store: &Store) -> Result<Self, Error> {
        if in_memory(host, profile) { Ok(Self::Memory) } else { Ok(Self::Run(store.begin_run()?)) }
    }

    /// Makes what takes the changes of the part `name`.
    pub(crate) fn writable(&self, name: &str, top: Option<LayerTop>) -> Result<Writable, Error> {
        let directories = match self {
            Self::Memory => {
                let layer = Layer::Memory { name: name.to_owned(), mode: top.map_or(0o755, |top| top.mode) };
                return Ok(Writable { sealed: Vec::new(), layer });
            }
            Self::Run(run) => run.layer(name, top)?,
            Self::Session(session) => session.writable(name, top)?,
            Self::Copy(copying) => return copying.place.writable(name, top),
        };
        let sealed = match self {
            Self::Session(session) => session.sealed(name)?,
            Self::Memory | Self::Run(_) | Self::Copy(_) => Vec::new(),
        };
        let layer = Layer::Directories { upper: directories.upper, work: directories.work };
        Ok(Writable { sealed, layer })
    }

    /// Whether what is written takes room on a disk, and not in the sandbox's memory.
    pub(crate) fn is_on_disk(&self) -> bool {
        !matches!(self, Self::Memory)
    }

    /// Whether no command has written to the part yet.
    pub(crate) fn is_untouched(&self, name: &str) -> Result<bool, Error> {
        match self {
            Self::Session(session) => Ok(session.is_untouched(name)?),
            Self::Memory | Self::Run(_) => Ok(true),
            Self::Copy(copying) => copying.place.is_untouched(name),
        }
    }

    /// What has been written on disk so far, in pieces: what is added up, and how much of that was there before.
    pub(crate) fn surveys(&self) -> Vec<(Survey, Written)> {
        match self {
            Self::Memory => Vec::new(),
            Self::Run(run) => vec![(run.survey(), Written::default())],
            Self::Session(session) => vec![(session.survey(), Written::default())],
            Self::Copy(copying) => copying.surveys(),
        }
    }

    /// The length of the longest file among all that was written, of which `memory` is what is not on disk.
    pub(crate) fn longest_file(&self, memory: Option<BorrowedFd<'_>>) -> u64 {
        let on_disk = match self {
            Self::Memory => None,
            Self::Run(run) => Some(run.lock()),
            Self::Session(session) => Some(session.live_descriptor()),
            Self::Copy(copying) => Some(copying.run().lock()),
        };
        on_disk.into_iter().chain(memory).map(longest_file).max().unwrap_or(0)
    }

    /// Files and directories that are there before the command is. Of a session nobody knows: what earlier commands
    /// wrote counts.
    pub(crate) fn set_up_inodes(&self) -> u64 {
        match self {
            Self::Memory | Self::Session(_) => 0,
            Self::Run(run) => run.written().inodes,
            Self::Copy(copying) => copying.place.set_up_inodes(),
        }
    }

    /// The directories below which is what [`Place::surveys`] adds up, and how much of that was there before.
    pub(crate) fn tops(&self) -> Vec<(BorrowedFd<'_>, Written)> {
        match self {
            Self::Memory => Vec::new(),
            Self::Run(run) => vec![(run.lock(), Written::default())],
            Self::Session(session) => vec![(session.live_descriptor(), Written::default())],
            Self::Copy(copying) => copying.tops(),
        }
    }

    /// The descriptors that hold it, in every process that works for it.
    pub(crate) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        match self {
            Self::Memory => Vec::new(),
            Self::Run(run) => run.descriptors().into(),
            Self::Session(session) => session.descriptors().into(),
            Self::Copy(copying) => {
                let mut all = copying.place.descriptors();
                all.extend(copying.run().descriptors());
                all
            }
        }
    }

    /// The session, where there is one.
    pub(crate) fn session(&self) -> Option<&Session> {
        match self {
            Self::Session(session) => Some(session),
            Self::Copy(copying) => copying.place.session(),
            Self::Memory | Self::Run(_) => None,
        }
    }

    /// The session, to be changed.
    pub(crate) fn session_mut(&mut self) -> Option<&mut Session> {
        match self {
            Self::Session(session) => Some(session),
            Self::Copy(copying) => copying.place.session_mut(),
            Self::Memory | Self::Run(_) => None,
        }
    }

    /// A command begins to work here, which does not see what is hidden.
    pub(crate) fn begin(&mut self, hidden: &Hidden) -> Result<(), Error> {
        match self {
            Self::Session(session) => Ok(session.begin_exec(&hidden.paths)?),
            Self::Copy(copying) => copying.place.begin(hidden),
            Self::Memory | Self::Run(_) => Ok(()),
        }
    }

    /// The command has ended, or there was none.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        match self {
            Self::Session(session) => Ok(session.end_exec()?),
            Self::Copy(copying) => copying.place.end(),
            Self::Memory | Self::Run(_) => Ok(()),
        }
    }

    /// Removes what a run wrote; a session keeps it.
    pub(crate) fn discard(&self) -> Result<(), Error> {
        match self {
            Self::Run(run) => Ok(run.discard()?),
            Self::Copy(copying) => copying.discard(),
            Self::Memory | Self::Session(_) => Ok(()),
        }
    }
}

/// Whether what the command writes is to be kept in memory.
pub(crate) fn in_memory(host: &Host, profile: &Profile) -> bool {
    match profile.filesystem.layer {
        LayerPlace::Memory => true,
        LayerPlace::Disk | LayerPlace::Copy => false,
        // So much may be taken by each of a few sandboxes.
        LayerPlace::Auto => host.tmpfs_layers && host.memory / 4 >= profile.filesystem.layer_size,
    }
}
