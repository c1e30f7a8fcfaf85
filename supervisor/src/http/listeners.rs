//! Where clients come in.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::net::{AddressFamily, SocketType, getsockname, sockopt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::bound::{Bound, bind};
use super::gate::Gate;
use super::impatient::PATIENCE;
use super::token::Token;
use super::{Doors, group};
use crate::error::Error;

/// Where clients come in, and which of them may.
pub(super) struct Listener {
    socket: Socket,
    gate: Arc<Gate>,
}

enum Socket {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// A client that came in.
pub(super) enum Accepted {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// All that was asked for, and what is to be removed in the end.
pub(super) fn all(doors: Doors) -> Result<(Vec<Bound>, Vec<Listener>), Error> {
    let Doors { socket, group, listen, anywhere, token, inherited, handed: _ } = doors;
    let group = group.as_deref().map(group::number).transpose()?;
    let (mut bound, mut listeners) = (Vec::new(), Vec::new());
    if let Some(path) = socket {
        let (removed, listener) = bind(&path, group)?;
        bound.push(removed);
        listeners.push(Listener::of_files(listener, group)?);
    }
    if let Some(address) = listen {
        let listener = std::net::TcpListener::bind(address)
            .map_err(|error| Error::System("listening on the address of `--listen`", error))?;
        listeners.push(Listener::of_network(listener, anywhere, token.as_deref())?);
    }
    for (socket, name) in inherited {
        listeners.push(adopt(socket, &name, group, anywhere, token.as_deref())?);
    }
    Ok((bound, listeners))
}

/// A socket that somebody else made.
fn adopt(
    socket: OwnedFd,
    name: &str,
    group: Option<u32>,
    anywhere: bool,
    token: Option<&Path>,
) -> Result<Listener, Error> {
    match listening_family(&socket, name)? {
        AddressFamily::UNIX => Listener::of_files(socket.into(), group),
        AddressFamily::INET | AddressFamily::INET6 => Listener::of_network(socket.into(), anywhere, token),
        _ => Err(wrong(name, "of a family that is not known")),
    }
}

/// What kind of address a socket that was handed in has; one that does not listen is an error.
pub(crate) fn listening_family(socket: &OwnedFd, name: &str) -> Result<AddressFamily, Error> {
    let kind = sockopt::socket_type(socket).map_err(|_| wrong(name, "no socket"))?;
    let listens = sockopt::socket_acceptconn(socket).unwrap_or(false);
    if kind != SocketType::STREAM || !listens {
        return Err(wrong(name, "no socket that listens for connections"));
    }
    let address = getsockname(socket).map_err(|_| wrong(name, "of no address"))?;
    Ok(address.address_family())
}

fn wrong(name: &str, what: &str) -> Error {
    Error::Request(format!("the descriptor `{name}` that was handed in is {what}"))
}

impl Listener {
    fn of_files(listener: std::os::unix::net::UnixListener, group: Option<u32>) -> Result<Self, Error> {
        listener.set_nonblocking(true).map_err(unusable)?;
        let socket = Socket::Unix(UnixListener::from_std(listener).map_err(unusable)?);
        Ok(Self { socket, gate: Arc::new(Gate::Peers { group }) })
    }

    fn of_network(
        listener: std::net::TcpListener,
        anywhere: bool,
        token: Option<&Path>,
    ) -> Result<Self, Error> {
        let address = listener.local_addr().map_err(unusable)?;
        let token = Token::read(token.ok_or_else(|| without_token(address))?)?;
        let is_loopback = address.ip().is_loopback();
        if !is_loopback && !anywhere {
            let why = format!("other hosts reach {address}; `--listen-anywhere` says that this is meant");
            return Err(Error::Request(why));
        }
        listener.set_nonblocking(true).map_err(unusable)?;
        crate::server::log(&format!("listening on {address}"));
        let socket = Socket::Tcp(TcpListener::from_std(listener).map_err(unusable)?);
        Ok(Self { socket, gate: Arc::new(Gate::Token { token, is_loopback }) })
    }

    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match &self.socket {
            Socket::Unix(listener) => Ok(Accepted::Unix(listener.accept().await?.0)),
            Socket::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                // A host that is no more acknowledges nothing, be it a comment among events.
                sockopt::set_tcp_user_timeout(&stream, PATIENCE.as_millis() as u32)?;
                Ok(Accepted::Tcp(stream))
            }
        }
    }

    pub(super) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }
}

fn without_token(address: SocketAddr) -> Error {
    Error::Request(format!("whoever reaches {address} could do everything: `--token-file` is wanted with it"))
}

fn unusable(error: io::Error) -> Error {
    Error::System("making a socket ready", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_gives_up_a_host_that_acknowledges_nothing() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let accepted = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let _client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("room");
            Listener { socket: Socket::Tcp(listener), gate: Arc::new(Gate::own()) }.accept().await
        });
        let Ok(Accepted::Tcp(stream)) = accepted else { panic!("no connection") };
        let timeout = sockopt::tcp_user_timeout(&stream).expect("an option");
        assert_eq!(u128::from(timeout), PATIENCE.as_millis());
    }
}
