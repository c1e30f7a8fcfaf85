//! Looks at what a sandbox uses while its command runs, and says which limit is passed.
//!
//! What a control group counts is taken from there. Without one the supervisor looks through the
//! sandbox's own procfs: a quick sum that is never too small, and only where that is above the limit the
//! slow one, with every page counted once.

mod breach;
mod exact;
mod inside;
mod processes;
mod procfs;
mod room;
mod scene;
mod schedule;
mod shared;
mod walk;

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use clearing_profiles::{LimitName, Limits};
use clearing_runtime::cgroup::{self, Group, Kind};
use clearing_runtime::{ExitStatus, Usage};

use crate::alerts::{Alert, Alerts};
use crate::limits::Hold;
use crate::stats::Stats;
use crate::usage::{Meter, Sample, UsageReport};
pub(crate) use breach::Breach;
pub(crate) use inside::add_up;
use processes::Processes;
use room::{Room, SetUp};
use scene::reaped_by_init;
pub(crate) use scene::{Beside, Counted, Scene};
use schedule::Interval;
use shared::Descriptors;
use walk::Walk;

/// The watchdog of one command.
pub(crate) struct Monitor {
    limits: Limits,
    /// Whether memory is ours to hold.
    holds_memory: bool,
    stats: Option<Stats>,
    /// What the group had counted before, where that is known.
    before: Option<cgroup::Events>,
    /// When the command was asked for, where that is known.
    asked: Option<Instant>,
    /// The same once it is known to run, or since when that is; nothing is looked at before.
    began: Option<Instant>,
    due: Option<Instant>,
    /// After an alarm, until when to look closely.
    alarmed: Option<Instant>,
    /// When enough time has passed since the last look, whatever happens.
    rested: Option<Instant>,
    interval: Interval,
    walk: Walk,
    set_up: SetUp,
    /// Since when the memory is above its limit at each look, and may be counted twice.
    doubted: Option<Instant>,
    processors: u32,
    meter: Meter,
    alerts: Alerts,
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

/// From one look to the next meanwhile, and after an alarm.
const HURRIED: Duration = Duration::from_millis(2);
/// How long after an alarm what rang may still be counted.
const ALARMED: Duration = Duration::from_millis(100);

impl Monitor {
    pub(crate) fn new(limits: &Limits, hold: &Hold, stats: Option<&Stats>) -> Self {
        Self {
            limits: limits.clone(),
            holds_memory: limits.memory.is_some() && !hold.holds_for(Kind::Memory, limits),
            stats: stats.cloned(),
            before: None,
            asked: None,
            began: None,
            due: None,
            alarmed: None,
            rested: None,
            interval: Interval::new(),
            walk: Walk::default(),
            set_up: SetUp::default(),
            doubted: None,
            processors: limits.cpu_time.map_or(1, |_| processors()),
            meter: Meter::default(),
            alerts: Alerts::default(),
        }
    }

    /// The same of a command that may have a leaf.
    pub(crate) fn in_leaf(self, leaf: Option<&Group>) -> Self {
        let holds_memory = self.holds_memory && !leaf.is_some_and(|leaf| leaf.holds(Kind::Memory));
        Self { holds_memory, ..self }
    }

    /// The same of a command that is asked for at that time: its beginning may be told later. What the group had counted
    /// by then is known where nobody else can have it count anything.
    pub(crate) fn asked_for(self, at: Instant, before: Option<cgroup::Events>) -> Self {
        Self { asked: Some(at), before, ..self }
    }

    /// What a command left runs on.
    pub(crate) fn go_on(&mut self, scene: Scene<'_>) {
        self.begin(scene);
        self.before = scene.counted.nearest().map(Group::events);
    }

    /// The command runs.
    pub(crate) fn begin(&mut self, scene: Scene<'_>) {
        let now = Instant::now();
        if self.limits.inodes.is_some() {
            // What the command has made by now must not be among it.
            self.set_up = SetUp { in_memory: scene.kept.files, on_disk: scene.place.set_up_inodes() };
        }
        // A leaf is new.
        let shared = scene.counted.sandbox.filter(|_| scene.beside != Beside::NeverAnything);
        if let Some(group) = shared.filter(|_| scene.counted.leaf.is_none()) {
            self.before.get_or_insert_with(|| group.events());
        }
        self.began = self.asked.or(Some(now));
        self.plan_next(now, &Sample::default(), None, scene);
    }

