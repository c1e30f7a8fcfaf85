//! `clearing mcp`: the server's handlers as tools for a model, by the Model Context Protocol on standard streams.
//!
//! # Terms
//!
//! - **tool**: what a model may call; a method of the protocol, or a few of them, in the shape that a model needs.
//! - **desk**: where a tool asks for something about the one session that there is ([`session`]).
//! - **wire**: the messages of MCP as lines ([`wire`]).
//!
//! The caller is the one who is confined. It chooses neither the profile nor a limit beyond it, names no protected file that
//! may land, and lands nothing at all unless the user says so.

mod arguments;
mod changes;
mod files;
mod instructions;
mod memory;
mod output;
mod progress;
mod run;
mod service;
mod session;
mod told;
mod tools;
mod wire;

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clearing_profiles::Profile;
use rmcp::service::{ServerInitializeError, ServiceExt as _};
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::permission::{DEFAULT_PROFILE, Wanted, of_project};
use crate::server::{
    Begun, Done, Door, LAST_WORDS, MAX_SESSIONS, MAX_SPOOL, OnEof, Options, Outbox, Woken, log, spawn,
    streams,
};
use crate::session::sessions;
use run::Commands;
use service::{Inner, Service};
use session::{Desk, Which};
use wire::Wire;

/// What a user chooses.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The project; else it is found.
    pub(crate) workspace: Option<PathBuf>,
    pub(crate) profile: Option<String>,
    /// A session that is there, by id or name, in place of the two.
    pub(crate) session: Option<String>,
    pub(crate) commit: CommitMode,
    pub(crate) end: AtEnd,
    pub(crate) idle: Option<Duration>,
}

/// Whether a model may land what it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CommitMode {
    /// It may.
    Allow,
    /// The user does it.
    Refuse,
}

/// What becomes of the session when the client is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtEnd {
    /// It stays if there is something in it.
    KeepChanged,
    /// It stays.
    Keep,
    /// It goes with all that was written in it.
    Discard,
}

/// Serves a client until it is gone, has asked for everything, or somebody ends us.
pub(crate) fn serve(asked: &Asked) -> Result<(), Error> {
    let (which, profile) = settle(asked)?;
    let begun = Begun::begin(Options {
        on_eof: OnEof::Kill,
        idle: asked.idle,
        lifetime: None,
        pool: 0,
        max_sessions: MAX_SESSIONS,
        max_spool: MAX_SPOOL,
    })?;
    let (input, output) = streams()?;
    let watched = output.try_clone().map_err(|error| Error::System("dup of standard output", error))?;
    let outbox = Outbox::new(output);
    let service = service(&begun, asked, which, &profile, &outbox);
    let (token, done) = (CancellationToken::new(), Done::new()?);
    let (writing, written) = (Arc::clone(&outbox), Done::new()?);
    let told = written.clone();
    spawn("writer", move || {
        writing.write_all();
        told.tell();
    })?;
    let (ending, said, saying, end) = (token.clone(), done.clone(), Arc::clone(&outbox), asked.end);
    spawn("mcp", move || {
        if let Err(error) = conduct(&service, input, &saying, &ending, end) {
            log(&error.message());
        }
        said.tell();
    })?;
    if !matches!(begun.attend(&watched, &done)?, Woken::Done) {
        token.cancel();
        done.wait(LAST_WORDS + LAST_WORDS);
    }
    begun.end();
    outbox.finish();
    written.wait(LAST_WORDS);
    Ok(())
}

/// What is asked for, as far as that can be found out before anything is made.
fn settle(asked: &Asked) -> Result<(Which, Profile), Error> {
    let (which, directory, name) = match &asked.session {
        Some(session) => {
            let record = sessions()?.read(session)?;
            (
                Some(Which::Taken(record.id.to_string())),
                Some(record.project().to_owned()),
                record.profile.clone(),
            )
        }
        None => (None, asked.workspace.clone(), named(asked.profile.as_deref())),
    };
    let (host, project) = of_project(directory.as_deref())?;
    let profile = Wanted { profile: &name, ..Wanted::default() }.settle(&host, &project)?;
    let which = which.unwrap_or(Which::New { project: project.root.clone(), profile: name });
    Ok((which, profile))
}

/// A profile's name, or where it lies, whatever the working directory is later.
fn named(profile: Option<&str>) -> String {
    let name = profile.unwrap_or(DEFAULT_PROFILE);
    match std::path::absolute(name) {
        Ok(path) if name.contains('/') => path.to_str().unwrap_or(name).to_owned(),
        _ => name.to_owned(),
    }
}

fn service(begun: &Begun, asked: &Asked, which: Which, profile: &Profile, outbox: &Arc<Outbox>) -> Service {
    let instructions = instructions::text(&which, profile, asked.commit);
    Service::new(Inner {
        desk: Desk::new(Door::open(&begun.server), which),
        commands: Commands::new(profile.limits.timeout),
        memory: memory::Memory::new(profile.network.mode),
        commit: asked.commit,
        instructions,
        outbox: Arc::clone(outbox),
        in_flight: std::sync::atomic::AtomicUsize::new(0),
    })
}

/// On a thread of its own, where all tasks are: from the first message to the last.
fn conduct(
    service: &Service,
    input: OwnedFd,
    outbox: &Arc<Outbox>,
    token: &CancellationToken,
    end: AtEnd,
) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::System("starting the runtime", error))?;
    runtime.block_on(async {
        let wire = Wire::new(input, outbox)?;
        loop {
            match service.clone().serve_with_ct(wire.clone(), token.clone()).await {
                Ok(running) => {
                    let _ = running.waiting().await;
                    break;
                }
                // What does not belong at the beginning is no reason to end.
                Err(
                    ServerInitializeError::ExpectedInitializeRequest(_)
                    | ServerInitializeError::InitializeFailed(_),
                ) => log("a client did not begin with `initialize`"),
                Err(_) => break,
            }
        }
        service.leave(end).await;
        Ok(())
    })
}
