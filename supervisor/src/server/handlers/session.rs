//! Sessions: made, taken, told, given up.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clearing_profiles::is_path;
use clearing_rootfs::{Listed, Written};

use crate::error::Error;
use crate::live::LiveSandbox;
use crate::permission::DEFAULT_PROFILE;
use crate::protocol::{
    Created, Destroyed, Fault, Forked, Nothing, SessionCreate, SessionDestroy, SessionFork, SessionGet,
    SessionList, SessionRefresh, SessionTold, Sessions, StatsTold,
};
use crate::server::conductor::{Conductor, Leaving};
use crate::server::descriptors::{Taker, promise};
use crate::server::handle::Handle;
use crate::server::pool::Asked;
use crate::server::seats::check_labels;
use crate::server::{Caller, Reply, Server, aside};
use crate::session::{self, CreateRequest, sessions};

impl Server {
    /// `session/create`.
    pub(crate) fn session_create(
        self: &Arc<Self>,
        params: SessionCreate,
        caller: &Caller,
        reply: Reply<Created>,
    ) {
        if let Err(fault) = check(&params) {
            return reply.send(Err(fault));
        }
        if let Some(handle) = params.session.as_deref().and_then(|name| self.find(name)) {
            handle.heard_by(caller);
            return handle.order(move |conductor| reply.send(conductor.taken_again(&params)));
        }
        let seat = match self.seats.take() {
            Ok(seat) => seat,
            Err(fault) => return reply.send(Err(fault)),
        };
        let asked = Asked { params, caller: caller.clone(), seat, promised: None, reply };
        let given = match self.pool.take(&asked.params) {
            Some(taken) => self.give(taken, asked),
            None => Some(asked),
        };
        let Some(asked) = given else { return };
        let asked = match promise(Taker::Session) {
            Ok(promised) => Asked { promised: Some(promised), ..asked },
            Err(fault) => return asked.reply.send(Err(fault)),
        };
        // Either of them has it: the thread that is begun, or we, if none is.
        let kept = Arc::new(Mutex::new(Some(asked)));
        let theirs = Arc::clone(&kept);
        let take = |kept: &Mutex<Option<Asked>>| kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let begun = self.begin_session(move |server| {
            take(&theirs).into_iter().for_each(|asked| server.begin(asked));
        });
        if let Err(fault) = begun {
            take(&kept).into_iter().for_each(|asked| asked.reply.send(Err(fault.clone())));
        }
    }

    /// On the session's own thread: what a session is, from its beginning to its end.
    pub(in crate::server) fn begin(self: &Arc<Self>, asked: Asked) {
        // To open a session takes a deep stack.
        match aside(|| self.open(&asked.params)) {
            Ok(live) => {
                self.pool.remember(&asked.params);
                self.conduct(live, asked);
            }
            Err(fault) => asked.reply.send(Err(fault)),
        }
    }

    fn conduct(self: &Arc<Self>, live: LiveSandbox, asked: Asked) {
        let conductor = self.conductor_for(live, asked);
        // Whoever was answered comes first.
        self.pool.stir();
        conductor.into_iter().for_each(Conductor::conduct);
    }

    /// Answers whoever asked for the session; what is left to do is to conduct it.
    pub(in crate::server) fn conductor_for(
        self: &Arc<Self>,
        live: LiveSandbox,
        asked: Asked,
    ) -> Option<Conductor> {
        let Asked { params, caller, seat, promised, reply } = asked;
        let mut conductor = match self.conductor(live, &params) {
            Ok(conductor) => conductor,
            Err(fault) => {
                reply.send(Err(fault));
                return None;
            }
        };
        conductor.sit(seat);
        conductor.handle.heard_by(&caller);
        drop((params, caller, promised));
        self.hold(&conductor.handle);
        if self.is_ending() {
            // Whoever gave up all sessions may not have seen this one.
            conductor.handle.order(|conductor| conductor.give_up(Leaving::Now, drop));
        }
        reply.send(conductor.told());
        Some(conductor)
    }

