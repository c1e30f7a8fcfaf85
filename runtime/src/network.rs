//! The network of a sandbox that has none: loopback, so that servers under test work.

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::error::{AtStage as _, Failure, Stage};
use crate::sys::set_interface_up;

/// Brings up `lo` in the caller's network namespace.
pub(crate) fn bring_up_loopback() -> Result<(), Failure> {
    let control = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)
        .at(Stage::Network, || "socket(AF_INET, SOCK_DGRAM)".into())?;
    set_interface_up(&control, b"lo\0").at(Stage::Network, || "ioctl(SIOCSIFFLAGS, lo, IFF_UP)".into())
}
