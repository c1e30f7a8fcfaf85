//! What is said over a connection: JSON-RPC 2.0, one object a line.
//!
//! # Terms
//!
//! - **request**: has an `id`, and gets exactly one answer, in whatever order.
//! - **notification**: has none, and gets no answer. From a client there is one, `$/cancelRequest`.
//! - **exec**: a command in a session, named by whoever starts it or by us, unique in its session.
//! - **event**: a numbered piece of what an exec has to say; its notification carries `seq`.
//!
//! Fields are camelCase. A request with a field that is not known is refused. Times are integers of
//! milliseconds and their names end in `Ms`; sizes are integers of bytes, or text such as `"1G"`.

pub(crate) mod bounds;
mod changed;
mod changes;
mod exec;
mod fault;
mod frame;
mod json;
mod methods;
mod named;
pub(crate) mod outside;
mod params;
mod patch;
mod policy;
mod server;
mod session;
mod snapshot;
mod stats;
mod text;

pub(crate) use changed::{Change, EndedBy, SessionChanged};
pub(crate) use changes::{
    ChangesCommit, ChangesDiff, ChangesDiscard, Diffed, Discarded, FileChange, FileSide, LineCounts,
};
pub(crate) use exec::{
    CloseStdin, Denied, ExecExited, ExecOutput, ExecRead, ExecResize, ExecSignal, ExecStart, ExecStarted,
    ExecState, ExecWait, ExecWrite, Finished, LIMITS, LONGEST_EXEC_NAME, Network, Piece, Pieces, Size,
    StdinMode, StreamName,
};
pub(crate) use fault::Fault;
pub(crate) use frame::{Answer, Frame, Notification, RequestId};
pub(crate) use json::Json;
pub(crate) use methods::{Forms, METHODS, document};
pub(crate) use named::OfSession;
pub(crate) use params::{read, with_whole_numbers};
pub(crate) use patch::{PatchApply, PatchCheck, PatchTold};
pub(crate) use policy::{PolicyCheck, PolicyTold, RulingTold};
pub(crate) use server::{
    AuditTold, AuditVerify, Cancel, Health, Initialize, Initialized, Nothing, ServerName,
};
pub(crate) use session::{
    Created, Destroyed, Forked, MOST_LABELS, SessionCreate, SessionDestroy, SessionFork, SessionGet,
    SessionList, SessionRefresh, SessionTold, Sessions,
};
pub(crate) use snapshot::{
    ProcessesMode, RolledBackTold, SnapshotCreate, SnapshotList, SnapshotMade, SnapshotRollback, Snapshots,
};
pub(crate) use stats::{StatsGet, StatsTold};
pub(crate) use text::{Amount, Content, Word, content};

/// The only version of the protocol that there is.
pub(crate) const VERSION: u32 = 1;
