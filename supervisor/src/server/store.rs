//! What an exec has to say: numbered events, kept for whoever reads slowly or asks later.
//!
//! ```text
//!   1 2 3 … │ dropped, and counted │ … 998 999
//!    head   └──────────────────────┘   tail       each of so many bytes; the first ones in memory
//! ```
//! The command is never stopped by a reader. What is no output (its start, its end, denials) is not dropped.

mod kept;
mod passed;
mod room;
mod shelf;
mod spool;
mod stretch;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use clearing_profiles::Output;
use serde_json::Value;

use crate::protocol::{Json, StreamName};
use crate::relay::Truncated;
use crate::text::whole_characters;
use kept::{Event, Kept};
use passed::Passed;
pub(crate) use room::Room;
pub(crate) use shelf::Shelf;
use spool::{Place, Spool};
use stretch::Stretch;

/// The events of one exec.
pub(crate) struct Store {
    pub(crate) session: String,
    pub(crate) exec: String,
    inner: Mutex<Inner>,
}

/// Who wants to hear that there is something new.
pub(crate) trait Wake: Send + Sync {
    fn wake(&self);
}

struct Inner {
    spool: Spool,
    last: u64,
    /// The last one that somebody has read, or says so: what comes after it may still grow.
    read: u64,
    head: Vec<Event>,
    /// No output, from between head and tail.
    kept: Vec<Event>,
    tail: VecDeque<Event>,
    /// Of what is in none of them.
    passed: Passed,
    /// All bytes so far, of each stream.
    total: Counts,
    /// The beginning of a character, of each stream.
    begun: [Vec<u8>; 2],
    is_ended: bool,
    hearers: Vec<Weak<dyn Wake>>,
}

/// Bytes of standard output and error.
pub(crate) type Counts = [u64; 2];

/// What is no output.
pub(crate) enum Told {
    Started,
    Denial(Value),
    Alert(Value),
    Exited(Json),
}

/// What comes next.
pub(crate) enum Next {
    Output {
        seq: u64,
        stream: StreamName,
        bytes: Vec<u8>,
    },
    /// The events up to this one are gone, and how many bytes with them.
    Dropped {
        seq: u64,
        bytes: Truncated,
    },
    Told {
        seq: u64,
        what: Arc<Told>,
    },
    /// Nothing yet.
    Wait,
    /// Nothing any more.
    End,
}

/// How far a reader has come.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Cursor {
    pub(crate) seq: u64,
    passed: Counts,
}

impl Store {
    /// Of an exec, of which so much is kept; what does not fit in memory goes to the `shelf` of its session.
    pub(crate) fn new(session: &str, exec: &str, shelf: &Arc<Shelf>, most: Output) -> Self {
        let inner = Inner {
            spool: Spool::new(shelf, most),
            last: 0,
            read: 0,
            head: Vec::new(),
            kept: Vec::new(),
            tail: VecDeque::new(),
            passed: Passed::default(),
            total: [0; 2],
            begun: [Vec::new(), Vec::new()],
            is_ended: false,
            hearers: Vec::new(),
        };
        Self { session: session.to_owned(), exec: exec.to_owned(), inner: Mutex::new(inner) }
    }

    /// Somebody wants to hear of what is new.
    pub(crate) fn heard_by(&self, hearer: Weak<dyn Wake>) {
        let mut inner = self.lock();
        inner.hearers.retain(|hearer| hearer.strong_count() > 0);
        inner.hearers.push(hearer);
    }

    /// The command said this; the beginning of a character waits for its end.
    pub(crate) fn output(&self, stream: StreamName, read: &[u8]) {
        self.change(|inner| inner.output(stream, read));
    }

    /// Something else happened. What was held back of the output comes before it.
    pub(crate) fn tell(&self, what: Told) {
        self.note(what);
        self.wake();
    }

    /// The same where those who hear of it are woken for something else at once.
    pub(crate) fn note(&self, what: Told) {
        let mut inner = self.lock();
        if matches!(what, Told::Exited(_)) {
            inner.flush();
        }
        inner.push(Kept::Told(Arc::new(what)));
    }

