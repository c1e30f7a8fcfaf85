//! What we do ourselves in the sandbox's view: functions, confined as commands are.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde_json::Value;

use super::Conductor;
use super::exec::Exec;
use crate::live::{ExecAsked, Given, What, nothing};
use crate::outcome::Outcome;
use crate::protocol::Fault;
use crate::server::descriptors::{Taker, promise};
use crate::server::store::Store;

/// What follows from the end of a function.
pub(super) type Then = Box<dyn FnOnce(&mut Conductor, Outcome) + Send>;

/// A function, and what it reads and writes.
pub(crate) struct Called {
    pub(crate) function: u32,
    /// Its name in the record, and what else the record should have.
    pub(crate) words: Vec<OsString>,
    pub(crate) mark: Value,
    pub(crate) streams: [OwnedFd; 2],
}

impl Conductor {
    /// Has a function called; `then` hears how that ended, or why it was not begun.
    pub(crate) fn call(
        &mut self,
        called: Called,
        then: impl FnOnce(&mut Self, Result<Outcome, Fault>) + Send + 'static,
    ) {
        let begun = self.begin_call(called).and_then(|number| Ok((number, self.live()?.output_kept(None))));
        match begun {
            Err(fault) => then(self, Err(fault)),
            Ok((number, most)) => {
                let name = format!("{number}()");
                let store = Arc::new(Store::new(&self.handle.id, &name, &self.shelf, most));
                let then: Then = Box::new(|on, outcome| then(on, Ok(outcome)));
                self.execs.add(number, Exec { then: Some(then), ..Exec::new(name, store) });
            }
        }
    }

    fn begin_call(&mut self, called: Called) -> Result<u32, Fault> {
        let _promised = promise(Taker::Exec)?;
        let Called { function, words, mark, streams: [input, output] } = called;
        let asked = ExecAsked {
            profile: None,
            network: None,
            what: What::Call { function, words, mark },
            cwd: None,
            environment: Vec::new(),
            limits: Vec::new(),
            umask: None,
            streams: Given::Streams([input, output, nothing()?]),
            approved: true,
        };
        Ok(self.live()?.start(asked)?)
    }
}
