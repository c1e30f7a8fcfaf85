//! Listening sockets of the host, which count who comes.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Site;

/// How long nothing has to come for nobody to have come.
const MOMENT: Duration = Duration::from_millis(100);

/// A Unix socket with a path in the file system.
pub struct PathSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl PathSocket {
    /// Listens at `path`, which the caller may connect to; the file goes with the site.
    pub fn listen(site: &Site, path: &Path) -> Self {
        let listener =
            UnixListener::bind(path).unwrap_or_else(|error| panic!("bind {}: {error}", path.display()));
        listener.set_nonblocking(true).expect("a socket can be non-blocking");
        site.own(path);
        Self { listener, path: path.to_owned() }
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether somebody connected since the last call.
    pub fn was_reached(&self) -> bool {
        happened(|| self.listener.accept())
    }
}

/// A Unix socket with a name in the network namespace alone.
pub struct AbstractSocket {
    listener: UnixListener,
    name: String,
}

impl AbstractSocket {
    /// Listens under a name of its own.
    pub fn listen() -> Self {
        let name = super::secret();
        let address = UnixAddr::from_abstract_name(&name).expect("a short name");
        let listener = UnixListener::bind_addr(&address).expect("a name that nobody has");
        listener.set_nonblocking(true).expect("a socket can be non-blocking");
        Self { listener, name }
    }

    /// Its name, without the leading zero byte.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether somebody connected since the last call.
    pub fn was_reached(&self) -> bool {
        happened(|| self.listener.accept())
    }
}

/// A TCP listener of the host's.
pub struct TcpPort {
    listener: TcpListener,
}

impl TcpPort {
    /// Listens at a free port of `host`: `127.0.0.1`, `::1`.
    pub fn listen(host: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind((host, 0))?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("a bound socket has an address")
    }

    /// Whether somebody connected since the last call.
    pub fn was_reached(&self) -> bool {
        happened(|| self.listener.accept())
    }
}

/// A UDP socket of the host's.
pub struct UdpPort {
    socket: UdpSocket,
}

impl UdpPort {
    /// Listens at a free port of `host`: `127.0.0.1`, `::1`.
    pub fn listen(host: &str) -> std::io::Result<Self> {
        let socket = UdpSocket::bind((host, 0))?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("a bound socket has an address")
    }

    /// Whether a datagram came since the last call.
    pub fn was_reached(&self) -> bool {
        happened(|| self.socket.recv_from(&mut [0; 1]))
    }
}

/// Whether it happens now, or soon: what is sent over loopback may arrive a moment later.
fn happened<T>(event: impl Fn() -> std::io::Result<T>) -> bool {
    let until = Instant::now() + MOMENT;
    loop {
        match event() {
            Ok(_) => return true,
            Err(error) if error.kind() != ErrorKind::WouldBlock => panic!("a decoy's socket: {error}"),
            Err(_) if Instant::now() >= until => return false,
            Err(_) => sleep(Duration::from_millis(1)),
        }
    }
}
