//! What requests take that nobody has dealt with, and what commands have not read of what they were sent.

use std::sync::Arc;

use super::{MOST, Outbox};

/// Of all requests of a connection.
#[derive(Default)]
pub(super) struct Weights {
    requests: usize,
    inputs: usize,
}

/// What one request takes, until this is dropped.
pub(crate) struct Weight {
    outbox: Arc<Outbox>,
    bytes: usize,
    /// What it takes for as long as it is not answered.
    least: usize,
    of: Of,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Request,
    Input,
}

impl Weights {
    pub(super) fn requests(&self) -> usize {
        self.requests
    }

    fn of(&mut self, of: Of) -> &mut usize {
        match of {
            Of::Request => &mut self.requests,
            Of::Input => &mut self.inputs,
        }
    }
}

impl Weight {
    /// Of a request which takes so many bytes; `least` of them until it is answered.
    pub(crate) fn new(outbox: &Arc<Outbox>, bytes: usize, least: usize) -> Self {
        outbox.lock().weights.requests += bytes;
        Self { outbox: Arc::clone(outbox), bytes, least, of: Of::Request }
    }

    /// It was dealt with but for its answer, which waits for something else.
    pub(crate) fn lighten(&mut self) {
        self.become_of(Of::Request, self.least);
    }

    /// It was dealt with, but for so many bytes that wait for a command to read them. So that nobody who is asked to end
    /// that command goes unheard, no requests wait for it: false where too much waits for all commands of the connection.
    pub(crate) fn become_input(&mut self, bytes: usize) -> bool {
        let may = self.outbox.lock().weights.inputs + bytes <= MOST;
        if may {
            self.become_of(Of::Input, bytes);
        }
        may
    }

    fn become_of(&mut self, of: Of, bytes: usize) {
        let mut inner = self.outbox.lock();
        *inner.weights.of(self.of) -= self.bytes;
        *inner.weights.of(of) += bytes;
        self.outbox.tell_of_room(&mut inner);
        drop(inner);
        (self.of, self.bytes) = (of, bytes);
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.become_of(self.of, 0);
    }
}
