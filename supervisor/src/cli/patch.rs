//! `clearing patch`: looks at a patch, or applies it to a session.

mod text;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Subcommand;
use clearing_profiles::Risk;
use clearing_rootfs::{Plan, Reading, Store};
use rustix::fs::{Mode, OFlags};
use serde::Serialize;
use serde_json::json;

use super::by_server::not_there;
use super::command::hear;
use super::commit::tell;
use super::talk::{emit, failed, print, say, say_note};
use crate::client::Client;
use crate::commit::{CommitOptions, of_session};
use crate::error::Error;
use crate::exit_code::CONFLICT;
use crate::patch::{self, PatchReport, PatchRequest, Permitted, Verb};
use crate::permission::DEFAULT_PROFILE;
use crate::request::RunRequest;
use crate::session::{CreateRequest, create, remove, sessions};

/// Looks at a patch, or applies it as a whole or not at all.
///
/// It is read and applied in the sandbox's view of a session, never in the project. Exits with 0 when it was
/// accepted, 1 when it was refused or does not apply, 125 when clearing could not tell.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: VerbArguments,
}

#[derive(Debug, Subcommand)]
enum VerbArguments {
    /// Tell what a patch would do, and do nothing.
    #[command(after_long_help = "Examples:\n\
        \x20 git diff HEAD feature | clearing patch check -w . -\n\
        \x20 clearing patch check fix change.patch --json")]
    Check(Operands),
    /// Apply a patch to a session, or to a new session of the directory, which is kept.
    #[command(after_long_help = "Examples:\n\
        \x20 clearing patch apply fix change.patch\n\
        \x20 clearing patch apply -w ~/app --commit new.patch")]
    Apply {
        #[command(flatten)]
        operands: Operands,
        /// Land the patch in the project, and remove the session that was made for it.
        #[arg(long, requires = "workspace")]
        commit: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Operands {
    /// The session, by id or name, unless a directory is given; and the patch, `-` for standard input.
    #[arg(value_names = ["ID", "FILE"], num_args = 1..=2, required = true)]
    operands: Vec<PathBuf>,
    /// The project.
    #[arg(short, long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// A profile's name, or the path of one; else the session's, or `default`.
    #[arg(short, long, value_name = "PROFILE")]
    profile: Option<String>,
    /// How many directories of each name are left out; else as git does.
    #[arg(long, value_name = "N", hide_short_help = true)]
    strip: Option<usize>,
    /// Take hunks that have no lines around them, where they say and nowhere else.
    #[arg(long, hide_short_help = true)]
    unidiff_zero: bool,
    /// Let a protected name be touched, or one that others rely on be harmed; may be given more than once.
    #[arg(long, value_name = "NAME")]
    allow: Vec<String>,
    /// Tell it as JSON.
    #[arg(long)]
    json: bool,
}

/// What `--json` tells.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "type", rename = "patch")]
struct Line<'a> {
    accepted: bool,
    applied: bool,
    /// The session that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    #[serde(flatten)]
    report: &'a PatchReport,
    statistics: std::collections::BTreeMap<String, u64>,
    risk: &'a Risk,
}

/// Of a server that holds the session.
const INSTEAD: &str =
    "`clearing fork` makes a session of the same state that no server holds, where it can be had";

/// Whom a patch is held against.
enum Subject {
    Session(String),
    Directory(PathBuf),
}

pub(super) fn main(arguments: Arguments) -> ExitCode {
    let (operands, verb, commit) = match arguments.verb {
        VerbArguments::Check(operands) => (operands, Verb::Check, false),
        VerbArguments::Apply { operands, commit } => (operands, Verb::Apply, commit),
    };
    let json = operands.json;
    let accepted = match verb {
        Verb::Check => operands.check(),
        Verb::Apply => operands.apply(commit),
    };
    let code = accepted.map(|accepted| if accepted { ExitCode::SUCCESS } else { ExitCode::from(CONFLICT) });
    code.unwrap_or_else(|error| failed(&error, json))
}

impl Operands {
    fn check(&self) -> Result<bool, Error> {
        let (subject, request) = self.request(Verb::Check)?;
        if let Some(accepted) = self.by_server(&subject, &request)? {
            return Ok(accepted);
        }
        let report = patch::conduct(&request, self.run(&subject), &|told| hear(told, self.json))?;
        self.tell(&report, None).map(|()| report.is_accepted())
    }

    fn apply(&self, commit: bool) -> Result<bool, Error> {
        let (subject, request) = self.request(Verb::Apply)?;
        if let Some(accepted) = self.by_server(&subject, &request)? {
            return Ok(accepted);
        }
        let directory = match &subject {
            Subject::Session(id) => {
                let report = patch::conduct(&request, self.run(&subject), &|told| hear(told, self.json))?;
                return self.tell(&report, Some(id)).map(|()| report.is_accepted());
            }
            Subject::Directory(directory) => directory.clone(),
        };
        let profile = self.profile.clone().unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
        let (session, notes) = create(&CreateRequest { directory: Some(directory), profile, name: None })?;
        notes.iter().for_each(|note| say_note(note));
        let id = session.record().id.to_string();
        drop(session);
        let kept = self.apply_to_new(&request, &id, commit);
        if !matches!(kept, Ok(Kept::Session)) {
            remove(&sessions()?, &id, "rm")?;
        }
        Ok(matches!(kept?, Kept::Session | Kept::Landed))
    }

