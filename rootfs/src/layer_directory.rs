//! Making the two directories that an overlay writes to.

use std::ffi::OsStr;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, Gid, Mode, RenameFlags, Uid, chmodat, chownat, mkdirat, renameat, renameat_with, statat,
};
use rustix::io::Errno;

use crate::remove::remove_tree;

/// Ends the name of what an overlay writes to.
pub(crate) const UPPER: &str = ".upper";
/// Ends the name of an overlay's work directory.
pub(crate) const WORK: &str = ".work";

/// Ends the name of where work directories are put that an overlay goes on with.
const ASIDE: &str = ".aside";

/// The top of a layer, which is what the command sees as the attributes of the directory below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerTop {
    /// The permission bits. Leave set-group-id out where the group is not mapped: nothing could be made there.
    pub mode: u32,
    /// User and group that it is given to, by a caller who is root.
    pub owner: Option<(u32, u32)>,
}

/// The two directories that an overlay writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerDirectories {
    /// What the command wrote.
    pub upper: PathBuf,
    /// Overlay's own, empty and never used twice.
    pub work: PathBuf,
}

/// A directory in which layers are made, and its path.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) directory: BorrowedFd<'a>,
    pub(crate) path: &'a Path,
}

impl Place<'_> {
    /// Makes upper and work directory of the layer `name`, a plain file name which is new here.
    pub(crate) fn make_layer(self, name: &str, top: Option<LayerTop>) -> Result<LayerDirectories, Errno> {
        let directories = self.directories(name);
        self.make(&format!("{name}{UPPER}"), top)?;
        self.make_work(name, top)?;
        Ok(directories)
    }

    /// Makes what is missing of the layer `name`. Its work directory is made anew: an overlay that was
    /// mounted `volatile` cannot be mounted with the same one again.
    pub(crate) fn renew_layer(self, name: &str, top: Option<LayerTop>) -> Result<LayerDirectories, Errno> {
        self.remove_work(name)?;
        self.go_on_with_layer(name, top)
    }

    /// Removes the work directories of the layer `name`, if there are any.
    pub(crate) fn remove_work(self, name: &str) -> Result<(), Errno> {
        for work in [format!("{name}{WORK}"), format!("{name}{ASIDE}{WORK}")] {
            let work = std::ffi::CString::new(work).map_err(|_| Errno::INVAL)?;
            let removed = remove_tree(self.directory, &work);
            removed.map_err(|error| Errno::from_io_error(&error.source).unwrap_or(Errno::IO))?;
        }
        Ok(())
    }

    /// Moves the work directory of the layer `name` out of the way, if there is one: the overlay that has it
    /// goes on with it.
    pub(crate) fn set_work_aside(self, name: &str) -> Result<(), Errno> {
        let (work, aside) = (format!("{name}{WORK}"), format!("{name}{ASIDE}{WORK}"));
        match statat(self.directory, &work, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(()),
            found => found?,
        };
        match mkdirat(self.directory, &aside, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno),
        }
        let free = |number: u64| {
            let place = format!("{aside}/{number}");
            renameat_with(self.directory, &work, self.directory, place, RenameFlags::NOREPLACE)
        };
        let moved = (0..).map(free).find(|moved| *moved != Err(Errno::EXIST));
        moved.unwrap_or(Err(Errno::EXIST))
    }

    /// Makes what is missing of the layer `name`, of which no work directory is in the way.
    pub(crate) fn go_on_with_layer(
        self,
        name: &str,
        top: Option<LayerTop>,
    ) -> Result<LayerDirectories, Errno> {
        match self.make(&format!("{name}{UPPER}"), top) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno),
        }
        self.make_work(name, top)?;
        Ok(self.directories(name))
    }

    /// Takes the empty layer `name` to another directory, for the overlay that goes on with it.
    pub(crate) fn carry_layer(self, name: &str, to: BorrowedFd<'_>) -> Result<(), Errno> {
        for kind in [UPPER, WORK] {
            let name = format!("{name}{kind}");
            renameat(self.directory, &name, to, &name)?;
        }
        Ok(())
    }

    pub(crate) fn directories(self, name: &str) -> LayerDirectories {
        LayerDirectories {
            upper: self.path.join(format!("{name}{UPPER}")),
            work: self.path.join(format!("{name}{WORK}")),
        }
    }

    fn make_work(self, name: &str, top: Option<LayerTop>) -> Result<(), Errno> {
        let private = top.map(|top| LayerTop { mode: 0o700, ..top });
        self.make(&format!("{name}{WORK}"), private.filter(|top| top.owner.is_some()))
    }

    pub(crate) fn make(self, name: &str, top: Option<LayerTop>) -> Result<(), Errno> {
        mkdirat(self.directory, name, Mode::RWXU)?;
        let Some(top) = top else { return Ok(()) };
        if let Some((uid, gid)) = top.owner {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            chownat(self.directory, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        // Set apart from mkdir, whose mode the umask cuts down.
        let mode = Mode::from_raw_mode(top.mode);
        if mode == Mode::RWXU { Ok(()) } else { chmodat(self.directory, name, mode, AtFlags::empty()) }
    }
}

/// The layer's name, if this is the name of an overlay's work directory.
pub(crate) fn layer_of_work(name: &[u8]) -> Option<&OsStr> {
    name.strip_suffix(WORK.as_bytes()).map(OsStr::from_bytes)
}

/// The layer's name, if this is the name of what an overlay writes to.
pub(crate) fn layer_of_upper(name: &[u8]) -> Option<&OsStr> {
    name.strip_suffix(UPPER.as_bytes()).map(OsStr::from_bytes)
}
