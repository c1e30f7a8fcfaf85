//! Whom a command runs as on the host, where no user namespace makes it somebody else.

use rustix::io::Errno;
use rustix::process::{Gid, Uid, getgid, getgroups, getuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use crate::capabilities;
use crate::error::{AtStage as _, Failure, Stage};
use crate::spec::User;

/// Becomes the user, for good, and gives up every capability. What it returns is how far that went.
pub(crate) fn assume(user: User) -> Result<&'static str, Failure> {
    match user {
        User::Other { uid, gid } => {
            capabilities::close()?;
            become_other(uid, gid, &[])?;
            capabilities::give_up()?;
            Ok("all sets empty, securebits locked")
        }
        User::Caller if capabilities::can_close() => {
            capabilities::drop_all()?;
            Ok("all sets empty, securebits locked")
        }
        User::Caller => {
            capabilities::give_up()?;
            Ok("all sets empty but the bounding one, which no_new_privs makes void")
        }
    }
}

/// Groups, then group, then user: each needs what the next gives up. Capabilities may be left.
pub(crate) fn become_other(uid: u32, gid: u32, others: &[u32]) -> Result<(), Failure> {
    let (user, group) = (Uid::from_raw(uid), Gid::from_raw(gid));
    let mut others: Vec<Gid> = others.iter().map(|group| Gid::from_raw(*group)).collect();
    // As the kernel keeps them.
    others.sort_unstable_by_key(|group| group.as_raw());
    set_thread_groups(&others).at(Stage::IdMap, || format!("setgroups({others:?})"))?;
    set_thread_res_gid(group, group, group).at(Stage::IdMap, || format!("setresgid({gid})"))?;
    set_thread_res_uid(user, user, user).at(Stage::IdMap, || format!("setresuid({uid})"))?;
    // A command with the caller's ids must not begin, whatever the calls above said.
    let became = (getuid(), getgid(), getgroups().at(Stage::IdMap, || "getgroups()".into())?);
    if became == (user, group, others) {
        Ok(())
    } else {
        Err(Errno::PERM).at(Stage::IdMap, || format!("becoming {uid}:{gid}, and not {became:?}"))
    }
}
