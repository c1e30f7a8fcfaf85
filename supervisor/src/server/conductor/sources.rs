//! What a command says, read as it comes by the conductor, and once more to the end of it by whoever concludes how it
//! ended: so that the outcome tells of all that was left out.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use crate::live::Reader;
use crate::protocol::StreamName;
use crate::relay::Truncated;
use crate::server::store::{Store, Told};
use crate::watch::Output;

/// The outputs of a command that are not at their end.
pub(super) struct Sources {
    store: Arc<Store>,
    inner: Mutex<Inner>,
}

struct Inner {
    open: Vec<Source>,
    /// It is known to have started: by the sandbox's word, or by its own, if that comes first.
    is_started: bool,
    /// How much it may say.
    limit: Option<u64>,
    passed: Output,
}

/// One of them.
pub(super) struct Source {
    pub(super) from: Arc<OwnedFd>,
    pub(super) stream: StreamName,
}

/// As much as a pipe holds, unless somebody has made it hold more.
const CHUNK: usize = 64 * 1024;
/// So often a source is read to its end: as much as anybody may have a pipe hold.
const ALL: usize = 64;

impl Sources {
    pub(super) fn new(store: &Arc<Store>, open: Vec<Source>) -> Arc<Self> {
        let inner = Inner { open, is_started: false, limit: None, passed: Output::default() };
        Arc::new(Self { store: Arc::clone(store), inner: Mutex::new(inner) })
    }

    /// No more than so much of it is handed on.
    pub(super) fn limit(&self, limit: Option<u64>) {
        self.lock().limit = limit;
    }

    /// What comes from now on is left out.
    pub(super) fn hand_on_no_more(&self) {
        let mut inner = self.lock();
        inner.limit = Some(inner.passed.handed_on);
    }

    /// What to poll for, in the order in which [`Sources::read`] counts them.
    pub(super) fn open(&self) -> Vec<Arc<OwnedFd>> {
        self.lock().open.iter().map(|source| Arc::clone(&source.from)).collect()
    }

    pub(super) fn are_at_their_end(&self) -> bool {
        self.lock().open.is_empty()
    }

    /// Reads one so often, and forgets it at its end.
    pub(super) fn read(&self, at: usize, turns: usize) {
        self.lock().read(at, turns, &self.store);
    }

    /// Reads all so often.
    pub(super) fn read_each(&self, turns: usize) {
        let mut inner = self.lock();
        // The last first, so that the places of the others stay.
        (0..inner.open.len()).rev().for_each(|at| inner.read(at, turns, &self.store));
    }

    /// Nothing of it will be read any more.
    pub(super) fn close(&self) {
        self.lock().open.clear();
    }

    /// How much has been said, and how much of it was left out.
    pub(super) fn passed(&self) -> Output {
        self.lock().passed
    }

    /// Notes that it has started; false if that is known.
    pub(super) fn note_start(&self) -> bool {
        self.lock().note_start(&self.store)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader for Sources {
    fn attach(&self, terminal: &Arc<OwnedFd>) {
        // Of a terminal that will not be read in turn nothing is read at all.
        if rustix::io::ioctl_fionbio(terminal, true).is_ok() {
            self.lock().open.push(Source { from: Arc::clone(terminal), stream: StreamName::Stdout });
        }
    }

    fn read_out(&self) -> Output {
        self.read_each(ALL);
        self.passed()
    }
}

impl Inner {
    fn read(&mut self, at: usize, turns: usize, store: &Store) {
        let Some(Source { from, stream }) = self.open.get(at) else { return };
        let (from, stream) = (Arc::clone(from), *stream);
        // Not filled with zeros for each of many reads, and not on the stack, where every session would keep it.
        let mut buffer = Box::<[u8]>::new_uninit_slice(CHUNK);
        for _ in 0..turns {
            match rustix::io::read(&from, &mut *buffer) {
                Ok((read, _)) if !read.is_empty() => self.hand_on(stream, read, store),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                // At its end, or a terminal that nobody has open any more.
                Ok(_) | Err(_) => return drop(self.open.remove(at)),
            }
        }
    }

    fn hand_on(&mut self, stream: StreamName, read: &[u8], store: &Store) {
        let room = self.limit.map_or(u64::MAX, |limit| limit - self.passed.handed_on);
        let passing = read.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        self.note_start(store);
        store.output(stream, &read[..passing]);
        self.passed.handed_on += passing as u64;
        let cut = (read.len() - passing) as u64;
        let cut = match stream {
            StreamName::Stdout => Truncated::of(cut, 0),
            StreamName::Stderr => Truncated::of(0, cut),
        };
        self.passed.truncated = self.passed.truncated.and(cut);
    }

    fn note_start(&mut self, store: &Store) -> bool {
        let is_new = !std::mem::replace(&mut self.is_started, true);
        if is_new {
            store.note(Told::Started);
        }
        is_new
    }
}
