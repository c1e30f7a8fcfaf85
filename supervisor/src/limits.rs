//! By which means each limit is held: the strongest that the host gives, told as it is.

mod leaf;

use std::collections::BTreeMap;

use clearing_profiles::{LimitName, Limits, Profile, Requirement};
use clearing_runtime::cgroup::{self, Enforcement, Group, Groups, Kind, Leaf, Search, Version};
use clearing_runtime::spec::{Resource, ResourceLimit};
use clearing_runtime::{Failure, Guard, GuardReport, Sandbox};
use serde::{Serialize, Serializer};

use crate::error::{Error, chain};
use crate::quota::Quota;
use leaf::Leaves;

/// What holds a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum EnforcedBy {
    /// The kernel, for all processes as one.
    Cgroup2,
    /// The same with the older interface.
    Cgroup1,
    /// The kernel, for each process; that of processes for all of them.
    Rlimit,
    /// The kernel: a file system has no more room.
    Filesystem,
    /// The kernel: a project quota of the state directory's file system.
    Quota,
    /// The supervisor, which looks and kills.
    Watchdog,
    /// Nothing.
    None,
}

/// What became of one limit.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LimitReport {
    /// Bytes, milliseconds or a count; processors have a fraction.
    #[schemars(with = "f64")]
    pub(crate) limit: Amount,
    /// What holds it.
    pub(crate) enforced_by: EnforcedBy,
    /// Why nothing stronger does, or what that leaves open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}

/// A limit in its own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Amount {
    /// Bytes, milliseconds or a count.
    Whole(u64),
    /// Of one processor.
    Thousandths(u64),
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(amount) => serializer.serialize_u64(*amount),
            Self::Thousandths(amount) => serializer.serialize_f64(*amount as f64 / 1000.0),
        }
    }
}

/// What became of every limit that is set.
pub(crate) type LimitReports = BTreeMap<LimitName, LimitReport>;

/// The control group of a run, or why it has none.
pub(crate) struct Hold {
    group: Option<Group>,
    /// Of commands that have other limits than the sandbox.
    leaves: Leaves,
    asked: cgroup::Limits,
    /// Processes in it that are none of a command's, beside init.
    ours: u64,
    required: bool,
    /// Why nothing stronger than rlimits and the watchdog is used.
    why: String,
    /// Milliseconds that a service manager took to give us a place for groups.
    pub(crate) manager_ms: Option<u64>,
}

impl Hold {
    /// Makes a group where the limits are worth one: joining it takes the kernel up to 10 ms, so limits
    /// that nobody asked for are held without.
    pub(crate) fn of(limits: &Limits) -> Result<Self, Error> {
        Self::made_by(limits, 0, Groups::create)
    }

    /// The same for a sandbox that lives on, where init has help, and a command may have limits of its own.
    pub(crate) fn of_living(limits: &Limits) -> Result<Self, Error> {
        Self::made_by(limits, 1, Groups::create_with_leaves)
    }

    fn made_by(limits: &Limits, ours: u64, create: Create) -> Result<Self, Error> {
        let asked = asked(limits);
        let required = limits.cgroup == Requirement::Required;
        let (leaves, why) = (Leaves::default(), UNASKED.to_owned());
        let mut hold = Self { group: None, leaves, asked, ours, required, why, manager_ms: None };
        if asked != cgroup::Limits::default() && (required || is_asked_for(limits)) {
            hold.make(create)?;
        }
        Ok(hold)
    }

    fn make(&mut self, create: Create) -> Result<(), Error> {
        // Without an address there is nobody to be asked.
        let ask_manager = MANAGERS.iter().any(|name| std::env::var_os(name).is_some());
        let made = Groups::find(Search { ask_manager, only: None })
            .map_err(|unavailable| chain(&unavailable))
            .and_then(|groups| {
                let asked = groups.asked();
                self.manager_ms = asked.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
                create(&groups).map_err(|failure| failure.to_string())
            });
        match made {
            Ok(group) => self.group = Some(group),
            Err(why) if self.required => return Err(Error::NoCgroup(why)),
            Err(why) => self.why = why,
        }
        Ok(())
    }

