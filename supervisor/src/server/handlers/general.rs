//! The server itself, and what needs no session.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use clearing_profiles::{Profile, Requirement};

use crate::audit::{Audit, Fault as AuditFault, Verified, verify};
use crate::error::Error;
use crate::outcome::Tier;
use crate::permission::{DEFAULT_PROFILE, Wanted, of_project};
use crate::policy::{begins, judge, rule};
use crate::protocol::{
    AuditTold, AuditVerify, Fault, Health, Initialize, Initialized, PolicyCheck, PolicyTold, RulingTold,
    ServerName, VERSION,
};
use crate::server::connection::{LONGEST_LINE, MOST_IN_FLIGHT};
use crate::server::{Reply, Server};
use crate::session::sessions;

/// `initialize`.
pub(in crate::server) fn initialize(params: &Initialize) -> Result<Initialized, Fault> {
    if let Some(version) = params.protocol.filter(|version| *version != VERSION) {
        let why = format!("`protocol`: version {version} is not spoken here, only {VERSION}");
        return Err(Fault::params(why));
    }
    let profile = Profile::builtin(DEFAULT_PROFILE).map_err(Error::from)?;
    Ok(Initialized {
        server: ServerName { name: "clearing", version: env!("CARGO_PKG_VERSION") },
        protocol: VERSION,
        tier: Tier::Namespaces,
        guards: guards(&profile),
        longest_line: LONGEST_LINE,
        requests_in_flight: MOST_IN_FLIGHT,
    })
}

fn guards(profile: &Profile) -> BTreeMap<String, &'static str> {
    let word = |requirement| match requirement {
        Requirement::Required => "required",
        Requirement::BestEffort => "bestEffort",
    };
    crate::plan::guards().map(|(guard, name)| (name, word(profile.guards.requirement(guard)))).collect()
}

impl Server {
    /// `health`.
    pub(crate) fn health(&self) -> Health {
        let all = self.all();
        Health {
            state: if self.is_ending() { "ending" } else { "ok" },
            uptime_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            sessions: all.len(),
            execs: all.iter().map(|handle| handle.running()).sum(),
            connections: self.connections(),
            parked: self.pool.parked(),
        }
    }

    /// `policy/check`.
    pub(crate) fn policy_check(self: &Arc<Self>, params: PolicyCheck, reply: Reply<PolicyTold>) {
        self.look_beside(reply, move |_, _| policy_check(&params));
    }

    /// `audit/verify`.
    pub(crate) fn audit_verify(self: &Arc<Self>, params: AuditVerify, reply: Reply<AuditTold>) {
        self.look_beside(reply, move |_, is_wanted| Ok(audit_verify(&params, is_wanted)?));
    }

    /// Does something beside all else, and answers with what came of it.
    pub(super) fn beside<R: Send + 'static>(
        self: &Arc<Self>,
        reply: Reply<R>,
        act: impl FnOnce(&Arc<Self>) -> Result<R, Fault> + Send + 'static,
    ) {
        let server = Arc::clone(self);
        self.workers.work(move || reply.send(act(&server)));
    }

    /// The same where nothing is changed: who cancels it has his answer at once, and `act` can ask whether anybody
    /// still waits for one.
    pub(super) fn look_beside<R: Send + 'static>(
        self: &Arc<Self>,
        mut reply: Reply<R>,
        act: impl FnOnce(&Arc<Self>, &dyn Fn() -> bool) -> Result<R, Fault> + Send + 'static,
    ) {
        // Cancelled or not, what was asked for is kept until somebody comes to it.
        let weight = reply.take_weight();
        let (server, reply) = (Arc::clone(self), reply.cancellable());
        self.workers.work(move || {
            let _weight = weight;
            if reply.is_wanted() {
                let said = act(&server, &|| reply.is_wanted());
                reply.send(said);
            }
        });
    }
}

fn policy_check(params: &PolicyCheck) -> Result<PolicyTold, Fault> {
    let record = match &params.session {
        Some(session) => Some(sessions()?.read(session).map_err(Error::from)?),
        None => None,
    };
    let of_session = record.as_ref().map(|record| (record.project().as_path(), record.profile.as_str()));
    let directory = params.workspace.as_deref().map(Path::new).or(of_session.map(|(project, _)| project));
    let Some(directory) = directory.filter(|path| path.is_absolute()) else {
        return Err(Fault::params("`session`, or an absolute path as `workspace`, is wanted"));
    };
    let profile = params.profile.as_deref().or(of_session.map(|(_, profile)| profile));
    let wanted = Wanted { profile: profile.unwrap_or(DEFAULT_PROFILE), ..Wanted::default() };
    let (host, project) = of_project(Some(directory))?;
    let profile = wanted.settle(&host, &project)?;
    let argv = params.argv.iter().map(|word| word.decode()).collect::<Result<Vec<_>, _>>();
    let argv = argv.map_err(|why| Fault::params(format!("`argv`: {why}")))?;
    if argv.is_empty() {
        return Err(Fault::params("`argv` is empty"));
    }
    if argv.iter().any(|word| word.as_bytes().contains(&0)) {
        return Err(Error::Request("a word of the command holds a NUL byte".into()).into());
    }
    if params.cwd.as_ref().is_some_and(|cwd| cwd.contains('\0')) {
        return Err(Error::Request("the working directory holds a NUL byte".into()).into());
    }
    let cwd = params.cwd.as_ref().map_or_else(|| project.cwd.clone(), |cwd| project.cwd.join(cwd));
    let judgement = judge(&profile.commands, &argv, &params.env, begins(&project.root, &cwd));
    let rulings = judgement.rulings().iter().map(|ruling| RulingTold {
        segment: ruling.segment.clone(),
        decision: ruling.decision,
        rule: rule(ruling),
        reason: ruling.reason().to_owned(),
        line: ruling.line.clone(),
    });
    Ok(PolicyTold { decision: judgement.decision(), rulings: rulings.collect() })
}

/// Up to the line after which nobody wants to know.
fn audit_verify(params: &AuditVerify, is_wanted: &dyn Fn() -> bool) -> Result<AuditTold, Error> {
    let lines = Audit::of_caller()?.lines()?.take_while(|_| is_wanted());
    let verified = verify(lines, params.expect.as_deref())?;
    let Verified { lines, head, torn, fault } = verified;
    Ok(AuditTold {
        whole: fault.is_none(),
        lines,
        head,
        torn: torn.iter().map(ToString::to_string).collect(),
        fault: fault.as_ref().map(AuditFault::to_string),
    })
}
