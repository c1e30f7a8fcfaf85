//! Snapshots.

use std::sync::Arc;

use crate::error::Error;
use crate::protocol::{
    Fault, RolledBackTold, SnapshotCreate, SnapshotList, SnapshotMade, SnapshotRollback, Snapshots,
};
use crate::server::{Conductor, Reply, Server};
use crate::session::sessions;

impl Conductor {
    /// `snapshot/create`.
    pub(crate) fn snapshot_create(&mut self, params: &SnapshotCreate) -> Result<SnapshotMade, Fault> {
        let made = self.live()?.snapshot(params.label.as_deref(), params.processes.others());
        Ok(SnapshotMade::of(&made.map_err(Error::from)?))
    }

    /// `snapshot/rollback`.
    pub(crate) fn snapshot_rollback(&mut self, params: &SnapshotRollback) -> Result<RolledBackTold, Fault> {
        let backup = self.live()?.rollback(&params.snapshot, params.processes.others());
        Ok(RolledBackTold { snapshot: params.snapshot.clone(), backup: backup.map_err(Error::from)? })
    }
}

impl Server {
    /// `snapshot/list`.
    pub(crate) fn snapshot_list(self: &Arc<Self>, params: SnapshotList, reply: Reply<Snapshots>) {
        self.beside(reply, move |_| {
            let record = sessions()?.read(&params.session).map_err(Error::from)?;
            Ok(Snapshots { snapshots: record.snapshots.iter().map(SnapshotMade::of).collect() })
        });
    }
}