    /// The group to launch the sandbox for.
    pub(crate) fn group(&self) -> Option<&Group> {
        self.group.as_ref()
    }

    /// Sets the limits of the group; what the kernel did not take is held otherwise, or refused.
    pub(crate) fn settle(&mut self, sandbox: &mut Sandbox) -> Result<(), Error> {
        let Some(group) = &mut self.group else { return Ok(()) };
        let processes = self.asked.processes.map(|count| count.saturating_add(self.ours));
        sandbox.limit(group, cgroup::Limits { processes, ..self.asked })?;
        let refused = group.enforced().iter().find_map(|limit| limit.taken.as_ref().err());
        match refused {
            Some(failure) if self.required => Err(Error::NoCgroup(failure.to_string())),
            _ => Ok(()),
        }
    }

    /// Whether the group holds this limit.
    pub(crate) fn holds(&self, kind: Kind) -> bool {
        self.group.as_ref().is_some_and(|group| group.holds(kind))
    }

    /// Whether the group holds this limit at no more than these limits say.
    pub(crate) fn holds_for(&self, kind: Kind, limits: &Limits) -> bool {
        self.holds(kind) && is_same(kind, &asked(limits), &self.asked)
    }

    /// Lets the group be the first to refuse a process: it counts that, and an rlimit does not.
    pub(crate) fn go_first(&self, rlimits: &mut [ResourceLimit]) {
        if self.holds(Kind::Processes) {
            let processes = rlimits.iter_mut().filter(|limit| limit.resource == Resource::Processes);
            processes.for_each(|limit| limit.value += 1);
        }
    }

    /// What became of each limit that is set.
    pub(crate) fn reports(&self, limits: &Limits, quota: &Quota, guards: &[GuardReport]) -> LimitReports {
        self.reports_in(None, limits, quota, guards)
    }

    /// The same of a command that may have a leaf.
    pub(crate) fn reports_in(
        &self,
        leaf: Option<&Leaf>,
        limits: &Limits,
        quota: &Quota,
        guards: &[GuardReport],
    ) -> LimitReports {
        let by_group = |kind, otherwise| self.by_group(kind, leaf, limits, otherwise);
        let each = EachProcess::of(guards);
        let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (layers, why) = quota.means();
        let written = |amount| LimitReport { why: why.clone(), ..report(amount, layers) };
        let watched = |amount| report(amount, EnforcedBy::Watchdog);
        let all = [
            (LimitName::Timeout, limits.timeout.map(|time| watched(milliseconds(time)))),
            (LimitName::Cpus, limits.cpus.map(|share| by_group(Kind::Cpu, held_by_nothing(share)))),
            (LimitName::CpuTime, limits.cpu_time.map(|time| watched(milliseconds(time)))),
            (LimitName::Memory, limits.memory.map(|bytes| by_group(Kind::Memory, watched(bytes)))),
            (LimitName::Processes, limits.processes.map(|n| by_group(Kind::Processes, each.report(n)))),
            (LimitName::Disk, limits.disk.map(written)),
            (LimitName::Inodes, limits.inodes.map(written)),
            (LimitName::Output, limits.output.map(watched)),
            (LimitName::FileSize, limits.file_size.map(|bytes| each.report(bytes))),
            (LimitName::Nofile, limits.nofile.map(|count| each.report(count))),
        ];
        all.into_iter().filter_map(|(name, report)| Some((name, report?))).collect()
    }

