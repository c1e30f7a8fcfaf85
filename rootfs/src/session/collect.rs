//! Takes away what nobody has any more: half a session, and layers that no record names.

use std::os::fd::AsFd as _;

use super::error::SessionError;
use super::layers::Named;
use super::records::Records;
use super::sessions::Sessions;
use crate::remove::{RemoveError, remove_tree};

impl Sessions {
    /// Removes what sessions left that were killed while they were made or removed, those that were parked by
    /// somebody who is no more, and layers that no session has any more. Tells what could not be removed.
    pub fn collect(&self) -> Result<Vec<RemoveError>, SessionError> {
        let mut stayed = Vec::new();
        for id in self.ids()? {
            let is_nobodys = || matches!(self.record_of(&id), Err(SessionError::Unknown { .. }));
            // Who makes it, or has it parked, is not waited for.
            if !is_nobodys() || self.holder(&id).is_some_and(|holder| holder.lives()) {
                continue;
            }
            if let Ok((directory, _lock)) = self.lock(&id, "gc")
                && is_nobodys()
            {
                self.remove_record(&directory, &id)?;
                stayed.extend(remove_tree(self.directory.as_fd(), &id.file_name()).err());
            }
        }
        stayed.extend(self.collect_layers()?);
        Ok(stayed)
    }

    /// Takes away what no session names.
    pub(super) fn collect_layers(&self) -> Result<Vec<RemoveError>, SessionError> {
        self.layers.collect(|| {
            let mut named = Named::new();
            for id in self.ids()? {
                let Records { last, superseded, .. } = match self.records_of(&id) {
                    Err(SessionError::Unknown { .. }) => continue,
                    // Of a damaged record nobody knows which layers are its own, so all stay.
                    records => records?,
                };
                // After a power cut the one that was superseded may count again.
                let all = [Some(last), superseded].into_iter().flatten();
                named.extend(all.flat_map(|record| record.layers.into_keys()).map(|id| id.to_string()));
            }
            Ok(named)
        })
    }
}
