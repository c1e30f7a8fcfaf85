//! What a launcher can be asked for. Where it is to answer comes along as the first descriptor.

use serde::{Deserialize, Serialize};

use crate::cgroup::Sweeping;
use crate::probe::Trial;
use crate::spec::{Birth, Identity};

/// One thing to be done.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Errand {
    /// Clone an init; its end of the channel comes along, and the directory of the control group that it is to
    /// be born into, if any. Answered with its id, and its pidfd.
    Launch(Birth),
    /// Make a user namespace with a map for an owner. Answered with the namespace.
    OwnerMap {
        /// Whose ids are to be shown.
        identity: Identity,
        /// The owner's on disk.
        uid: u32,
        /// The same.
        gid: u32,
    },
    /// Fork a process that stands by to remove control groups, which come along. Answered as an init is.
    Sweep(Sweeping),
    /// Fork a process that does a work of the supervisor's own, with what comes along. Answered as an init is.
    Work {
        /// Which.
        number: u32,
        /// For the work to understand.
        words: Vec<u8>,
    },
    /// Fork a process that finds out about the host, and answers itself.
    Try(Trial),
    /// Say so when nothing is left of an init without a namespace, and of its family.
    Bury(i32),
}

impl Errand {
    /// For people.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Launch(_) => "launch a sandbox",
            Self::OwnerMap { .. } => "make an id map",
            Self::Sweep(_) => "fork a sweeper",
            Self::Work { .. } => "fork a work",
            Self::Try(_) => "probe the host",
            Self::Bury(_) => "wait for an init",
        }
    }
}
