//! The server's socket, on which the command line finds the session that it holds.

use std::io::Write as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{Dir, Mode, OFlags, chmod, mkdir, open, unlink};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::Server;
use super::connection::Connection;
use super::descriptors::{Taker, promise};
use super::outbox::Outbox;
use super::stdio::spawn;
use crate::error::Error;
use crate::http::PATIENCE;
use crate::peer::is_of_same_user;
use crate::protocol::{Answer, Fault};

/// A socket that is removed with this.
pub(super) struct Listening(PathBuf);

/// So often it is looked whether a client takes what was written.
const GLANCE: Duration = Duration::from_secs(1);
/// Below the state directory.
const DIRECTORY: &str = "servers";

/// Where the server of this process id listens.
fn path_of(state: &Path, pid: u32) -> PathBuf {
    state.join(DIRECTORY).join(format!("{pid}.sock"))
}

/// Listens for clients of the same user.
pub(super) fn listen(server: &Arc<Server>) -> Result<Listening, Error> {
    let failed = |error: std::io::Error| Error::System("listening on the server's socket", error);
    let directory = server.state.join(DIRECTORY);
    match mkdir(&directory, Mode::RWXU) {
        Err(errno) if errno != Errno::EXIST => return Err(failed(errno.into())),
        _ => {}
    }
    collect(&directory);
    let path = path_of(&server.state, std::process::id());
    // Of a server that was killed and had our number.
    let _ = unlink(&path);
    let listener = UnixListener::bind(&path).map_err(failed)?;
    let listening = Listening(path.clone());
    chmod(&path, Mode::RUSR | Mode::WUSR).map_err(|errno| failed(errno.into()))?;
    clearing_rootfs::listens_at(&path);
    let server = Arc::clone(server);
    spawn("socket", move || accept(&server, &listener))?;
    Ok(listening)
}

/// Removes the sockets of servers that were killed: nobody listens there, and nobody has their number.
fn collect(directory: &Path) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let entries = open(directory, flags, Mode::empty()).and_then(Dir::read_from);
    for entry in entries.into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy();
        let number = name.strip_suffix(".sock").and_then(|number| number.parse().ok());
        let is_dead = |pid| test_kill_process(pid) == Err(Errno::SRCH);
        let path = directory.join(&*name);
        if number.and_then(Pid::from_raw).is_some_and(is_dead) && UnixStream::connect(&path).is_err() {
            let _ = unlink(&path);
        }
    }
}

fn accept(server: &Arc<Server>, listener: &UnixListener) {
    for client in listener.incoming() {
        // Out of descriptors, perhaps: there will be some again.
        let Ok(client) = client else {
            std::thread::sleep(std::time::Duration::from_millis(10));
            continue;
        };
        if is_of_same_user(&client) {
            let promised = promise(Taker::Client).map_err(|fault| refuse(&client, fault));
            if let Err(fault) = promised.and_then(|_promised| Ok(begin(server, client)?)) {
                super::log(&fault.message);
            }
        }
    }
}

/// It hears why before it has asked for anything.
fn refuse(mut client: &UnixStream, fault: Fault) -> Fault {
    // A new connection has room for it.
    let _ = client.write_all(&Answer::<()>::line(None, Err(&fault)));
    fault
}

fn begin(server: &Arc<Server>, client: UnixStream) -> Result<(), Error> {
    let output = client.try_clone().map_err(|error| Error::System("dup of a client's socket", error))?;
    client
        .set_write_timeout(Some(GLANCE))
        .map_err(|error| Error::System("setsockopt(SO_SNDTIMEO)", error))?;
    let connection = Connection::new(server, Outbox::impatient(output.into(), PATIENCE));
    let (writing, reading) = (Arc::clone(&connection), Arc::clone(&connection));
    let begun = spawn("client", move || writing.write()).and_then(|()| {
        spawn("client", move || {
            reading.read(client);
            reading.end();
            reading.outbox.finish();
            // One that has only ended what it asks for reads on.
            reading.outbox.await_end();
            reading.close();
        })
    });
    if begun.is_err() {
        // Nobody reads what it asks: the one who would write to it ends, and it hears the end.
        connection.close();
    }
    begun
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = unlink(&self.0);
    }
}
