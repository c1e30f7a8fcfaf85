//! Supplies what a sandboxed command sees: which directory is its project, what of the host stands around
//! it, where its writes go, and afterwards what they changed.
//!
//! Everything here is described as plain data; nothing is mounted and no rule is known.
//!
//! # Terms
//!
//! - **project**: the caller's real directory, the lower layer, written by a commit alone ([`Project`]).
//! - **base**: what every private root holds of the host ([`Base`]).
//! - **tool root**: a directory or file of the host that programs on the caller's `PATH` need ([`tool_roots`]).
//! - **cache**: a directory of downloaded dependencies in the caller's home ([`caches`]).
//! - **setting**: a file of the caller's home that tools read, without the credentials in it ([`settings`]).
//! - **state directory**, **run**: where clearing keeps what it writes, and one command's part of it
//!   ([`Store`], [`RunDirectory`]).
//! - **upper**, **work**: what an overlay writes to, and what it needs beside ([`LayerDirectories`]).
//! - **whiteout**, **opaque**: how an upper says that something of the lower is gone.
//! - **stack**: layers over a directory, read as overlayfs would show them, without a mount ([`Stack`]).
//! - **change**: a difference between the project and what the upper shows over it ([`Changes`], [`Diff`]).
//! - **session**: a project's layers over many commands, kept in the state directory ([`Session`], [`Sessions`]).
//! - **snapshot**: a named point in the layers of a session ([`Snapshot`]).
//! - **seen**: what a session found in the project when it first looked ([`Seen`]).
//! - **commit**: the one way by which anything is written to a project ([`Commit`]).
//! - **working copy**: a plain tree in place of an overlay ([`WorkingCopy`]).
//!
//! # Example
//!
//! ```
//! # let scratch = tempfile::tempdir()?;
//! # let (home, project) = (scratch.path().join("home"), scratch.path().join("home/app"));
//! # std::fs::create_dir_all(&project)?;
//! # std::fs::write(project.join("note.txt"), "old")?;
//! use clearing_rootfs::{Changes, Project, ProjectRequest, Store};
//!
//! let state = Store::default_path(&|name| (name == "HOME").then(|| home.clone().into()))?;
//! let project = Project::locate(&ProjectRequest {
//!     directory: None,
//!     cwd: &project,
//!     home: Some(&home),
//!     state: &state,
//!     uid: 1000,
//!     gid: 1000,
//!     groups: &[],
//! })?;
//!
//! let run = Store::open(&state)?.begin_run()?;
//! let layer = run.layer("project", None)?;
//! std::fs::write(layer.upper.join("note.txt"), "new")?; // an overlay would do this
//!
//! let changes = Changes::between(&layer.upper, &project.root)?;
//! assert_eq!(changes.modified[0].path.to_str(), Some("note.txt"));
//! run.discard()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod atomic;
mod attributes;
mod bare_tree;
mod base;
mod beneath;
mod boot;
mod caches;
mod changed;
mod changes;
mod commit;
mod compare;
mod content;
mod copy;
mod credentials;
mod descent;
mod diff;
mod directory_look;
mod emptiness;
mod etc;
mod files;
mod git;
mod git_config;
mod hidden;
mod home_place;
mod identity;
mod inventory;
mod layer_directory;
mod layouts;
mod leave;
mod merged;
mod mountinfo;
mod notes;
mod overlay;
mod patch;
mod path_text;
mod places;
mod private_home;
mod programs;
mod project;
mod queue;
#[cfg(test)]
mod random;
mod reach;
mod remove;
mod run;
mod seen;
mod session;
mod settings;
mod sighting;
mod stack;
mod store;
mod tool_finder;
mod tools;
mod walk;
mod work;
mod written;

pub use base::{Base, BaseEntry, BaseRequest, HostNames};
pub use caches::{Cache, caches};
pub use changed::changed_since;
pub use changes::{Change, Changes, Counts};
pub use commit::{
    Action, Code, Commit, CommitError, CommitRequest, Conflict, Did, Differs, Harm, KeptName, KeptNames,
    LandError, Landed, Landing, Plan, Protected, ProtectedName, RecoverError, RecoveredCommit, TargetError,
    Told, Withheld,
};
pub use compare::Kind;
pub use copy::{CopyError, LeftOut, Owner, Progress, WorkingCopy};
pub use diff::{
    Binary, Diff, DiffError, Entry, Lines, Part, Plain, Renamed, Side, Size, Status, Untold, quoted,
};
pub use emptiness::Emptiness;
pub use files::{Environment, normalize};
pub use git::{GitDirectory, Unverified};
pub use hidden::{Hidden, HiddenError, HiddenPath, HideRule, HideRules, Hiding, Parent};
pub use identity::Identity;
pub use inventory::Inventory;
pub use layer_directory::{LayerDirectories, LayerTop};
pub use mountinfo::{Mount, MountInfoError, MountTable};
pub use notes::Note;
pub use patch::{
    ApplyError, Class, Deed, DirectoryTree, FileMode, How, Made, Node, Patch, Placed, Prepared, Read,
    Reading, Refusal, Rules, Simulation, Tree, Was,
};
pub use path_text::PathText;
pub use places::{Place, Places};
pub use private_home::{HomeEntry, all_but, furnish};
pub use programs::{ProgramSearch, Readable};
pub use project::{BroughtError, Chosen, Project, ProjectError, ProjectRequest};
pub use queue::{QueueError, Ticket, WhenFull};
pub use reach::{Visitor, closed_on_the_way};
pub use remove::{RemoveError, remove_tree};
pub use run::{RunDirectory, RunError};
pub use seen::{Kept, Seen, SeenError};
pub use session::{
    Apart, Holder, LayerId, Listed, Merging, NewSession, PROJECT, Parts, Ready, Record, Recovered, Retained,
    Retention, RolledBack, Running, Session, SessionError, SessionId, Sessions, Snapshot, Step, Why,
    listens_at, time_since,
};
pub use settings::settings;
pub use sighting::Sighting;
pub use stack::{Found, Stack};
pub use store::{Collected, Store, StoreError};
pub use tools::{Skipped, ToolRequest, ToolRoot, ToolRoots, tool_roots};
pub use walk::{Difference, WalkError, compare};
pub use work::{Heard, Work, watch_work};
pub use written::{Survey, Written, longest_file, written as written_below};
