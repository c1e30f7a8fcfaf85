//! A descriptor that becomes readable when a group has come to a limit.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::group::Node;
use super::{Kind, Version, files};

/// The files of one group that the kernel tells about, behind one descriptor.
#[derive(Debug)]
pub(super) struct Alarm {
    all: Epoll,
    polled: Vec<OwnedFd>,
    /// Version 1 tells of missing memory through one of these.
    told: Option<EventFd>,
}

impl Alarm {
    /// None where the kernel tells nothing: without controllers there are no such files. Where `init` has a leaf, it may
    /// be told there of forks that the whole group's limit refused.
    pub(super) fn open(version: Version, nodes: &[Node], init: Option<&OwnedFd>) -> io::Result<Option<Self>> {
        let mut alarm =
            Self { all: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?, polled: Vec::new(), told: None };
        let of = |kind| nodes.iter().find(|node| node.has(kind));
        for (kind, name) in [(Kind::Processes, "pids.events"), (Kind::Memory, "memory.events")] {
            if let Some(node) = of(kind) {
                unless_absent(alarm.poll(&node.directory, name))?;
            }
        }
        init.map_or(Ok(()), |init| unless_absent(alarm.poll(init, "pids.events")))?;
        if let (Some(node), Version::V1) = (of(Kind::Memory), version) {
            unless_absent(alarm.listen(node))?;
        }
        Ok((alarm.told.is_some() || !alarm.polled.is_empty()).then_some(alarm))
    }

    /// The kernel answers `POLLPRI` once the file has changed since it was last read.
    fn poll(&mut self, directory: &OwnedFd, name: &str) -> io::Result<()> {
        let file = files::open(directory, name)?;
        files::read_again(&file)?;
        self.all.add(&file, EpollEvent::new(EpollFlags::EPOLLPRI, 0))?;
        self.polled.push(file);
        Ok(())
    }

    /// <https://docs.kernel.org/admin-guide/cgroup-v1/memory.html> (section 10, OOM control)
    fn listen(&mut self, node: &Node) -> io::Result<()> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let told = EventFd::from_value_and_flags(0, flags)?;
        let control = files::open(&node.directory, "memory.oom_control")?;
        let words = format!("{} {}", told.as_fd().as_raw_fd(), control.as_raw_fd());
        files::write(&node.directory, "cgroup.event_control", &words)?;
        self.all.add(&told, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
        self.told = Some(told);
        Ok(())
    }

    /// Is quiet again until the next event.
    pub(super) fn rearm(&self) {
        for file in &self.polled {
            // Should it fail, the alarm rings again at once, and no event is lost.
            let _ = files::read_again(file);
        }
        // `EAGAIN` where nothing was told.
        let _ = self.told.as_ref().map(EventFd::read);
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.all.0.as_fd()
    }
}

fn unless_absent(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}
