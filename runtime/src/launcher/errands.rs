//! The launcher at work: takes errands, one after the other, and reaps. Each takes well below a millisecond;
//! what takes longer is done by a process of its own.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::SignalFd;
use nix::unistd::{Pid, getppid};
use rustix::process::DumpableBehavior;
use serde::Serialize;

use super::children::{Children, Kind};
use super::errand::Errand;
use super::leave;
use crate::birth::{Born, bear};
use crate::channel::Channel;
use crate::error::{AtStage as _, Failure, Stage};
use crate::helper::{fork_helper, stand_alone, work_with};
use crate::init::WAKE;
use crate::probe::Trial;
use crate::spec::Birth;
use crate::sys::{reset_signal_dispositions, trim_heap, wipe_environment_but};
use crate::{cgroup, descriptors, helper, idmap};

/// How soon those are looked for again that somebody killed left.
const AGAIN: u16 = 1;

/// What asks systemd for a scope needs to find it.
const KEPT: [&[u8]; 2] = [b"XDG_RUNTIME_DIR", b"DBUS_SESSION_BUS_ADDRESS"];

struct Work {
    supervisor: Channel,
    deaths: SignalFd,
    children: Children,
}

/// The life of the launcher, in the process that has just been forked.
pub(super) fn run(supervisor: Channel, parent: Pid) -> ! {
    let deaths = begin(&supervisor, parent);
    let told = deaths.as_ref().map(|_| ());
    if supervisor.send(&told, &[]).is_ok()
        && let Ok(deaths) = deaths
    {
        Work { supervisor, deaths, children: Children::default() }.serve();
    }
    leave()
}

/// Leaves the supervisor's life: its signals, terminal, descriptors, environment and place.
fn begin(supervisor: &Channel, parent: Pid) -> Result<SignalFd, Failure> {
    reset_signal_dispositions();
    stand_alone().at(Stage::Launcher, || "setsid()".into())?;
    descriptors::close_all_but([supervisor.as_fd()].into_iter())?;
    nix::unistd::chdir("/").at(Stage::Launcher, || "chdir(\"/\")".into())?;
    prctl::set_pdeathsig(Signal::SIGKILL)
        .at(Stage::Launcher, || "prctl(PR_SET_PDEATHSIG, SIGKILL)".into())?;
    if getppid() != parent {
        leave();
    }
    prctl::set_name(c"clearing-launch").at(Stage::Launcher, || "prctl(PR_SET_NAME)".into())?;
    wipe_environment_but(&KEPT);
    set_readable(DumpableBehavior::NotDumpable)?;
    trim_heap();
    SignalFd::with_flags(&SigSet::from(Signal::SIGCHLD), WAKE)
        .at(Stage::Launcher, || "signalfd(SIGCHLD)".into())
}

/// A process that is not dumpable cannot write its own id map (`proc(5)`), and init is born with what the
/// launcher has.
fn set_readable(behavior: DumpableBehavior) -> Result<(), Failure> {
    rustix::process::set_dumpable_behavior(behavior).at(Stage::Launcher, || "prctl(PR_SET_DUMPABLE)".into())
}

impl Work {
    /// Serves until the supervisor hangs up; every init ends with its parent.
    fn serve(mut self) {
        loop {
            let again = if self.children.are_orphans_left() { AGAIN.into() } else { PollTimeout::NONE };
            let Some((asked, died)) = self.wait(again) else { return };
            if died || self.children.are_orphans_left() {
                while let Ok(Some(_)) = self.deaths.read_signal() {}
                self.children.reap();
            }
            if asked && !self.run_errand() {
                return;
            }
        }
    }

