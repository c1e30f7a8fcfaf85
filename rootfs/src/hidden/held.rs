//! What a search knows of a project, held in memory until the next one.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// An index in the form of its file, if it is not too large to be held.
#[derive(Debug, Clone, Default)]
pub(super) struct Held(Option<Arc<Vec<u8>>>);

/// Some 1,600 directories. An idle session is to take little memory, and to read a file of more than this is little
/// beside the looks at so many directories.
const MOST: usize = 64 << 10;

impl Held {
    /// Holds it, as one with all who hold the same: many sessions have one project.
    pub(super) fn of(bytes: Arc<Vec<u8>>) -> Self {
        static KNOWN: Mutex<Vec<Weak<Vec<u8>>>> = Mutex::new(Vec::new());
        if bytes.is_empty() || bytes.len() > MOST {
            return Self::default();
        }
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|held| held.strong_count() > 0);
        if let Some(same) = known.iter().filter_map(Weak::upgrade).find(|held| *held == bytes) {
            return Self(Some(same));
        }
        known.push(Arc::downgrade(&bytes));
        Self(Some(bytes))
    }

    pub(super) fn bytes(&self) -> Option<Arc<Vec<u8>>> {
        self.0.clone()
    }

    /// Lets all that is known look as if it had been old then.
    #[cfg(test)]
    pub(super) fn settled(&self) -> Self {
        Self(self.0.as_ref().map(|bytes| Arc::new(super::tests::settled(bytes))))
    }
}