    fn conductor(self: &Arc<Self>, live: LiveSandbox, params: &SessionCreate) -> Result<Conductor, Fault> {
        let record = live.record()?;
        let handle = Handle::new(record.id.to_string(), record.name.clone(), params.labels.clone())?;
        Ok(Conductor::new(Arc::clone(self), Arc::new(handle), live, params))
    }

    fn open(&self, params: &SessionCreate) -> Result<LiveSandbox, Fault> {
        let (id, is_new) = match &params.session {
            Some(session) => (sessions()?.read(session).map_err(Error::from)?.id.to_string(), false),
            None => (make(params)?, true),
        };
        match LiveSandbox::open(&id).map_err(Error::from) {
            Ok(live) => Ok(live),
            Err(error) => {
                if is_new {
                    // Nobody has heard of it.
                    session::remove(&sessions()?, &id, "rm")?;
                }
                Err(error.into())
            }
        }
    }

    /// `session/get`.
    pub(crate) fn session_get(self: &Arc<Self>, params: SessionGet, reply: Reply<SessionTold>) {
        match self.find(&params.session) {
            Some(handle) => handle.order(move |conductor| reply.send(conductor.describe())),
            None => self.beside(reply, move |_| {
                let sessions = sessions()?;
                let record = sessions.read(&params.session).map_err(Error::from)?;
                let written = sessions.written(&record).map_err(Error::from)?;
                Ok(SessionTold::of(&record, written))
            }),
        }
    }

    /// `session/list`.
    pub(crate) fn session_list(self: &Arc<Self>, params: SessionList, reply: Reply<Sessions>) {
        self.look_beside(reply, move |server, is_wanted| {
            let sessions = sessions()?;
            let mut told = Vec::new();
            let listed = sessions.list().map_err(Error::from)?;
            for Listed { record, .. } in listed.into_iter().take_while(|_| is_wanted()) {
                // One that cannot be read hides no other one.
                let Ok(record) = record else { continue };
                let unread = Written { unread: 1, ..Written::default() };
                let written = sessions.written(&record).unwrap_or(unread);
                let mut one = SessionTold::of(&record, written);
                if let Some(handle) = server.find(&one.session) {
                    (one.live, one.labels) = (true, handle.labels());
                    one.state = if handle.running() > 0 { "running" } else { "idle" };
                }
                let has = |(name, value): (&String, &String)| one.labels.get(name) == Some(value);
                if params.labels.iter().all(has) {
                    told.push(one);
                }
            }
            Ok(Sessions { sessions: told })
        });
    }

    /// `session/destroy`.
    pub(crate) fn session_destroy(
        self: &Arc<Self>,
        params: SessionDestroy,
        asked: u64,
        reply: Reply<Destroyed>,
    ) {
        let SessionDestroy { session, keep } = params;
        let Some(handle) = self.find(&session) else {
            return self.beside(reply, move |_| remove(&session, keep));
        };
        let id = handle.id.clone();
        handle.order(move |conductor| {
            conductor.destroy(asked, move |ended| {
                reply.send(ended.map_err(Fault::from).and_then(|()| remove(&id, keep)));
            });
        });
    }
}

/// Whether it makes sense, of whatever is there.
fn check(params: &SessionCreate) -> Result<(), Fault> {
    let is_absolute = params.workspace.as_ref().is_some_and(|path| Path::new(path).is_absolute());
    match &params.session {
        Some(_) if params.workspace.is_some() => {
            Err(Fault::params("one of `session` and `workspace` is wanted, not both"))
        }
        Some(session) if params.profile.is_some() || params.name.is_some() => {
            Err(Fault::params(format!("session `{session}` has a profile and a name already")))
        }
        None if !is_absolute => Err(Fault::params("`workspace`: an absolute path is wanted")),
        _ => params
            .profile
            .as_deref()
            .map_or(Ok(()), check_profile)
            .and_then(|()| check_labels(&params.labels)),
    }
}