    /// Has the server do it that holds the session, if one does.
    fn by_server(&self, subject: &Subject, request: &PatchRequest) -> Result<Option<bool>, Error> {
        let Subject::Session(id) = subject else { return Ok(None) };
        let Some((mut server, record)) = Client::of_session(id)? else { return Ok(None) };
        if self.profile.is_some() {
            return Err(not_there("--profile", INSTEAD));
        }
        let (method, of) = match request.verb {
            Verb::Check => ("patch/check", None),
            Verb::Apply => ("patch/apply", Some(id.as_str())),
        };
        let mut params = json!({ "session": record.id, "strip": self.strip, "allow": self.allow });
        if self.unidiff_zero {
            params["unidiffZero"] = true.into();
        }
        params["bytes"] = BASE64_STANDARD.encode(&request.patch).into();
        let told = server.call(method, &params)?;
        let report: PatchReport = serde_json::from_value(told)
            .map_err(|error| Error::System("reading what the server says", error.into()))?;
        self.tell(&report, of)?;
        Ok(Some(report.is_accepted()))
    }

    fn apply_to_new(&self, request: &PatchRequest, id: &str, commit: bool) -> Result<Kept, Error> {
        let run = self.run(&Subject::Session(id.to_owned()));
        let report = patch::conduct(request, run, &|told| hear(told, self.json))?;
        self.tell(&report, (!commit).then_some(id))?;
        match (report.is_accepted(), commit) {
            (false, _) => Ok(Kept::Nothing),
            (true, false) => {
                say_note(&format!("applied in session {id}; `clearing commit {id}` lands it"));
                Ok(Kept::Session)
            }
            (true, true) => self.land(id),
        }
    }

    /// Lands all of the patch, or nothing.
    fn land(&self, id: &str) -> Result<Kept, Error> {
        let store = Store::open(&Store::default_path(&|name| std::env::var_os(name))?)?;
        let session = sessions()?.open(id, "commit")?;
        let options = CommitOptions { allow: self.allow.clone(), ..CommitOptions::default() };
        let whole = |plan: &Plan| Ok(plan.withheld.is_empty());
        let committed = of_session(&store, &session, &options, &whole)?;
        tell(&committed, self.json, false);
        Ok(if committed.landed.is_some() { Kept::Landed } else { Kept::Nothing })
    }

    fn request(&self, verb: Verb) -> Result<(Subject, PatchRequest), Error> {
        let (subject, file) = match (&self.workspace, self.operands.as_slice()) {
            (Some(directory), [file]) => (Subject::Directory(directory.clone()), file),
            (None, [id, file]) => {
                let id = id.to_str().ok_or_else(|| Error::Request("the session's name is no text".into()))?;
                (Subject::Session(id.to_owned()), file)
            }
            (Some(_), _) => return Err(Error::Request("with -w there is a patch and no session".into())),
            (None, _) => {
                return Err(Error::Request(
                    "say which session, or which directory with -w, and the patch".into(),
                ));
            }
        };
        let Permitted { patch: permitted, apart } = patch::permitted(&self.run(&subject))?;
        let (strip, without_context) = (self.strip, self.unidiff_zero);
        let reading = Reading { strip, without_context, ..patch::reading(&permitted) };
        let patch = read(file, reading.size)?;
        let allow = self.allow.clone();
        Ok((subject, PatchRequest { verb, patch, reading, allow, keep: permitted.keep, apart }))
    }

    fn run(&self, subject: &Subject) -> RunRequest {
        let (session, directory) = match subject {
            Subject::Session(id) => (Some(id.clone()), None),
            Subject::Directory(directory) => (None, Some(directory.clone())),
        };
        RunRequest { profile: self.profile.clone(), session, directory, ..RunRequest::default() }
    }

    fn tell(&self, report: &PatchReport, session: Option<&str>) -> Result<(), Error> {
        let risk = report.risk()?;
        if self.json {
            emit(&Line {
                accepted: report.is_accepted(),
                applied: report.is_accepted() && session.is_some(),
                session,
                report,
                statistics: report.statistics(),
                risk: &risk,
            });
            return Ok(());
        }
        print(&text::files(report))?;
        say(&text::verdict(report, &risk));
        Ok(())
    }
}

/// What is left of a patch when all is done.
enum Kept {
    /// The session that has it.
    Session,
    /// It is in the project.
    Landed,
    /// Nothing.
    Nothing,
}

/// The whole patch; one byte more than is permitted is enough to see that it is too large.
fn read(file: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::Input(file.to_owned(), error);
    let mut patch = Vec::new();
    let source: Box<dyn io::Read> = match file.as_os_str() == "-" {
        true => Box::new(io::stdin().lock()),
        false => {
            let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::CLOEXEC;
            let opened = rustix::fs::open(file, flags, Mode::empty());
            Box::new(std::fs::File::from(opened.map_err(|errno| failed(errno.into()))?))
        }
    };
    source.take(limit as u64 + 1).read_to_end(&mut patch).map_err(failed)?;
    Ok(patch)
}
