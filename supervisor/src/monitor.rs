//! Looks at what a sandbox uses while its command runs, and says which limit is passed.
//!
//! What a control group counts is taken from there. Without one the supervisor looks through the
//! sandbox's own procfs: a quick sum that is never too small, and only where that is above the limit the
//! slow one, with every page counted once.

mod exact;
mod inside;
mod processes;
mod procfs;
mod room;
mod schedule;
mod shared;
mod walk;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use clearing_profiles::{LimitName, Limits};
use clearing_runtime::cgroup::{self, Group, Kind};
use clearing_runtime::{ExitStatus, Kept, Usage};

use crate::alerts::{Alert, Alerts};
use crate::limits::Hold;
use crate::place::Place;
use crate::stats::Stats;
use crate::usage::{Meter, Sample, UsageReport};
use processes::Processes;
use room::{Room, SetUp};
use schedule::Interval;
use shared::Descriptors;
use walk::Walk;

/// A limit that was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Breach {
    /// Which.
    pub(crate) limit: LimitName,
    /// So much is allowed.
    pub(crate) allowed: u64,
    /// So much was used when it was noticed.
    pub(crate) used: u64,
}

/// The watchdog of one run.
pub(crate) struct Monitor<'r> {
    limits: &'r Limits,
    group: Option<&'r Group>,
    /// Whether memory is ours to hold.
    holds_memory: bool,
    place: &'r Place,
    stats: Option<&'r Stats>,
    began: Option<Instant>,
    due: Option<Instant>,
    /// After an alarm, until when to look closely.
    alarmed: Option<Instant>,
    /// When enough time has passed since the last look, whatever happens.
    rested: Option<Instant>,
    interval: Interval,
    walk: Walk,
    set_up: SetUp,
    /// Looks in a row in which the memory was above its limit and may have been counted twice.
    doubts: u32,
    processors: u32,
    meter: Meter,
    alerts: Alerts,
    /// What was told last of the host's id of init, for the time of those whom it reaped.
    init: u32,
}

/// What was measured in the end.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    pub(crate) usage: UsageReport,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) events: cgroup::Events,
    /// Whether there were as many processes as there may be.
    pub(crate) processes_exhausted: bool,
    /// The limit of what is written, where nothing more could be.
    pub(crate) full: Option<Breach>,
    /// Bytes of the longest file, where that is limited and the command failed.
    pub(crate) longest_file: u64,
}

/// While a program is started by `vfork(2)` its memory shows twice; that lasts less than this altogether.
const MOST_DOUBTS: u32 = 1;
/// From one look to the next meanwhile, and after an alarm.
const HURRIED: Duration = Duration::from_millis(2);
/// How long after an alarm what rang may still be counted.
const ALARMED: Duration = Duration::from_millis(100);

impl<'r> Monitor<'r> {
    pub(crate) fn new(
        limits: &'r Limits,
        hold: &'r Hold,
        place: &'r Place,
        stats: Option<&'r Stats>,
    ) -> Self {
        Self {
            limits,
            group: hold.group(),
            holds_memory: limits.memory.is_some() && !hold.holds(Kind::Memory),
            place,
            stats,
            began: None,
            due: None,
            alarmed: None,
            rested: None,
            interval: Interval::new(),
            walk: Walk::default(),
            set_up: SetUp::default(),
            doubts: 0,
            processors: limits.cpu_time.map_or(1, |_| processors()),
            meter: Meter::default(),
            alerts: Alerts::default(),
            init: 0,
        }
    }

    /// The command runs, under the init that the host knows by this id.
    pub(crate) fn begin(&mut self, init: u32, kept: &Kept) {
        let now = Instant::now();
        if self.limits.inodes.is_some() {
            // What the command has made by now must not be among it.
            self.set_up = SetUp { in_memory: kept.files, on_disk: self.place.set_up_inodes() };
        }
        (self.began, self.init) = (Some(now), init);
        self.plan_next(now, &Sample::default(), None);
    }

