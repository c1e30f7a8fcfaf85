//! What a finished run leaves to be cleared, by a process that nobody waits for.

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use clearing_runtime::{Helper, Kept, launcher};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::error::Error;
use crate::place::Place;

/// A command that took less has not looked up enough to be worth a process.
const SHORT: Duration = Duration::from_millis(50);

/// What a run wrote, and the file systems whose end costs what was looked up in them.
pub(crate) struct Leftover {
    pub(crate) place: Place,
    pub(crate) kept: Kept,
}

impl Leftover {
    /// Gives the overlays up where that is quick: init, on its way out, is then the last in them, while
    /// the caller goes on.
    pub(crate) fn leave_to_init(kept: &mut Kept, place: &Place, elapsed: Duration) {
        if is_quick(place, elapsed) {
            kept.overlays.clear();
        }
    }

    /// Clears it all: at once where that is quick, else by a forked process, or by a thread where there is a launcher. What that
    /// leaves, should it be killed, the next command collects.
    pub(crate) fn clear(self, elapsed: Duration) -> Result<(), Error> {
        if launcher::process().is_some() {
            self.clear_in_a_thread();
            return Ok(());
        }
        let elsewhere = if is_quick(&self.place, elapsed) { None } else { self.clear_elsewhere() };
        if elsewhere.is_none() {
            self.remove()?;
        }
        drop(self);
        // Now that the mounts are closed here, the other process may be the last to close them.
        drop(elsewhere);
        Ok(())
    }

    /// In a process that goes on. A session is free at once.
    fn clear_in_a_thread(self) {
        let Self { place, kept } = self;
        let place = Some(place).filter(|place| !matches!(place, Place::Session(_)));
        // Without a thread it is all closed here, and the next command removes it.
        let _ = std::thread::Builder::new().name("leftover".into()).spawn(move || {
            let _ = place.as_ref().map(Place::discard);
            drop((place, kept));
        });
    }

    /// Forks; the work begins when what is returned is closed.
    fn clear_elsewhere(&self) -> Option<OwnedFd> {
        let (begin, hold) = pipe_with(PipeFlags::CLOEXEC).ok()?;
        let mounts = self.kept.overlays.iter().chain(&self.kept.memory).map(|mount| mount.as_fd());
        let directories = self.place.descriptors();
        let kept: Vec<_> = mounts.chain(directories).chain([begin.as_fd()]).collect();
        let forked = Helper::fork(&kept, || {
            let _ = rustix::io::read(&begin, &mut [0u8; 1]);
            let _ = self.remove();
        });
        forked.is_ok().then_some(hold)
    }

    fn remove(&self) -> Result<(), Error> {
        self.place.discard()
    }
}

/// Whether nobody has to wait long for it.
fn is_quick(place: &Place, elapsed: Duration) -> bool {
    !place.is_on_disk() && elapsed < SHORT
}