    /// What the group or the leaf holds, or `otherwise` and why.
    fn by_group(
        &self,
        kind: Kind,
        leaf: Option<&Leaf>,
        limits: &Limits,
        otherwise: LimitReport,
    ) -> LimitReport {
        let is_own = !is_same(kind, &asked(limits), &self.asked);
        let group = leaf.map(Leaf::group).or_else(|| self.group.as_ref().filter(|_| !is_own));
        let Some(taken) = group.and_then(|group| Some((group.version(), enforcement(group, kind)?))) else {
            let why = if is_own { self.why_no_leaf() } else { &self.why };
            return LimitReport { why: Some(why.to_owned()), ..otherwise };
        };
        let (version, enforced) = taken;
        let enforced_by = match (&enforced.taken, version) {
            (Err(failure), _) => return LimitReport { why: Some(failure.to_string()), ..otherwise },
            (Ok(_), Version::V2) => EnforcedBy::Cgroup2,
            (Ok(_), Version::V1) => EnforcedBy::Cgroup1,
        };
        // Its leaf lies in the sandbox's group.
        let less =
            leaf.filter(|_| self.holds(kind) && amount(kind, &self.asked) < amount(kind, &asked(limits)));
        let open = enforced.open.or(less.map(|_| LESS));
        LimitReport { enforced_by, why: open.map(str::to_owned), ..otherwise }
    }
}

/// How a group is made.
type Create = fn(&Groups) -> Result<Group, Failure>;

fn enforcement(group: &Group, kind: Kind) -> Option<&Enforcement> {
    group.enforced().iter().find(|limit| limit.kind == kind)
}

/// A share of the processors.
fn held_by_nothing(share: u64) -> LimitReport {
    LimitReport { limit: Amount::Thousandths(share), enforced_by: EnforcedBy::None, why: None }
}

/// The guard that sets the limits of each process.
struct EachProcess {
    missing: Option<String>,
}

impl EachProcess {
    fn of(guards: &[GuardReport]) -> Self {
        let guard = guards.iter().find(|report| report.guard == Guard::Rlimits);
        let missing = match guard {
            Some(report) if report.enforced => None,
            Some(report) => Some(report.detail.clone()),
            None => Some("the command was never started".to_owned()),
        };
        Self { missing }
    }

    fn report(&self, amount: u64) -> LimitReport {
        let enforced_by = if self.missing.is_none() { EnforcedBy::Rlimit } else { EnforcedBy::None };
        LimitReport { limit: Amount::Whole(amount), enforced_by, why: self.missing.clone() }
    }
}

/// What says where a user's service manager is.
const MANAGERS: [&str; 2] = ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"];
/// Of a limit of one command in a sandbox where others have other ones.
const OTHER: &str = "the sandbox's cgroup holds another limit, for all commands together";
/// Of a limit of one command that is more than that.
const LESS: &str = "the sandbox's cgroup holds less, for all commands together";
/// Of a limit that is the default profile's own.
const UNASKED: &str = "no cgroup is made for the default limits alone";

/// What a group is asked to hold.
fn asked(limits: &Limits) -> cgroup::Limits {
    cgroup::Limits {
        memory: limits.memory,
        processes: limits.processes,
        cpu: limits.cpus.and_then(|share| share.try_into().ok()),
    }
}

fn is_same(kind: Kind, one: &cgroup::Limits, other: &cgroup::Limits) -> bool {
    amount(kind, one) == amount(kind, other)
}

fn amount(kind: Kind, limits: &cgroup::Limits) -> Option<u64> {
    match kind {
        Kind::Memory => limits.memory,
        Kind::Processes => limits.processes,
        Kind::Cpu => limits.cpu.map(u64::from),
    }
}

fn report(amount: u64, enforced_by: EnforcedBy) -> LimitReport {
    LimitReport { limit: Amount::Whole(amount), enforced_by, why: None }
}

/// Whether somebody wants other limits than everybody gets.
fn is_asked_for(limits: &Limits) -> bool {
    Profile::builtin("default").is_ok_and(|default| {
        let of = |limits: &Limits| [limits.memory, limits.processes, limits.cpus];
        of(limits).iter().zip(of(&default.limits)).any(|(limit, common)| limit.is_some() && *limit != common)
    })
}
