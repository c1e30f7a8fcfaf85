//! `clearing serve`: holds sessions for other programs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::talk::failed;
use crate::error::Error;
use crate::host::umask;
use crate::http::{self, Doors};
use crate::server::{
    Begun, MAX_SESSIONS, MAX_SPOOL, OnEof, Options, Service, serve_each_user, serve_stdio, take_front,
};
use crate::signals::survive_file_limits;

/// Holds sessions with their sandboxes for other programs, which ask by JSON-RPC, one object a line, or by HTTP.
///
/// With `--stdio` standard output is for answers alone, and the server ends with standard input; standard error is a
/// log. Sockets that systemd hands in are listened on as `--socket` is. On SIGTERM or SIGINT every sandbox ends;
/// sessions that were not destroyed stay on disk, for `clearing diff` and the like.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
        \x20 echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{}}' | clearing serve --stdio\n\
        \x20 clearing serve --stdio --socket serve.sock < /dev/null")]
pub(super) struct Arguments {
    /// Talk on standard input and output.
    #[arg(long)]
    stdio: bool,
    /// Serve HTTP on a socket that is made there.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Let its members use the socket too.
    ///
    /// Else it is for your own user alone. Whoever comes in may do all that you may do there.
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Serve HTTP there, to who knows the token.
    #[arg(long, value_name = "IP:PORT", requires = "token_file")]
    listen: Option<SocketAddr>,
    /// Other hosts may reach that address.
    #[arg(long, requires = "listen")]
    listen_anywhere: bool,
    /// Holds the token; a file of mode 600.
    ///
    /// Clients send it as `Authorization: Bearer`.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Serve each user by a server of their own.
    ///
    /// For a service that systemd runs on a socket, with the capabilities to become other users and no other one.
    #[arg(long, conflicts_with_all = ["stdio", "socket", "group", "listen"])]
    each_user: bool,
    /// End an idle one of these after so long.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s", requires = "each_user")]
    rest: Duration,
    /// Standard input is where `--each-user` hands connections over.
    #[arg(long, hide = true, conflicts_with_all = ["stdio", "socket", "group", "listen", "each_user"])]
    handed: bool,
    /// What becomes of commands without a client.
    ///
    /// Where nobody reads their output either, they are ended.
    #[arg(long, value_name = "WHAT", default_value = "finish")]
    on_eof: OnEof,
    /// Give a session up after so long without use.
    ///
    /// It stays on disk.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    idle: Option<Duration>,
    /// Give it up after so long in any case.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    lifetime: Option<Duration>,
    /// Make so many sessions ahead.
    ///
    /// They are made before they are asked for, and are like those that were asked for last; 64 at most.
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=64))]
    pool: u8,
    /// Hold so many sessions at most.
    #[arg(long, value_name = "NUMBER", default_value_t = MAX_SESSIONS)]
    max_sessions: usize,
    /// Keep so much output on disk at most.
    ///
    /// Where there is more no command is begun; 16G unless you say otherwise.
    #[arg(long, value_name = "SIZE", default_value_t = MAX_SPOOL, value_parser = size, hide_default_value = true)]
    max_spool: u64,
}

pub(super) fn main(arguments: Arguments) -> ExitCode {
    run(arguments).map_or_else(|error| failed(&error, false), |()| ExitCode::SUCCESS)
}

fn run(arguments: Arguments) -> Result<(), Error> {
    survive_file_limits();
    // Before anything is made.
    umask();
    // While there is one thread.
    let inherited = clearing_runtime::take_handed_in()
        .map_err(|error| Error::System("taking what was handed in", error))?;
    let Arguments {
        stdio,
        on_eof,
        idle,
        lifetime,
        pool,
        max_sessions,
        max_spool,
        each_user,
        rest,
        handed,
        ..
    } = arguments;
    let options = Options { on_eof, idle, lifetime, pool: usize::from(pool), max_sessions, max_spool };
    if each_user {
        return serve_each_user(&options, inherited, rest);
    }
    let Arguments { socket, group, listen, listen_anywhere, token_file, .. } = arguments;
    let doors =
        Doors { socket, group, listen, anywhere: listen_anywhere, token: token_file, inherited, handed };
    if !stdio && doors.is_none() {
        return Err(Error::Request(
            "nobody could ask for anything: `--stdio`, `--socket` or `--listen` is wanted".into(),
        ));
    }
    let front = handed.then(take_front).transpose()?;
    let begun = Begun::begin(options)?;
    let http = http::open(&begun.server, doors)?;
    let ended = if stdio { serve_stdio(&begun) } else { Service::of(&begun, http.as_ref(), front).run() };
    drop(http);
    ended
}

fn size(text: &str) -> Result<u64, String> {
    clearing_profiles::parse_size(text).map_err(|error| format!("{error} ({})", error.hint()))
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    clearing_profiles::parse_duration(text).map_err(|error| format!("{error} ({})", error.hint()))
}
