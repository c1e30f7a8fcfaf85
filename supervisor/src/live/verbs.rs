//! Snapshots, rollbacks and the like, which change nothing while something runs.

use clearing_rootfs::{Session, Snapshot, Why};
use clearing_runtime::Report;
use clearing_runtime::spec::Others;
use serde_json::{Value, json};

use super::{LiveError, LiveSandbox};
use crate::audit::Decision;
use crate::error::Error;

impl LiveSandbox {
    /// Names the present state. What is written from now on goes to a new layer.
    pub fn snapshot(&mut self, label: Option<&str>, others: Others) -> Result<Snapshot, LiveError> {
        // Nothing is ended for a name that it cannot have.
        label.map(|label| self.session()?.free_label(label).map_err(Error::from)).transpose()?;
        self.quiet(others)?;
        self.make_room_for_a_snapshot()?;
        Ok(self.recorded("snapshot", json!({ "label": label }), |live| {
            let (step, snapshot) = live.session()?.step_to_snapshot(label, Why::Asked)?;
            live.go_on(step)?;
            Ok(snapshot)
        })?)
    }

    /// Goes back to a snapshot, and names the one that keeps what would be lost by that.
    pub fn rollback(&mut self, name: &str, others: Others) -> Result<Option<String>, LiveError> {
        self.session()?.known_snapshot(name).map_err(Error::from)?;
        self.quiet(others)?;
        Ok(self.roll_back(name)?)
    }

    /// Takes back what a patch has written, and ends whatever of it still runs.
    pub(crate) fn undo_patch(&mut self, before: &Snapshot) -> Result<(), Error> {
        self.await_quiet(Others::End)?;
        self.roll_back(&before.name).map(drop)
    }

    fn roll_back(&mut self, name: &str) -> Result<Option<String>, Error> {
        self.recorded("rollback", json!({ "snapshot": name }), |live| {
            let (step, rolled) = live.session()?.step_back(name, Why::BeforeRollback)?;
            live.go_on(step)?;
            Ok(rolled.backup)
        })
    }

    /// Shows the project, its git directory and the caches as they are now, under what the session changed.
    pub fn refresh(&mut self, others: Others) -> Result<(), LiveError> {
        self.quiet(others)?;
        Ok(self.recorded("refresh", Value::Null, |live| {
            live.hide_anew()?;
            let home = live.host.home.clone();
            let all = live.workspace.parts(&live.host).into_iter().map(|part| part.target);
            let targets = all.filter(|target| *target != home).collect();
            live.show_anew(&targets)
        })?)
    }

    /// Makes a second session that goes on from a snapshot, or the present state, and names it by its id.
    pub fn fork(
        &mut self,
        from: Option<&str>,
        name: Option<&str>,
        others: Others,
    ) -> Result<String, LiveError> {
        // Nothing is ended for a snapshot that there is none of.
        from.map(|from| self.session()?.known_snapshot(from).map_err(Error::from)).transpose()?;
        name.map(|name| crate::session::sessions()?.free_name(name).map_err(Error::from)).transpose()?;
        self.quiet(others)?;
        let detail = json!({ "from": from, "name": name });
        Ok(self.recorded("fork", detail, |live| live.fork_quiet(from, name))?)
    }

    fn fork_quiet(&mut self, from: Option<&str>, name: Option<&str>) -> Result<String, Error> {
        if from.is_none() {
            let step = self.session()?.step_on()?;
            self.go_on(step)?;
        }
        let sessions = crate::session::sessions()?;
        let session = self.place.session_mut().ok_or(Error::SandboxEnded)?;
        let live = session.record().live.clone();
        let fork = sessions.fork(session, from, name)?;
        if session.record().live != live {
            // What the sandbox writes to would be sealed.
            self.give_up(Error::SandboxEnded)?;
        }
        Ok(fork.record().id.to_string())
    }

    /// Does something between its two lines of the record, as a verb of the command line does.
    fn recorded<T>(
        &mut self,
        verb: &'static str,
        detail: Value,
        act: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let decision = Decision::on(verb, self.session()?.record()).with(detail);
        self.audit.clone().record(&decision, || act(self))
    }

    /// Sees to it that nothing runs, and that what ran is written down. What is ended for that was cancelled; but a
    /// patch is not: until it is whole, or taken back, what it wrote is no state that can be named, landed or left.
    pub(crate) fn quiet(&mut self, others: Others) -> Result<(), Error> {
        if self.session()?.is_patching() {
            return Err(Error::Patching);
        }
        self.await_quiet(others)
    }

    /// The same, a patch among it.
    pub(crate) fn await_quiet(&mut self, others: Others) -> Result<(), Error> {
        let sandbox = self.sandbox.as_ref().ok_or(Error::SandboxEnded)?;
        let is_written_quiet = self.session()?.record().running.is_none() && self.is_quiet();
        if others == Others::Refuse && is_written_quiet {
            // So init has told, and it looks again before it shows anything else.
            return Ok(());
        }
        sandbox.quiet(others)?;
        if others == Others::End {
            self.execs.iter_mut().for_each(|exec| exec.watch.is_cancelled());
        }
        self.answer(|report| match report {
            Report::Quiet(answer) => Some(answer),
            _ => None,
        })?;
        self.settle()
    }

    /// Writes down that nothing runs, if that is so and not done yet, and what else the record does not say yet.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        self.settling = None;
        let is_running = self.place.session().is_some_and(|session| session.record().running.is_some());
        if is_running && self.is_quiet() {
            self.place.end()?;
        }
        self.place.session_mut().map_or(Ok(()), |session| Ok(session.write_owed()?))
    }

    /// The session, to be changed where nothing runs.
    pub(crate) fn session_mut(&mut self) -> Result<&mut Session, Error> {
        self.place.session_mut().ok_or(Error::SandboxEnded)
    }

    /// The session.
    pub(crate) fn session(&self) -> Result<&Session, Error> {
        self.place.session().ok_or(Error::SandboxEnded)
    }
}