    /// When to look next.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Looks at everything, if it is time to, with so many bytes of output handed on. Gives the limit that was
    /// passed, and what should be told.
    pub(crate) fn look(&mut self, scene: Scene<'_>, output: u64) -> (Option<Breach>, Vec<Alert>) {
        let now = Instant::now();
        let Some(began) = self.began.filter(|_| self.due.is_some_and(|due| due <= now)) else {
            return (None, Vec::new());
        };
        let room = scene.kept.memory.as_ref().and_then(Room::of);
        let mut sample = Sample { at: now - began, ..Sample::default() };
        let breach = self.measure(scene, room.as_ref(), &mut sample);
        self.meter.add(sample);
        if let Some(stats) = &self.stats {
            stats.tell(&sample);
        }
        let (killed, mut alerts) = self.ask(scene);
        let breach = killed.or(breach);
        if breach.is_none() {
            alerts.extend(self.alerts.near(&sample, output, &self.limits));
        }
        self.plan_next(now, &sample, room.as_ref(), scene);
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
    fn ask(&mut self, scene: Scene<'_>) -> (Option<Breach>, Vec<Alert>) {
        let Some(group) = scene.counted.nearest() else { return (None, Vec::new()) };
        let alerts = self.alerts.happened(self.since(group.events()), &self.limits);
        (self.killed_by_kernel(scene), alerts)
    }

    /// Of what a group counted, what is new since the command began.
    fn since(&self, events: cgroup::Events) -> cgroup::Events {
        let before = self.before.unwrap_or_default();
        cgroup::Events {
            oom_kills: events.oom_kills.saturating_sub(before.oom_kills),
            forks_refused: events.forks_refused.saturating_sub(before.forks_refused),
            ..events
        }
    }

    /// Beside others in one group nobody knows whose process it was.
    fn killed_by_kernel(&self, scene: Scene<'_>) -> Option<Breach> {
        if scene.counted.leaf.is_none() && matches!(scene.beside, Beside::Others { .. }) {
            return None;
        }
        let allowed = self.limits.memory.filter(|_| self.alerts.events().oom_kills > 0)?;
        let used = scene.counted.nearest()?.sample().memory_peak.unwrap_or(allowed);
        Some(Breach { limit: LimitName::Memory, allowed, used })
    }

    fn measure(&mut self, scene: Scene<'_>, room: Option<&Room>, sample: &mut Sample) -> Option<Breach> {
        let group = scene.counted.own(scene.beside).map(Group::sample).unwrap_or_default();
        let counted = group.memory.is_some() && group.cpu.is_some() && group.processes.is_some();
        let memory = match &scene.kept.processes {
            Some(procfs) if self.holds_memory || scene.place.is_on_disk() || !counted => {
                self.processes(procfs, scene, room, sample)
            }
            _ => None,
        };
        sample.memory = group.memory.unwrap_or(sample.memory);
        sample.cpu = group.cpu.map_or(sample.cpu, |cpu| cpu.total);
        sample.processes = group.processes.unwrap_or(sample.processes);
        let disk = self.written(scene, room, sample);
        memory.or(disk).or_else(|| self.processor_time(sample))
    }

    /// What the processes say, and whether they have more memory than they may.
    fn processes(
        &mut self,
        procfs: &OwnedFd,
        scene: Scene<'_>,
        room: Option<&Room>,
        sample: &mut Sample,
    ) -> Option<Breach> {
        let is_on_disk = scene.place.is_on_disk();
        let all = Processes::read(procfs, scene.beside.mark(), scene.kept).ok()?;
        sample.processes = all.threads;
        sample.cpu = all.cpu + reaped_by_init(scene);
        let borrowed = all.borrowed(procfs);
        let private = all.private.saturating_sub(borrowed.iter().map(|process| process.private).sum());
        let looked = self.holds_memory || is_on_disk;
        let files = if looked { Descriptors::of(procfs, &all.ids) } else { Descriptors::default() };
        self.walk.unlinked = room.filter(|_| is_on_disk).map_or(0, |room| files.unlinked_beside(room.device));
        let named = match scene.beside {
            // Of what has a name nobody knows whose it is.
            Beside::Others { .. } => files.memory(),
            _ => room.map_or(0, |room| room.bytes) + shared::system_v(scene.kept) + files.memory(),
        };
        sample.memory = private + all.kernel + named.max(all.mapped);
        let allowed = self.limits.memory.filter(|_| self.holds_memory)?;
        if private + all.kernel + named + all.mapped <= allowed {
            self.doubted = None;
            return None;
        }
        let owners = all.owners(&borrowed);
        let exact = exact::private_and_hidden(procfs, &owners, &files.memory_files);
        sample.memory = all.kernel + named + exact;
        if sample.memory <= allowed {
            self.doubted = None;
            return None;
        }
        let certain = self.is_certain(sample.memory, all.doubtful(&owners), allowed);
        certain.then_some(Breach { limit: LimitName::Memory, allowed, used: sample.memory })
    }

    /// Whether there is more memory than may be, with so much of it that may have been counted twice: that explains no
    /// more than twice as much, and not for longer than a program takes to start.
    fn is_certain(&mut self, used: u64, doubtful: u64, allowed: u64) -> bool {
        let doubted = self.doubted.get_or_insert_with(Instant::now).elapsed();
        let is_more_than_twice = doubted >= HURRIED && used / 2 > allowed;
        used.saturating_sub(doubtful) > allowed || is_more_than_twice || doubted > processes::SOON
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
    fn written(&mut self, scene: Scene<'_>, room: Option<&Room>, sample: &mut Sample) -> Option<Breach> {
        self.walk(scene);
        let (bytes, inodes) = room.map_or((0, 0), |room| (room.bytes, room.inodes));
        sample.disk = bytes + self.walk.written.bytes + self.walk.unlinked;
        sample.inodes = inodes.saturating_sub(self.set_up.in_memory)
            + self.walk.written.inodes.saturating_sub(self.set_up.on_disk);
        room.and_then(|room| room.full(&self.limits)).or_else(|| self.too_much(scene, sample))
    }

    /// What the kernel holds in memory by itself is the size.
    fn too_much(&self, scene: Scene<'_>, sample: &Sample) -> Option<Breach> {
        let over = |limit, used, allowed: Option<u64>| {
            let allowed = allowed.filter(|allowed| used > *allowed)?;
            Some(Breach { limit, allowed, used })
        };
        over(LimitName::Disk, sample.disk, self.limits.disk.filter(|_| scene.place.is_on_disk()))
            .or_else(|| over(LimitName::Inodes, sample.inodes, self.limits.inodes))
    }

    /// Walks over what is on disk, if there is something and it is time to.
    fn walk(&mut self, scene: Scene<'_>) {
        let limited = self.limits.disk.is_some() || self.limits.inodes.is_some();
        if limited && scene.place.is_on_disk() {
            self.walk.go_on(scene.place, scene.kept.processes.as_ref());
        }
    }

    fn plan_next(&mut self, looked: Instant, sample: &Sample, room: Option<&Room>, scene: Scene<'_>) {
        let left = |limit: Option<u64>, used: u64| limit.map(|limit| limit.saturating_sub(used));
        let memory = left(self.limits.memory.filter(|_| self.holds_memory), sample.memory);
        let on_disk = left(self.limits.disk.filter(|_| scene.place.is_on_disk()), sample.disk);
        let written = room.map(|room| room.left).into_iter().chain(on_disk);
        let cpu = self.limits.cpu_time.map(|limit| limit.saturating_sub(sample.cpu) / self.processors);
        let bytes = memory.into_iter().chain(written).min();
        // All looks together take no more than that of one command may.
        let cost = looked.elapsed() * scene.beside.watched();
        let wait = self.interval.next(cost, bytes, cpu);
        let hurried = self.doubted.is_some() || self.alarmed.is_some_and(|until| looked < until);
        let wait = if hurried { wait.min(HURRIED) } else { wait };
        let wait = self.stats.as_ref().map_or(wait, |stats| wait.min(stats.every));
        // A turn of a walk is paid for by the walk's own pauses.
        let rest = schedule::rest(cost.saturating_sub(self.walk.turn));
        let wait = if self.walk.is_under_way() { wait.min(walk::PAUSE) } else { wait };
        let now = Instant::now();
        (self.rested, self.due) = (Some(now + rest), Some(now + wait.max(rest)));
    }

    /// The command has ended, the sandbox has not yet: what is left of it says what was in the way.
    pub(crate) fn finish(&mut self, scene: Scene<'_>, status: ExitStatus, others: u64, over: bool) -> Finish {
        let room = scene.kept.memory.as_ref().and_then(Room::of);
        let mut sample =
            Sample { at: self.began.map_or(Duration::ZERO, |began| began.elapsed()), ..Sample::default() };
        self.walk.do_all_at_once();
        let full = self.written(scene, room.as_ref(), &mut sample);
        let mark = scene.beside.mark();
        let left = scene.kept.processes.as_ref().filter(|_| !over);
        if let Some(Ok(all)) = left.map(|procfs| Processes::read(procfs, mark, scene.kept)) {
            self.meter.saw_cpu(all.cpu + reaped_by_init(scene));
        }
        let failed = status != ExitStatus::Code(0);
        let longest_file = match self.limits.file_size.filter(|_| failed) {
            Some(_) => scene.place.longest_file(scene.kept.memory.as_ref().map(AsFd::as_fd)),
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

    /// Everything that was measured, once the command has ended.
    pub(crate) fn into_measured(
        mut self,
        counted: Counted<'_>,
        beside: Beside,
        finish: Finish,
        reaped: Usage,
    ) -> Measured {
        let lasted = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        if let Some(group) = counted.nearest() {
            self.alerts.happened(self.since(group.events()), &self.limits);
        }
        let sampled = counted.own(beside).map(Group::sample);
        // Who ignores SIGXFSZ is told `EFBIG`, and may have failed for that.
        let longest = Sample { file: finish.longest_file, ..Sample::default() };
        self.alerts.near(&longest, 0, &self.limits);
        let mut usage = self.meter.report(reaped, lasted, sampled.as_ref());
        usage.saw_disk(finish.disk);
        let events = *self.alerts.events();
        Measured {
            usage,
            events,
            alerts: self.alerts.into_all(),
            // How many there are in the whole sandbox says nothing of a leaf.
            processes_exhausted: events.forks_refused > 0
                || counted.leaf.is_none() && finish.processes_exhausted,
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
