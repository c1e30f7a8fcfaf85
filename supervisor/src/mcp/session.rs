//! The one session of a client: made, or taken, when it is first needed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::AtEnd;
use crate::protocol::Fault;
use crate::server::{Door, Events, Follower, Said, log};

/// Which session it is.
#[derive(Debug, Clone)]
pub(super) enum Which {
    /// One that is made over a project.
    New { project: PathBuf, profile: String },
    /// One that is on disk, by its id.
    Taken(String),
}

/// The session, and the way to whoever carries out what is asked of it.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) door: Arc<Door>,
    which: Arc<Which>,
    /// Its id, once there is one.
    id: Arc<Mutex<Option<String>>>,
}

/// How often, and how long after each other, a session is asked for that its server is about to give up.
const TRIES: usize = 100;
const PAUSE: Duration = Duration::from_millis(20);

impl Desk {
    pub(super) fn new(door: Door, which: Which) -> Self {
        Self { door: Arc::new(door), which: Arc::new(which), id: Arc::default() }
    }

    /// Asks for something about the session.
    pub(super) async fn ask(&self, method: &str, params: Map<String, Value>) -> Said {
        let session = self.session().await?;
        self.door.ask(method, with(params, &session)).await
    }

    /// Starts a command in it, whom the follower hears.
    pub(super) async fn start(&self, params: Map<String, Value>, follower: &Arc<Follower>) -> Said {
        let session = self.session().await?;
        self.door.start(with(params, &session), follower).await
    }

    /// Where a command of it says everything.
    pub(super) async fn store(&self, exec: &str) -> Result<Arc<Events>, Fault> {
        let session = self.session().await?;
        self.door.store(&session, exec).await
    }

    /// Gives the session up, if anything was done in it.
    pub(super) async fn leave(&self, end: AtEnd) {
        let Some(session) = self.begun().await else { return };
        let keep = match end {
            AtEnd::Keep => true,
            AtEnd::Discard => false,
            AtEnd::KeepChanged => {
                matches!(&*self.which, Which::Taken(_)) || self.holds_something(&session).await
            }
        };
        if keep {
            return log(&format!(
                "session {session} is kept: `clearing diff {session}` shows what changed, `clearing commit {session}` lands \
                 it, `clearing mcp --session {session}` goes on with it"
            ));
        }
        match self.door.ask("session/destroy", json!({ "session": session })).await {
            Ok(_) => log(&format!("session {session} is removed")),
            Err(fault) => log(&format!("session {session} is not removed: {}", fault.message)),
        }
    }

    /// Whether there is anything in it that somebody could miss; yes where nobody can tell.
    async fn holds_something(&self, session: &str) -> bool {
        let params = json!({ "session": session });
        let Ok(told) = self.door.ask("session/get", params.clone()).await else { return true };
        let Ok(diffed) = self.door.ask("changes/diff", params).await else { return true };
        let length = |said: &[u8], name: &str| {
            let said: Value = serde_json::from_slice(said).unwrap_or_default();
            said[name].as_array().map_or(usize::MAX, Vec::len)
        };
        length(&told, "snapshots") > 1 || length(&diffed, "changes") > 0 || length(&diffed, "notes") > 0
    }

    /// Its id, if anything was done in it.
    pub(super) async fn begun(&self) -> Option<String> {
        self.id.lock().await.clone()
    }

    /// One that was given up meanwhile, as it was not used for so long, is taken again.
    async fn session(&self) -> Result<String, Fault> {
        let id = self.id.lock().await.clone();
        match id {
            Some(id) if self.door.holds(&id) => Ok(id),
            Some(id) => self.aside(|desk| async move { desk.create(json!({ "session": id })).await }).await,
            None => self.aside(|desk| async move { desk.make().await }).await,
        }
    }

    async fn make(&self) -> Result<String, Fault> {
        let mut id = self.id.lock().await;
        if let Some(id) = &*id {
            return Ok(id.clone());
        }
        let params = match &*self.which {
            Which::New { project, profile } => json!({ "workspace": project, "profile": profile }),
            Which::Taken(session) => json!({ "session": session }),
        };
        let made = self.create(params).await?;
        *id = Some(made.clone());
        Ok(made)
    }

    async fn create(&self, params: Value) -> Result<String, Fault> {
        let mut tries = TRIES;
        let said = loop {
            match self.door.ask("session/create", params.clone()).await {
                Err(fault) if fault.data.code == "CLR-BUSY" && tries > 0 => {
                    tries -= 1;
                    tokio::time::sleep(PAUSE).await;
                }
                said => break said?,
            }
        };
        let made: Made = serde_json::from_slice(&said).map_err(|error| Fault::internal(error.to_string()))?;
        made.notes.iter().for_each(|note| log(note));
        Ok(made.session)
    }

    /// Does something to its end, whoever does not wait for that: a session that nobody knows of would stay.
    async fn aside<F: Future<Output = Result<String, Fault>> + Send + 'static>(
        &self,
        act: impl FnOnce(Self) -> F,
    ) -> Result<String, Fault> {
        let done = tokio::spawn(act(self.clone())).await;
        done.unwrap_or_else(|error| Err(Fault::internal(error.to_string())))
    }
}

/// What is to be known of a session that was made or taken.
#[derive(serde::Deserialize)]
struct Made {
    session: String,
    notes: Vec<String>,
}

fn with(mut params: Map<String, Value>, session: &str) -> Value {
    params.insert("session".into(), session.into());
    Value::Object(params)
}
