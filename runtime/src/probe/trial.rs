//! Processes that try one thing and tell what came of it.

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use super::Answer;
use crate::channel::{Channel, Request};
use crate::confine::exit;
use crate::error::{AtStage as _, Failure, Stage};
use crate::idmap;
use crate::spec::Identity;
use crate::sys::{Forked, clone3};

/// Does `work` in a new user namespace with the ids of a sandbox, and in further new namespaces that
/// `flags` name.
pub(super) fn in_user_namespace(
    flags: libc::c_int,
    identity: Identity,
    work: impl FnOnce() -> Answer,
) -> Answer {
    let flags = (flags | libc::CLONE_NEWUSER) as u64;
    let give = |child: Pid, channel: &Channel| give_identity(identity, child, channel);
    in_child(flags, give, |parent| {
        take_identity(identity, parent)?;
        work()
    })
}

/// Does `work` in a fork: for what cannot be undone in the process that does it.
pub(super) fn in_fork(work: impl FnOnce() -> Answer) -> Answer {
    in_child(0, |_, _| Ok(()), |_| work())
}

/// What the flags of a clone are called.
pub(super) fn names(flags: u64) -> String {
    let named = NAMES.iter().filter(|(_, flag)| flags & *flag as u64 != 0);
    named.map(|(name, _)| *name).collect::<Vec<_>>().join(" | ")
}

/// The kinds of namespaces, the one that the others need first.
pub(super) const NAMES: [(&str, libc::c_int); 7] = [
    ("CLONE_NEWUSER", libc::CLONE_NEWUSER),
    ("CLONE_NEWNS", libc::CLONE_NEWNS),
    ("CLONE_NEWPID", libc::CLONE_NEWPID),
    ("CLONE_NEWNET", libc::CLONE_NEWNET),
    ("CLONE_NEWIPC", libc::CLONE_NEWIPC),
    ("CLONE_NEWUTS", libc::CLONE_NEWUTS),
    ("CLONE_NEWCGROUP", libc::CLONE_NEWCGROUP),
];

fn in_child(
    flags: u64,
    meanwhile: impl FnOnce(Pid, &Channel) -> Result<(), Failure>,
    work: impl FnOnce(&Channel) -> Answer,
) -> Answer {
    let (channel, parent) = Channel::pair().at(Stage::Channel, || "socketpair(AF_UNIX)".into())?;
    match clone3(flags).at(Stage::Clone, || format!("clone3({})", names(flags)))? {
        Forked::Child => {
            drop(channel);
            let answer = work(&parent);
            let _ = parent.send(&answer, &[]);
            exit(0)
        }
        Forked::Parent { child, .. } => {
            drop(parent);
            let answer = meanwhile(child, &channel).and_then(|()| answer_from(&channel));
            // A child that still waits for its ids sees the hang-up and ends.
            drop(channel);
            let _ = waitpid(child, None);
            answer
        }
    }
}

fn answer_from(child: &Channel) -> Answer {
    let answer = child.receive::<Answer>().at(Stage::Channel, || "receive(the probe's answer)".into())?;
    answer.map_or_else(|| Err(silence()), |(answer, _)| answer)
}

/// The failure of a process that ended without a word.
pub(super) fn silence() -> Failure {
    Failure { stage: Stage::Channel, action: "the probe ended without an answer".into(), errno: libc::EPIPE }
}

fn give_identity(identity: Identity, child: Pid, channel: &Channel) -> Result<(), Failure> {
    match identity {
        Identity::Caller { .. } => Ok(()),
        Identity::Shifted { base, .. } => {
            idmap::map_shifted(child, base)?;
            channel.send(&Request::MapsWritten, &[]).at(Stage::Channel, || "send(MapsWritten)".into())
        }
    }
}

fn take_identity(identity: Identity, parent: &Channel) -> Result<(), Failure> {
    match identity {
        Identity::Caller { uid, gid } => idmap::map_caller(uid, gid)?,
        Identity::Shifted { uid, gid, .. } => {
            match parent.receive().at(Stage::Channel, || "receive(MapsWritten)".into())? {
                Some((Request::MapsWritten, _)) => idmap::assume(uid, gid)?,
                _ => exit(125),
            }
        }
    }
    // A change of ids resets it, so it comes after.
    prctl::set_pdeathsig(Signal::SIGKILL).at(Stage::Init, || "prctl(PR_SET_PDEATHSIG, SIGKILL)".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::namespaces::all_flags;

    #[test]
    fn every_namespace_of_a_sandbox_has_its_name() {
        let named = NAMES.iter().fold(0, |flags, (_, flag)| flags | *flag as u64);
        assert_eq!(named, all_flags().bits() as u64);
        let two = (libc::CLONE_NEWUSER | libc::CLONE_NEWNET) as u64;
        assert_eq!(names(two), "CLONE_NEWUSER | CLONE_NEWNET");
    }
}