/// Others wait while a profile is read, and it is read again, so it is a file whose end is there; and what lies in
/// `/dev` or `/proc` would be the server's own.
pub(in crate::server) fn check_profile(name: &str) -> Result<(), Fault> {
    let path = Path::new(name);
    let is_own = || ["/dev", "/proc"].iter().any(|own| path.starts_with(own));
    let is_other = || path.metadata().is_ok_and(|it| !it.is_file());
    if is_path(name) && (!path.is_absolute() || is_own() || is_other()) {
        return Err(Fault::params("`profile`: a name, or the absolute path of a file, is wanted"));
    }
    Ok(())
}

fn make(params: &SessionCreate) -> Result<String, Fault> {
    let request = CreateRequest {
        directory: params.workspace.as_ref().map(PathBuf::from),
        profile: params.profile.clone().unwrap_or_else(|| DEFAULT_PROFILE.to_owned()),
        name: params.name.clone(),
    };
    // What its sandbox is made of says more of the project than this does.
    let (made, _) = session::create(&request)?;
    Ok(made.record().id.to_string())
}

fn remove(session: &str, keep: bool) -> Result<Destroyed, Fault> {
    let sessions = sessions()?;
    let id = sessions.read(session).map_err(Error::from)?.id.to_string();
    if !keep {
        session::remove(&sessions, &id, "rm")?;
    }
    Ok(Destroyed { session: id, kept: keep })
}

impl Conductor {
    /// A client takes it that is held already; what it asks for holds from now on.
    fn taken_again(&mut self, asked: &SessionCreate) -> Result<Created, Fault> {
        self.live()?;
        self.bound(asked);
        if !asked.labels.is_empty() {
            self.handle.label(asked.labels.clone());
        }
        self.told()
    }

    /// What a client hears of a session that it has.
    pub(in crate::server) fn told(&mut self) -> Result<Created, Fault> {
        let handle = Arc::clone(&self.handle);
        let live = self.live()?;
        let (record, tier) = (live.record()?, live.tier());
        Ok(Created {
            session: handle.id.clone(),
            name: handle.name.clone(),
            project: record.project.clone(),
            tier,
            snapshot: record.snapshots.last().map(|last| last.name.clone()).unwrap_or_default(),
            labels: handle.labels(),
            notes: live.notes().to_vec(),
        })
    }

    fn describe(&mut self) -> Result<SessionTold, Fault> {
        let (running, handle) = (self.names_of_running(), Arc::clone(&self.handle));
        let record = self.live()?.record()?;
        let written = sessions()?.written(record).map_err(Error::from)?;
        let state = if running.is_empty() { "idle" } else { "running" };
        let labels = handle.labels();
        Ok(SessionTold { live: true, state, labels, running, ..SessionTold::of(record, written) })
    }

    /// `session/fork`.
    pub(crate) fn fork(&mut self, params: &SessionFork) -> Result<Forked, Fault> {
        let fork =
            self.live()?.fork(params.from.as_deref(), params.name.as_deref(), params.processes.others());
        Ok(Forked { session: fork.map_err(Error::from)? })
    }

    /// `session/refresh`.
    pub(crate) fn refresh(&mut self, params: &SessionRefresh) -> Result<Nothing, Fault> {
        self.live()?.refresh(params.processes.others()).map_err(Error::from)?;
        Ok(Nothing {})
    }

    /// `stats/get`.
    pub(crate) fn stats(&mut self) -> Result<StatsTold, Fault> {
        let (execs, kept_output, handle) =
            (self.names_of_running().len(), self.kept_output(), Arc::clone(&self.handle));
        let record = self.live()?.record()?;
        let written = sessions()?.written(record).map_err(Error::from)?;
        Ok(StatsTold {
            session: handle.id.clone(),
            execs,
            held_ms: u64::try_from(handle.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            disk: written.bytes,
            inodes: written.inodes,
            kept_output,
        })
    }
}