    /// When to look next.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Readable when something happened at a limit of the group.
    pub(crate) fn alarm(&self) -> Option<BorrowedFd<'_>> {
        self.group.and_then(Group::alarm)
    }

    /// Looks at everything, if it is time to, with so many bytes of output handed on. Gives the limit that was
    /// passed, and what should be told.
    pub(crate) fn look(&mut self, kept: &Kept, output: u64) -> (Option<Breach>, Vec<Alert>) {
        let now = Instant::now();
        let Some(began) = self.began.filter(|_| self.due.is_some_and(|due| due <= now)) else {
            return (None, Vec::new());
        };
        let room = kept.memory.as_ref().and_then(Room::of);
        let mut sample = Sample { at: now - began, ..Sample::default() };
        let breach = self.measure(kept, room.as_ref(), &mut sample);
        self.meter.add(sample);
        if let Some(stats) = self.stats {
            stats.tell(&sample);
        }
        let (killed, mut alerts) = self.ask();
        let breach = killed.or(breach);
        if breach.is_none() {
            alerts.extend(self.alerts.near(&sample, output, self.limits));
        }
        self.plan_next(now, &sample, room.as_ref());
        (breach, alerts)
    }

    /// Something happened at a limit of the group. The kernel rings before it kills and counts, so the
    /// next looks are close. Who rings all the time does not get all of ours.
    pub(crate) fn heed(&mut self) {
        let now = Instant::now();
        let soonest = self.rested.map_or(now, |rested| rested.max(now));
        (self.due, self.alarmed) = (self.began.map(|_| soonest), Some(now + ALARMED));
    }

    /// Asks the group what happened.
    fn ask(&mut self) -> (Option<Breach>, Vec<Alert>) {
        let Some(group) = self.group else { return (None, Vec::new()) };
        let alerts = self.alerts.happened(group.events(), self.limits);
        (self.killed_by_kernel(), alerts)
    }

    fn killed_by_kernel(&self) -> Option<Breach> {
        let allowed = self.limits.memory.filter(|_| self.alerts.events().oom_kills > 0)?;
        let used = self.group?.sample().memory_peak.unwrap_or(allowed);
        Some(Breach { limit: LimitName::Memory, allowed, used })
    }

    fn measure(&mut self, kept: &Kept, room: Option<&Room>, sample: &mut Sample) -> Option<Breach> {
        let group = self.group.map(Group::sample).unwrap_or_default();
        let counted = group.memory.is_some() && group.cpu.is_some() && group.processes.is_some();
        let memory = match &kept.processes {
            Some(procfs) if self.holds_memory || self.place.is_on_disk() || !counted => {
                self.processes(procfs, kept, room, sample)
            }
            _ => None,
        };
        sample.memory = group.memory.unwrap_or(sample.memory);
        sample.cpu = group.cpu.map_or(sample.cpu, |cpu| cpu.total);
        sample.processes = group.processes.unwrap_or(sample.processes);
        let disk = self.written(kept, room, sample);
        memory.or(disk).or_else(|| self.processor_time(sample))
    }

    /// What the processes say, and whether they have more memory than they may.
    fn processes(
        &mut self,
        procfs: &OwnedFd,
        kept: &Kept,
        room: Option<&Room>,
        sample: &mut Sample,
    ) -> Option<Breach> {
        let all = Processes::read(procfs).ok()?;
        sample.processes = all.threads;
        sample.cpu = all.cpu + self.reaped_by_init();
        let borrowed = all.borrowed(procfs);
        let private = all.private.saturating_sub(borrowed.iter().map(|process| process.private).sum());
        let looked = self.holds_memory || self.place.is_on_disk();
        let files = if looked { Descriptors::of(procfs, &all.ids) } else { Descriptors::default() };
        self.walk.unlinked =
            room.filter(|_| self.place.is_on_disk()).map_or(0, |room| files.unlinked_beside(room.device));
        let named = room.map_or(0, |room| room.bytes) + shared::system_v(kept) + files.memory();
        sample.memory = private + all.kernel + named.max(all.mapped);
        let allowed = self.limits.memory.filter(|_| self.holds_memory)?;
        if private + all.kernel + named + all.mapped <= allowed {
            self.doubts = 0;
            return None;
        }
        sample.memory = all.kernel
            + named
            + exact::private_and_hidden(procfs, &all.owners(&borrowed), &files.memory_files);
        if sample.memory <= allowed {
            self.doubts = 0;
            return None;
        }
        self.doubts += 1;
        let certain = !all.has_twins() || self.doubts > MOST_DOUBTS;
        certain.then_some(Breach { limit: LimitName::Memory, allowed, used: sample.memory })
    }

    /// Init is nobody whom the command can see, and so not in the list.
    fn reaped_by_init(&self) -> Duration {
        processes::reaped_by(self.init).unwrap_or_default()
    }

    fn processor_time(&self, sample: &Sample) -> Option<Breach> {
        let allowed = self.limits.cpu_time.filter(|allowed| sample.cpu >= *allowed)?;
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Some(Breach {
            limit: LimitName::CpuTime,
            allowed: milliseconds(allowed),
            used: milliseconds(sample.cpu),
        })
    }

    /// What is written, in memory and on disk.
    fn written(&mut self, kept: &Kept, room: Option<&Room>, sample: &mut Sample) -> Option<Breach> {
        self.walk(kept);
        let (bytes, inodes) = room.map_or((0, 0), |room| (room.bytes, room.inodes));
        sample.disk = bytes + self.walk.written.bytes + self.walk.unlinked;
        sample.inodes = inodes.saturating_sub(self.set_up.in_memory)
            + self.walk.written.inodes.saturating_sub(self.set_up.on_disk);
        room.and_then(|room| room.full(self.limits)).or_else(|| self.too_much(sample))
    }

    /// What the kernel holds in memory by itself is the size.
    fn too_much(&self, sample: &Sample) -> Option<Breach> {
        let over = |limit, used, allowed: Option<u64>| {
            let allowed = allowed.filter(|allowed| used > *allowed)?;
            Some(Breach { limit, allowed, used })
        };
        over(LimitName::Disk, sample.disk, self.limits.disk.filter(|_| self.place.is_on_disk()))
            .or_else(|| over(LimitName::Inodes, sample.inodes, self.limits.inodes))
    }

    /// Walks over what is on disk, if there is something and it is time to.
    fn walk(&mut self, kept: &Kept) {
        let limited = self.limits.disk.is_some() || self.limits.inodes.is_some();
        if limited && self.place.is_on_disk() {
            self.walk.go_on(self.place, kept.processes.as_ref());
        }
    }

    fn plan_next(&mut self, looked: Instant, sample: &Sample, room: Option<&Room>) {
        let left = |limit: Option<u64>, used: u64| limit.map(|limit| limit.saturating_sub(used));
        let memory = left(self.limits.memory.filter(|_| self.holds_memory), sample.memory);
        let on_disk = left(self.limits.disk.filter(|_| self.place.is_on_disk()), sample.disk);
        let written = room.map(|room| room.left).into_iter().chain(on_disk);
        let cpu = self.limits.cpu_time.map(|limit| limit.saturating_sub(sample.cpu) / self.processors);
        let bytes = memory.into_iter().chain(written).min();
        let cost = looked.elapsed();
        let wait = self.interval.next(cost, bytes, cpu);
        let hurried = self.doubts > 0 || self.alarmed.is_some_and(|until| looked < until);
        let wait = if hurried { wait.min(HURRIED) } else { wait };
        let wait = self.stats.map_or(wait, |stats| wait.min(stats.every));
        // A turn of a walk is paid for by the walk's own pauses.
        let rest = schedule::rest(cost.saturating_sub(self.walk.turn));
        let wait = if self.walk.is_under_way() { wait.min(walk::PAUSE) } else { wait };
        let now = Instant::now();
        (self.rested, self.due) = (Some(now + rest), Some(now + wait.max(rest)));
    }

    /// The command has ended, the sandbox has not yet: what is left of it says what was in the way.
    pub(crate) fn finish(&mut self, kept: &Kept, status: ExitStatus, others: u64, over: bool) -> Finish {
        let room = kept.memory.as_ref().and_then(Room::of);
        let mut sample =
            Sample { at: self.began.map_or(Duration::ZERO, |began| began.elapsed()), ..Sample::default() };
        self.walk.do_all_at_once();
        let full = self.written(kept, room.as_ref(), &mut sample);
        if let Some(Ok(all)) = kept.processes.as_ref().filter(|_| !over).map(Processes::read) {
            self.meter.saw_cpu(all.cpu + self.reaped_by_init());
        }
        let failed = status != ExitStatus::Code(0);
        let longest_file = match self.limits.file_size.filter(|_| failed) {
            Some(_) => self.place.longest_file(kept.memory.as_ref().map(AsFd::as_fd)),
            None => 0,
        };
        let peak = self.meter.peak();
        let most = peak.processes.max(others + 1);
        Finish {
            full,
            disk: sample.disk,
            longest_file,
            processes_exhausted: self.limits.processes.is_some_and(|allowed| most >= allowed),
        }
    }

    /// Everything that was measured, once the sandbox has ended.
    pub(crate) fn into_measured(mut self, finish: Finish, reaped: Usage) -> Measured {
        let lasted = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        let group = self.group.map(Group::sample);
        if let Some(group) = self.group {
            self.alerts.happened(group.events(), self.limits);
        }
        // Who ignores SIGXFSZ is told `EFBIG`, and may have failed for that.
        let longest = Sample { file: finish.longest_file, ..Sample::default() };
        self.alerts.near(&longest, 0, self.limits);
        let mut usage = self.meter.report(reaped, lasted, group.as_ref());
        usage.saw_disk(finish.disk);
        let events = *self.alerts.events();
        Measured {
            usage,
            events,
            alerts: self.alerts.into_all(),
            processes_exhausted: if self.group.is_some() && events.forks_refused > 0 {
                true
            } else {
                finish.processes_exhausted
            },
            full: finish.full,
            longest_file: finish.longest_file,
        }
    }
}

/// What was seen when the command had ended.
#[derive(Debug, Default)]
pub(crate) struct Finish {
    full: Option<Breach>,
    disk: u64,
    longest_file: u64,
    processes_exhausted: bool,
}

/// How many can work at a time, and so how fast processor time passes.
fn processors() -> u32 {
    let online = nix::unistd::sysconf(nix::unistd::SysconfVar::_NPROCESSORS_ONLN);
    online.ok().flatten().and_then(|count| u32::try_from(count).ok()).unwrap_or(1).max(1)
}
