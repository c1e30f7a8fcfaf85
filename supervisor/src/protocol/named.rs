//! Parameters that name a session.

use serde::de::DeserializeOwned;

use super::{
    ChangesCommit, ChangesDiscard, CloseStdin, ExecRead, ExecResize, ExecSignal, ExecStart, ExecWait,
    ExecWrite, PatchApply, PatchCheck, SessionFork, SessionRefresh, SnapshotCreate, SnapshotRollback,
    StatsGet,
};

/// Of a request that the conductor of a session carries out.
pub(crate) trait OfSession: DeserializeOwned + Send + 'static {
    /// The session, by id or name.
    fn session(&self) -> &str;
}

macro_rules! of_session {
    ($($params:ty),* $(,)?) => {
        $(impl OfSession for $params {
            fn session(&self) -> &str {
                &self.session
            }
        })*
    };
}

of_session!(
    ChangesCommit,
    ChangesDiscard,
    CloseStdin,
    ExecRead,
    ExecResize,
    ExecSignal,
    ExecStart,
    ExecWait,
    ExecWrite,
    PatchApply,
    PatchCheck,
    SessionFork,
    SessionRefresh,
    SnapshotCreate,
    SnapshotRollback,
    StatsGet,
);
