//! What others make of sessions, as it is told to one who may read it late or never: of what happens to one of them
//! several times meanwhile the last is told.

use std::collections::VecDeque;

use crate::protocol::{Change, SessionChanged};

/// What is not written yet: no more than a few of each session.
#[derive(Default)]
pub(super) struct Notices(VecDeque<Notice>);

struct Notice {
    session: String,
    what: Change,
    line: Vec<u8>,
}

impl Notices {
    /// Tells it after all others, and in place of one that says the same of the session; gives that.
    pub(super) fn push(&mut self, changed: &SessionChanged, line: Vec<u8>) -> Option<Vec<u8>> {
        let is_same = |notice: &Notice| notice.what == changed.what && notice.session == changed.session;
        let before = self.0.iter().position(is_same).and_then(|at| self.0.remove(at));
        self.0.push_back(Notice { session: changed.session.clone(), what: changed.what, line });
        before.map(|notice| notice.line)
    }

    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        self.0.pop_front().map(|notice| notice.line)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
