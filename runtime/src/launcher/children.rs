//! The launcher's children: those that it made, and the orphans that came to it because an init without a
//! namespace was killed. These end as well.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};

use crate::channel::{Channel, ExitStatus};
use crate::error::Failure;
use crate::family;
use crate::sys::wait4_all;

/// What a child is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An init without a namespace.
    Bare,
    /// One whose end is an end.
    Other,
}

#[derive(Default)]
pub(super) struct Children {
    known: BTreeMap<Pid, Kind>,
    orphans_left: bool,
    /// Who waits for which init to be gone, with its family.
    waiting: Vec<(Pid, Channel)>,
}

impl Children {
    pub(super) fn add(&mut self, pid: Pid, kind: Kind) {
        self.known.insert(pid, kind);
    }

    /// Whether [`Children::reap`] is to be called soon.
    pub(super) fn are_orphans_left(&self) -> bool {
        self.orphans_left
    }

    /// Answers as soon as nothing is left of that one.
    pub(super) fn bury(&mut self, init: Pid, answer: Channel) {
        self.waiting.push((init, answer));
        self.reap();
    }

    /// Takes notice of the dead, and kills the orphans that some of them leave.
    pub(super) fn reap(&mut self) {
        loop {
            match wait4_all() {
                Ok(Some((pid, status, _))) => self.has_ended(pid, status == ExitStatus::Code(0)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => break,
            }
        }
        if self.orphans_left {
            self.orphans_left = self.kill_orphans();
        }
        self.answer();
    }

    fn has_ended(&mut self, pid: Pid, in_order: bool) {
        // An init that ends in order has ended its family before.
        self.orphans_left |= self.known.remove(&pid) == Some(Kind::Bare) && !in_order;
    }

    /// Whether there were some. Who forks faster than it is found leaves an orphan each time, which is a child
    /// then.
    fn kill_orphans(&self) -> bool {
        let spared: BTreeSet<Pid> = self.known.keys().copied().collect();
        let orphans = family::descendants_but(getpid(), &spared);
        for orphan in &orphans {
            let _ = kill(*orphan, Signal::SIGKILL);
        }
        !orphans.is_empty()
    }

    fn answer(&mut self) {
        let (known, orphans_left) = (&self.known, self.orphans_left);
        let buried = |(init, _): &mut (Pid, Channel)| !orphans_left && !known.contains_key(init);
        for (_, answer) in self.waiting.extract_if(.., buried) {
            // Who asked may be gone.
            let _ = answer.send(&Ok::<(), Failure>(()), &[]);
        }
    }
}