    /// There will be nothing more.
    pub(crate) fn end(&self) {
        self.change(|inner| {
            inner.flush();
            inner.is_ended = true;
        });
    }

    /// The number of the last event.
    pub(crate) fn last(&self) -> u64 {
        self.lock().last
    }

    /// Bytes that are kept.
    pub(crate) fn size(&self) -> u64 {
        self.lock().spool.size()
    }

    /// The same, and whether there will be nothing more.
    pub(crate) fn so_far(&self) -> (u64, bool) {
        let inner = self.lock();
        (inner.last, inner.is_ended)
    }

    /// A cursor after an event, told or not.
    pub(crate) fn after(&self, seq: u64) -> Cursor {
        let mut inner = self.lock();
        inner.read = inner.read.max(seq.min(inner.last));
        Cursor { seq, passed: inner.passed_by(seq) }
    }

    /// A reader stops there, and may go on `after` that event: of no byte that it has it will hear that it was dropped.
    pub(crate) fn leave(&self, cursor: Cursor) {
        let mut inner = self.lock();
        if cursor.seq <= inner.last {
            inner.passed.left(cursor.seq, cursor.passed);
        }
    }

    /// What comes after the cursor, which goes on.
    pub(crate) fn next(&self, cursor: &mut Cursor) -> Next {
        self.lock().next(cursor)
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.lock());
        self.wake();
    }

    /// Tells who wants to hear of it that there may be something new.
    pub(crate) fn wake(&self) {
        let mut inner = self.lock();
        inner.hearers.retain(|hearer| hearer.strong_count() > 0);
        let hearers: Vec<_> = inner.hearers.iter().filter_map(Weak::upgrade).collect();
        drop(inner);
        hearers.iter().for_each(|hearer| hearer.wake());
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn output(&mut self, stream: StreamName, read: &[u8]) {
        let begun = &mut self.begun[stream as usize];
        if begun.is_empty() && whole_characters(read) == read.len() {
            return self.append(stream, read);
        }
        begun.extend_from_slice(read);
        let rest = begun.split_off(whole_characters(begun));
        let whole = std::mem::replace(begun, rest);
        self.append(stream, &whole);
    }

    fn flush(&mut self) {
        for stream in [StreamName::Stdout, StreamName::Stderr] {
            let begun = std::mem::take(&mut self.begun[stream as usize]);
            self.append(stream, &begun);
        }
    }

    fn append(&mut self, stream: StreamName, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        // A disk that takes no more leaves a gap, which is counted as what was dropped is.
        let Some(place) = self.keep(bytes) else { return self.lose(stream, bytes.len()) };
        if !self.join(stream, place) {
            self.push(Kept::Output(Stretch::new(stream, place)));
        }
        self.total[stream as usize] += bytes.len() as u64;
    }

    fn keep(&mut self, bytes: &[u8]) -> Option<Place> {
        if self.tail.is_empty()
            && let Some(place) = self.spool.keep(bytes)
        {
            return Some(place);
        }
        while let Some(Event { what: Kept::Output(oldest), .. }) = self.tail.front()
            && !self.spool.has_room_beside(oldest.place(), bytes.len())
        {
            self.drop_oldest();
        }
        self.spool.go_round(bytes)
    }

    /// Adds a piece to what was said just before, if it lies beside it: to the event itself, if nobody has read that, or
    /// as the next one.
    fn join(&mut self, stream: StreamName, place: Place) -> bool {
        let last = if place.is_of_tail() { self.tail.back_mut() } else { self.head.last_mut() };
        let Some(event) = last.filter(|event| event.last() == self.last) else { return false };
        let Kept::Output(stretch) = &mut event.what else { return false };
        if !stretch.has_room(place.length()) || !self.spool.is_beside(stretch.place(), place) {
            return false;
        }
        let is_unread = self.read < self.last;
        if !(is_unread && stretch.lengthen(stream, place.length())) {
            stretch.add(stream, place.length());
            self.last += 1;
        }
        true
    }

    fn lose(&mut self, stream: StreamName, length: usize) {
        self.last += 1;
        self.total[stream as usize] += length as u64;
        self.passed.dropped(self.last, self.total);
    }

    fn drop_oldest(&mut self) {
        while let Some(event) = self.tail.pop_front() {
            if matches!(event.what, Kept::Output(_)) {
                event.pieces().for_each(|(seq, passed, ..)| self.passed.dropped(seq, passed));
                break;
            }
            self.kept.push(event);
        }
        // So that an output, or nothing, stands first.
        while let Some(Event { what: Kept::Told(_), .. }) = self.tail.front() {
            self.kept.extend(self.tail.pop_front());
        }
    }

    fn push(&mut self, what: Kept) {
        self.last += 1;
        let event = Event { seq: self.last, before: self.total, what };
        let is_of_tail = match &event.what {
            Kept::Output(stretch) => stretch.place().is_of_tail(),
            Kept::Told(_) => !self.tail.is_empty(),
        };
        if is_of_tail {
            self.tail.push_back(event);
        } else if self.tail.is_empty() && self.kept.is_empty() {
            self.head.push(event);
        } else {
            self.kept.push(event);
        }
    }

    fn next(&mut self, cursor: &mut Cursor) -> Next {
        let next = self.after(cursor);
        self.read = self.read.max(cursor.seq.min(self.last));
        next
    }

    fn after(&self, cursor: &mut Cursor) -> Next {
        let Some(event) = self.find(cursor.seq) else {
            let gap = gap(self.total, cursor.passed);
            if self.last > cursor.seq {
                // The end of it all was not kept.
                *cursor = Cursor { seq: self.last, passed: self.total };
                return Next::Dropped { seq: self.last, bytes: gap };
            }
            return if self.is_ended { Next::End } else { Next::Wait };
        };
        if event.seq > cursor.seq + 1 {
            let bytes = gap(event.before, cursor.passed);
            *cursor = Cursor { seq: event.seq - 1, passed: event.before };
            return Next::Dropped { seq: event.seq - 1, bytes };
        }
        let (seq, before) = (cursor.seq + 1, event.up_to(cursor.seq));
        if let Kept::Told(what) = &event.what {
            *cursor = Cursor { seq, passed: before };
            return Next::Told { seq, what: Arc::clone(what) };
        }
        let found = event.pieces().find(|(number, ..)| *number == seq);
        let Some((_, passed, piece, place)) = found else { return Next::Wait };
        *cursor = Cursor { seq, passed };
        match self.spool.read(place) {
            Some(bytes) => Next::Output { seq, stream: piece.stream, bytes },
            None => Next::Dropped { seq, bytes: gap(passed, before) },
        }
    }

    /// The bytes up to an event and with it; where nobody knows of it, up to the last one before it that is known.
    fn passed_by(&self, seq: u64) -> Counts {
        let last = |events: &[Event]| events.partition_point(|event| event.seq <= seq).checked_sub(1);
        let in_tail = self.tail.partition_point(|event| event.seq <= seq).checked_sub(1);
        let found = [
            last(&self.head).and_then(|at| self.head.get(at)),
            last(&self.kept).and_then(|at| self.kept.get(at)),
            in_tail.and_then(|at| self.tail.get(at)),
        ];
        let kept = found.into_iter().flatten().map(|event| (seq.min(event.last()), event.up_to(seq)));
        let last = kept.chain(self.passed.by(seq)).max_by_key(|(seq, _)| *seq);
        last.map(|(_, counts)| counts).unwrap_or_default()
    }

    /// The first event after a number.
    fn find(&self, after: u64) -> Option<&Event> {
        let first = |events: &[Event]| events.partition_point(|event| event.last() <= after);
        let in_head = self.head.get(first(&self.head));
        let in_kept = || self.kept.get(first(&self.kept));
        let in_tail = || self.tail.get(self.tail.partition_point(|event| event.last() <= after));
        in_head.or_else(|| in_kept().into_iter().chain(in_tail()).min_by_key(|event| event.seq))
    }
}

fn gap(to: Counts, from: Counts) -> Truncated {
    Truncated::of(to[0].saturating_sub(from[0]), to[1].saturating_sub(from[1]))
}

#[cfg(test)]
mod tests;
