//! Mounts one overlay: lower directories, and a layer that takes the changes.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{self as kernel, FsMountFlags, FsOpenFlags, MountAttrFlags};

use crate::attached::Attached;
use crate::mapped::MappedMounts;
use crate::memory::Memory;
use crate::spec::{Layer, Owners};

/// One overlay as a spec describes it.
pub(crate) struct Overlay<'a> {
    pub(crate) lower: &'a [PathBuf],
    pub(crate) layer: &'a Layer,
    /// A layer of whiteouts, above the last of the lower ones.
    pub(crate) veil: Option<BorrowedFd<'a>>,
    pub(crate) owners: Owners,
}

/// Where the directories of overlays come from.
pub(crate) trait Directories {
    /// Opens a directory of the host, showing its files as those of `owners`.
    fn open(&mut self, path: &Path, owners: Owners) -> io::Result<OwnedFd>;

    /// Makes upper and work directory of a layer in memory.
    fn in_memory(&mut self, name: &str, mode: u32) -> io::Result<(OwnedFd, OwnedFd)>;
}

/// The directories as they are while the root is being put together.
pub(crate) struct Sources<'a> {
    /// The root under construction.
    pub(crate) root: BorrowedFd<'a>,
    pub(crate) mapped: &'a mut MappedMounts,
    /// Takes the id-mapped clones, which stay attached until the root is entered.
    pub(crate) attached: &'a mut Vec<Attached>,
    pub(crate) memory: &'a Memory,
}

impl Directories for Sources<'_> {
    fn open(&mut self, path: &Path, owners: Owners) -> io::Result<OwnedFd> {
        if owners == Owners::Host {
            return directory(CWD, path);
        }
        let mount = Attached::new(self.root, self.mapped.take(path, owners)?)?;
        let top = directory(mount.top().as_fd(), Path::new("."));
        self.attached.push(mount);
        top
    }

    fn in_memory(&mut self, name: &str, mode: u32) -> io::Result<(OwnedFd, OwnedFd)> {
        let (upper, work) = self.memory.layer(name, mode)?;
        let open = |name: &str| directory(self.memory.top().as_fd(), Path::new(name));
        Ok((open(&upper)?, open(&work)?))
    }
}

/// Open directories that an overlay is made of.
///
/// They are named to the kernel as `/proc/self/fd/N`: no character in a path needs escaping, no
/// path is looked up twice, and no option grows too long.
pub(crate) struct Layers {
    lower: Vec<OwnedFd>,
    upper: OwnedFd,
    work: OwnedFd,
    /// Whether there is a disk that anything could wait for.
    on_disk: bool,
}

impl Layers {
    /// Opens the directories, through id-mapped mounts where the overlay's owners ask for them.
    pub(crate) fn open(overlay: &Overlay<'_>, directories: &mut impl Directories) -> io::Result<Self> {
        let owners = overlay.owners;
        let lower = overlay.lower.iter().map(|path| directories.open(path, owners));
        let mut lower = lower.collect::<io::Result<Vec<_>>>()?;
        let (upper, work) = match overlay.layer {
            Layer::Directories { upper, work } => {
                let parent = directories.open(parent_of(upper)?, owners)?;
                (directory(parent.as_fd(), name_of(upper)?)?, directory(parent.as_fd(), name_of(work)?)?)
            }
            Layer::Memory { name, mode } => directories.in_memory(name, *mode)?,
        };
        if let Some(veil) = overlay.veil {
            lower.insert(lower.len().saturating_sub(1), directory(veil, Path::new("."))?);
        }
        let on_disk = matches!(overlay.layer, Layer::Directories { .. });
        Ok(Self { lower, upper, work, on_disk })
    }

    /// Mounts the overlay, unattached. On disk it is `volatile`: nothing waits for that, and whoever
    /// wants its layer to outlive a power cut syncs it on purpose.
    pub(crate) fn mount(self, attributes: MountAttrFlags) -> io::Result<OwnedFd> {
        let context = match self.configure(Lower::OneByOne) {
            // Linux before 6.8 does not know `lowerdir+`.
            Err(Errno::INVAL) if self.lower.len() > 1 => among_descriptors(|| self.configure(Lower::Joined))?,
            configured => configured?,
        };
        Ok(kernel::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
    }

    fn configure(&self, names: Lower) -> Result<OwnedFd, Errno> {
        let context = kernel::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        match (self.lower.as_slice(), names) {
            ([only], _) => kernel::fsconfig_set_string(&context, "lowerdir", by_descriptor(only))?,
            (several, Lower::OneByOne) => several.iter().try_for_each(|lower| {
                kernel::fsconfig_set_string(&context, "lowerdir+", by_descriptor(lower))
            })?,
            (several, Lower::Joined) => {
                let numbers: Vec<_> = several.iter().map(|lower| lower.as_raw_fd().to_string()).collect();
                kernel::fsconfig_set_string(&context, "lowerdir", numbers.join(":"))?;
            }
        }
        kernel::fsconfig_set_string(&context, "upperdir", by_descriptor(&self.upper))?;
        kernel::fsconfig_set_string(&context, "workdir", by_descriptor(&self.work))?;
        kernel::fsconfig_set_flag(&context, "userxattr")?;
        if self.on_disk {
            kernel::fsconfig_set_flag(&context, "volatile")?;
        }
        kernel::fsconfig_create(&context)?;
        Ok(context)
    }
}

/// How the lower directories are named to the kernel.
#[derive(Clone, Copy)]
enum Lower {
    /// A parameter each.
    OneByOne,
    /// One parameter, which takes 255 bytes: as bare numbers, in the directory of all descriptors.
    Joined,
}

/// Acts with `/proc/self/fd` as the working directory.
fn among_descriptors<T>(act: impl FnOnce() -> Result<T, Errno>) -> io::Result<T> {
    let before = directory(CWD, Path::new("."))?;
    rustix::process::chdir("/proc/self/fd")?;
    let acted = act();
    rustix::process::fchdir(before)?;
    Ok(acted?)
}

fn directory(at: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(fs::openat(at, path, flags, Mode::empty())?)
}

fn parent_of(path: &Path) -> io::Result<&Path> {
    path.parent().ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

fn name_of(path: &Path) -> io::Result<&Path> {
    path.file_name().map(Path::new).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

fn by_descriptor(directory: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", directory.as_raw_fd())
}