    fn wait(&self, again: PollTimeout) -> Option<(bool, bool)> {
        let mut polled =
            [self.supervisor.as_fd(), self.deaths.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        match poll(&mut polled, again) {
            Ok(_) => {
                let [asked, died] = polled.map(|fd| fd.any().unwrap_or(true));
                Some((asked, died))
            }
            Err(Errno::EINTR) => Some((false, false)),
            Err(_) => None,
        }
    }

    /// False when the supervisor has hung up or cannot be understood.
    fn run_errand(&mut self) -> bool {
        let Ok(Some((errand, descriptors))) = self.supervisor.receive::<Errand>() else { return false };
        let mut descriptors = descriptors.into_iter();
        let Some(answer) = descriptors.next().map(Channel::of) else { return false };
        let handed: Vec<OwnedFd> = descriptors.collect();
        match errand {
            Errand::Launch(birth) => {
                let kind = match birth {
                    Birth::Namespaces(_) => Kind::Other,
                    Birth::Bare(_) => Kind::Bare,
                };
                self.tell_born(&answer, kind, launch(&birth, handed));
            }
            Errand::OwnerMap { identity, uid, gid } => {
                let map = readable(|| idmap::owner_map(identity, uid, gid));
                tell(&answer, map.as_ref().map(|_| ()), map.iter().map(|fd| fd.as_fd()));
            }
            Errand::Sweep(sweeping) => {
                self.help(&answer, handed, |handed| cgroup::sweep_away(sweeping, handed))
            }
            Errand::Work { number, words } => {
                self.help(&answer, handed, |handed| helper::work(number, &words, handed));
            }
            Errand::Try(trial) => self.try_out(&answer, &trial),
            Errand::Bury(init) => self.children.bury(Pid::from_raw(init), answer),
        }
        true
    }

    fn help(&mut self, answer: &Channel, handed: Vec<OwnedFd>, work: impl FnOnce(Vec<OwnedFd>)) {
        let forked = fork_helper(|| work_with(handed, work)).at(Stage::Clone, || "fork()".into());
        self.tell_born(answer, Kind::Other, forked);
    }

    /// The process that tries things has one thread, as who probes without a launcher.
    fn try_out(&mut self, answer: &Channel, trial: &Trial) {
        let forked = readable(|| {
            let helper = fork_helper(|| {
                if descriptors::close_all_but([answer.as_fd()].into_iter()).is_ok() {
                    trial.make(answer);
                }
            });
            helper.at(Stage::Clone, || "fork()".into())
        });
        match forked {
            Ok(born) => self.children.add(born.pid, Kind::Other),
            Err(failure) => tell::<()>(answer, Err(&failure), std::iter::empty()),
        }
    }

    fn tell_born(&mut self, answer: &Channel, kind: Kind, born: Result<Born, Failure>) {
        if let Ok(born) = &born {
            self.children.add(born.pid, kind);
        }
        let pid = born.as_ref().map(|born| born.pid.as_raw());
        tell(answer, pid, born.iter().map(|born| born.pidfd.as_fd()));
    }
}

fn launch(birth: &Birth, handed: Vec<OwnedFd>) -> Result<Born, Failure> {
    let mut handed = handed.into_iter();
    let supervisor = handed.next().map(Channel::of);
    let supervisor = supervisor.ok_or(Errno::EBADF).at(Stage::Launcher, || "an init's channel".into())?;
    let group = handed.next();
    readable(|| bear(birth, supervisor, group.as_ref().map(|group| group.as_fd()), None))
}

/// Clones while this process is dumpable.
fn readable<T>(clone: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    set_readable(DumpableBehavior::Dumpable)?;
    let cloned = clone();
    set_readable(DumpableBehavior::NotDumpable)?;
    cloned
}

/// Who asked may be gone.
fn tell<'fd, T: Serialize>(
    answer: &Channel,
    told: Result<T, &Failure>,
    descriptors: impl Iterator<Item = BorrowedFd<'fd>>,
) {
    let descriptors: Vec<BorrowedFd<'_>> = descriptors.collect();
    let _ = answer.send(&told, &descriptors);
}
