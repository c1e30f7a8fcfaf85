//! Which ids a sandbox has, and who files on disk belong to inside.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use nix::unistd::{Gid, Pid, Uid, setgroups, setresgid, setresuid};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::error::{AtStage as _, Failure, Stage};
use crate::launcher;
use crate::spec::{Identity, SHIFTED_IDS};
use crate::sys::{Forked, clone3};

/// One line of a `uid_map`: `count` ids from `inside` on are those from `outside` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    inside: u32,
    outside: u32,
    count: u32,
}

/// Maps the one id of an ordinary caller, from inside its new user namespace.
/// <https://man7.org/linux/man-pages/man7/user_namespaces.7.html>
pub(crate) fn map_caller(uid: u32, gid: u32) -> Result<(), Failure> {
    let write = |file: &str, text: String| {
        fs::write(format!("/proc/self/{file}"), &text)
            .at(Stage::IdMap, || format!("write(/proc/self/{file}, {text:?})"))
    };
    write("setgroups", "deny".into())?;
    write("uid_map", format!("{uid} {uid} 1"))?;
    write("gid_map", format!("{gid} {gid} 1"))
}

/// Maps the shifted range for `child`, from outside its user namespace.
pub(crate) fn map_shifted(child: Pid, base: u32) -> Result<(), Failure> {
    let range = [Extent { inside: 0, outside: base, count: SHIFTED_IDS }];
    write_maps(child, &range, &range)
}

/// Becomes the command's user and group, with no other group. The pid keeps its capabilities in the
/// user namespace: only the owner of id 0 there loses them by such a change (`capabilities(7)`).
pub(crate) fn assume(uid: u32, gid: u32) -> Result<(), Failure> {
    let (user, group) = (Uid::from_raw(uid), Gid::from_raw(gid));
    setgroups(&[]).at(Stage::IdMap, || "setgroups([])".into())?;
    setresgid(group, group, group).at(Stage::IdMap, || format!("setresgid({gid})"))?;
    setresuid(user, user, user).at(Stage::IdMap, || format!("setresuid({uid})"))
}

/// User namespaces whose maps show an owner on disk as the command's own ids.
pub(crate) struct OwnerMaps {
    identity: Identity,
    namespaces: BTreeMap<(u32, u32), OwnedFd>,
}

impl OwnerMaps {
    pub(crate) fn new(identity: Identity) -> Self {
        Self { identity, namespaces: BTreeMap::new() }
    }

    /// The namespace for files of `uid` and `gid`; made on first use.
    pub(crate) fn of(&mut self, uid: u32, gid: u32) -> Result<BorrowedFd<'_>, Failure> {
        use std::collections::btree_map::Entry;
        let namespace: &OwnedFd = match self.namespaces.entry((uid, gid)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(match launcher::running() {
                Some(launcher) => launcher.owner_map(self.identity, uid, gid)?,
                None => owner_map(self.identity, uid, gid)?,
            }),
        };
        Ok(namespace.as_fd())
    }
}

/// Makes such a namespace by a clone of the calling process, which must have one thread.
pub(crate) fn owner_map(identity: Identity, uid: u32, gid: u32) -> Result<OwnedFd, Failure> {
    let Identity::Shifted { uid: inside_uid, gid: inside_gid, base } = identity else {
        return Err(io::Error::from_raw_os_error(libc::EINVAL))
            .at(Stage::IdMap, || "id-mapped mounts with the caller's own ids".into());
    };
    let (parent, ours) = pipe_with(PipeFlags::CLOEXEC).at(Stage::IdMap, || "pipe2(O_CLOEXEC)".into())?;
    let forked = clone3(libc::CLONE_NEWUSER as u64)
        .at(Stage::Clone, || "clone3(CLONE_NEWUSER) for an id map".into())?;
    let Forked::Parent { child, pidfd } = forked else {
        drop(ours);
        wait_for_the_end_of(&parent)
    };
    let namespace = write_maps(child, &swapped(uid, inside_uid, base), &swapped(gid, inside_gid, base))
        .and_then(|()| {
            fs::File::open(format!("/proc/{child}/ns/user"))
                .at(Stage::IdMap, || format!("open(/proc/{child}/ns/user)"))
        });
    let _ = rustix::process::pidfd_send_signal(&pidfd, rustix::process::Signal::KILL);
    let _ = nix::sys::wait::waitpid(child, None);
    Ok(namespace?.into())
}

/// The namespace lives on in a descriptor; its first process has nothing to do. A parent that is
/// killed hangs up, at whatever moment; a parent-death signal could be asked for too late.
fn wait_for_the_end_of(parent: &OwnedFd) -> ! {
    let _ = rustix::io::read(parent, &mut [0u8; 1]);
    crate::confine::exit(0)
}

fn write_maps(child: Pid, users: &[Extent], groups: &[Extent]) -> Result<(), Failure> {
    for (file, extents) in [("uid_map", users), ("gid_map", groups)] {
        let text = extents.iter().fold(String::new(), |mut text, extent| {
            let _ = writeln!(text, "{} {} {}", extent.inside, extent.outside, extent.count);
            text
        });
        fs::write(format!("/proc/{child}/{file}"), &text)
            .at(Stage::IdMap, || format!("write(/proc/{child}/{file}, {text:?})"))?;
    }
    Ok(())
}

/// The shifted range with `owner` and `inside` in each other's place: an owner on disk is the
/// command's own id inside, and every other owner is still told apart. An owner beyond the range
/// displaces the holder of `inside`, which is then unmapped.
fn swapped(owner: u32, inside: u32, base: u32) -> Vec<Extent> {
    let mut fixed = vec![(owner, inside)];
    if owner != inside && owner < SHIFTED_IDS {
        fixed.push((inside, owner));
    }
    let mut cuts: Vec<u32> = vec![owner.min(SHIFTED_IDS), inside, SHIFTED_IDS];
    cuts.sort_unstable();
    cuts.dedup();
    let mut extents: Vec<Extent> =
        fixed.iter().map(|&(disk, id)| Extent { inside: disk, outside: base + id, count: 1 }).collect();
    let mut start = 0;
    for cut in cuts {
        if cut > start {
            extents.push(Extent { inside: start, outside: base + start, count: cut - start });
        }
        start = cut + 1;
    }
    extents
}

#[cfg(test)]
mod tests {
    use super::{Extent, SHIFTED_IDS, swapped};

    fn lookup(extents: &[Extent], disk: u32) -> Option<u32> {
        let mut found = extents.iter().filter(|e| disk >= e.inside && disk - e.inside < e.count);
        let hit = found.next().map(|e| e.outside + (disk - e.inside));
        assert!(found.next().is_none(), "extents overlap at {disk}");
        hit
    }

    #[test]
    fn an_owner_on_disk_is_the_commands_own_id_and_no_two_share_one() {
        for (owner, inside) in [(0, 1000), (1000, 1000), (5, 0), (1000, 0), (65535, 1000), (70000, 1000)] {
            let extents = swapped(owner, inside, 500_000);
            assert_eq!(lookup(&extents, owner), Some(500_000 + inside));
            let mut seen: Vec<u32> = (0..SHIFTED_IDS)
                .chain([owner].into_iter().filter(|o| *o >= SHIFTED_IDS))
                .filter_map(|disk| lookup(&extents, disk))
                .collect();
            let total = seen.len();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), total, "{owner} {inside}");
            assert!(seen.iter().all(|id| (500_000..500_000 + SHIFTED_IDS).contains(id)));
        }
    }
}
