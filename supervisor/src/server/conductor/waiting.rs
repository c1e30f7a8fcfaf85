//! Whoever waits for the end of an exec, or for something new of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Conductor;
use super::exec::{Exec, State};
use crate::protocol::{Content, ExecRead, ExecState, ExecWait, Fault, Finished, Piece, Pieces};
use crate::relay::Truncated;
use crate::server::Caller;
use crate::server::outbox::Outbox;
use crate::server::reply::Reply;
use crate::server::store::Next;

/// An answer that is yet to come.
pub(super) enum Waiting {
    /// When the command has ended, or then.
    Finished { reply: Reply<Finished>, until: Option<Instant>, is_start: bool },
    /// When there is more to read, or then.
    Read { reply: Reply<Pieces>, to: Option<Arc<Outbox>>, until: Instant, after: u64, most: u64 },
}

/// About so many bytes come at a time where nobody says how many.
const BYTES: u64 = 1 << 20;
/// Nobody gets more in one line.
const MOST_BYTES: u64 = 8 << 20;

impl Waiting {
    pub(super) fn until(&self) -> Option<Instant> {
        match self {
            Self::Finished { until, .. } => until.filter(|_| !self.waits_for_the_end()),
            Self::Read { until, .. } => Some(*until),
        }
    }

    /// What is started and cancelled is answered when it has ended, and not before.
    fn waits_for_the_end(&self) -> bool {
        matches!(self, Self::Finished { reply, is_start: true, .. } if reply.is_cancelled())
    }

    fn is_cancelled(&self) -> bool {
        match self {
            Self::Finished { reply, is_start, .. } => !is_start && reply.is_cancelled(),
            Self::Read { reply, .. } => reply.is_cancelled(),
        }
    }

    fn refuse(self, fault: Fault) {
        match self {
            Self::Finished { reply, .. } => reply.send(Err(fault)),
            Self::Read { reply, .. } => reply.send(Err(fault)),
        }
    }
}

impl Conductor {
    /// `exec/wait`.
    pub(crate) fn exec_wait(&mut self, params: ExecWait, reply: Reply<Finished>) {
        let until = params.wait_ms.and_then(after);
        self.wait_for(&params.exec, reply, |reply| Waiting::Finished { reply, until, is_start: false });
    }

    /// `exec/read`.
    pub(crate) fn exec_read(&mut self, params: ExecRead, caller: &Caller, reply: Reply<Pieces>) {
        let to = caller.outbox.clone();
        let until = after(params.wait_ms).unwrap_or_else(Instant::now);
        // One event comes however little is wanted: whoever got none would wait for what is there already.
        let (after, most) = (params.after_seq, params.max_bytes.unwrap_or(BYTES).clamp(1, MOST_BYTES));
        self.wait_for(&params.exec, reply, |reply| Waiting::Read { reply, to, until, after, most });
    }

    fn wait_for<T>(&mut self, exec: &str, mut reply: Reply<T>, waiting: impl FnOnce(Reply<T>) -> Waiting) {
        let handle = Arc::downgrade(&self.handle);
        let Some((_, found)) = self.execs.by_name(exec) else {
            return reply.send(Err(Fault::unknown_exec(exec)));
        };
        // That it was cancelled is seen when the conductor is woken.
        reply.when_cancelled(move || {
            handle.upgrade().into_iter().for_each(|handle| handle.order(|_| {}));
        });
        reply.lighten();
        found.waiting.push(waiting(reply));
        found.answer();
    }

    /// Answers those whose time has come.
    pub(super) fn answer_whoever_waited(&mut self) {
        self.execs.each(Exec::answer);
    }
}

impl Exec {
    pub(super) fn answer(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let now = Instant::now();
        for waiting in std::mem::take(&mut self.waiting) {
            if waiting.is_cancelled() {
                waiting.refuse(Fault::cancelled());
            } else if let Some(waiting) = self.answered(waiting, now) {
                self.waiting.push(waiting);
            }
        }
    }

    /// Answers everybody, since nobody can ask for it any more.
    pub(super) fn answer_all(&mut self) {
        self.answer();
        for waiting in std::mem::take(&mut self.waiting) {
            waiting.refuse(Fault::unknown_exec(&self.name));
        }
    }

    /// Gives back who still waits.
    fn answered(&self, waiting: Waiting, now: Instant) -> Option<Waiting> {
        let (is_ended, waits) = (matches!(self.state, State::Ended(_)), waiting.waits_for_the_end());
        match waiting {
            Waiting::Finished { reply, until, is_start } => {
                if !is_ended && (waits || until.is_none_or(|until| until > now)) {
                    return Some(Waiting::Finished { reply, until, is_start });
                }
                let said = if waits { Err(Fault::cancelled()) } else { Ok(self.finished()) };
                reply.send_after(&self.store, said);
            }
            Waiting::Read { reply, to, until, after, most } => {
                // Who asked for more than it reads gets little at a time, or many answers would fill memory.
                let pieces = self.pieces(
                    after,
                    if to.as_ref().is_none_or(|to| to.has_room()) { most } else { most.min(1) },
                );
                if pieces.output.is_empty() && !pieces.end && until > now {
                    return Some(Waiting::Read { reply, to, until, after, most });
                }
                reply.send(Ok(pieces));
            }
        }
        None
    }

    fn pieces(&self, after: u64, most: u64) -> Pieces {
        let (mut cursor, mut output, mut bytes) = (self.store.after(after), Vec::new(), 0);
        let (mut dropped, mut end) = (Truncated::default(), false);
        while bytes < most {
            match self.store.next(&mut cursor) {
                Next::Output { seq, stream, bytes: piece } => {
                    bytes += piece.len() as u64;
                    output.push(Piece { seq, stream, content: Content::owned(piece) });
                }
                Next::Dropped { bytes, .. } => dropped = dropped.and(bytes),
                Next::Told { .. } => {}
                Next::Wait => break,
                Next::End => {
                    end = true;
                    break;
                }
            }
        }
        if cursor.seq > after {
            self.store.leave(cursor);
        }
        let is_ended = matches!(self.state, State::Ended(_));
        Pieces {
            session: self.store.session.clone(),
            exec: self.name.clone(),
            state: if is_ended { ExecState::Exited } else { ExecState::Running },
            output,
            next_seq: cursor.seq,
            dropped,
            end,
        }
    }
}

/// The moment in so many milliseconds; none where no clock has it.
pub(super) fn after(milliseconds: u64) -> Option<Instant> {
    Instant::now().checked_add(Duration::from_millis(milliseconds))
}
