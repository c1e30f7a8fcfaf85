//! Why a command ended, told apart from how: an end at a limit is never "signal 9".

use std::time::Duration;

use clearing_profiles::{LimitName, Limits};
use clearing_runtime::ExitStatus;
use nix::libc::{SIGKILL, SIGXCPU, SIGXFSZ};

use crate::exit_code;
use crate::monitor::Breach;
use crate::outcome::Cause;
use crate::watch::End;

/// The cause, with the command's own code or signal, and the limit if it was one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) cause: Cause,
    pub(crate) exit_code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) exceeded: Option<Breach>,
}

/// Judges what was seen. What ended the command comes before what stood in its way.
pub(crate) fn judge(end: &End, limits: &Limits) -> Verdict {
    let (code, signal) = match end.status {
        Some(ExitStatus::Code(code)) => (Some(code), None),
        Some(ExitStatus::Signal(signal)) => (None, Some(signal)),
        None => (None, None),
    };
    if let Some(failure) = &end.failure {
        let code = exit_code::of_failure(failure).into();
        return Verdict { cause: Cause::Setup, exit_code: Some(code), signal: None, exceeded: None };
    }
    if end.cancelled {
        return Verdict { cause: Cause::Cancelled, exit_code: code, signal, exceeded: None };
    }
    let exceeded = late(end, limits).or_else(|| ended_by(end, limits)).or_else(|| in_the_way(end, limits));
    let cause = match exceeded {
        Some(breach) => cause_of(breach.limit),
        None if code.is_some() => Cause::Exit,
        None if signal.is_some() => Cause::Signal,
        None => Cause::Init,
    };
    Verdict { cause, exit_code: code, signal, exceeded }
}

/// The deadline, where there is one and it passed.
fn late(end: &End, limits: &Limits) -> Option<Breach> {
    let allowed = milliseconds(limits.timeout.filter(|_| end.timed_out)?);
    Some(Breach { limit: LimitName::Timeout, allowed, used: allowed })
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The limit for which the supervisor or the kernel ended the command.
fn ended_by(end: &End, limits: &Limits) -> Option<Breach> {
    let output = limits.output.filter(|_| end.truncated.any()).map(|allowed| Breach {
        limit: LimitName::Output,
        allowed,
        used: allowed + end.truncated.bytes(),
    });
    let killed = end.status.is_none_or(|status| status == ExitStatus::Signal(SIGKILL));
    let memory = limits.memory.filter(|_| killed && !end.timed_out && end.measured.events.oom_kills > 0);
    let memory = memory.map(|allowed| Breach {
        limit: LimitName::Memory,
        allowed,
        used: end.measured.usage.peak_memory,
    });
    end.breach.or(output).or(memory).or_else(|| by_signal(end, limits))
}

/// The kernel's own limits of one process end it by a signal.
fn by_signal(end: &End, limits: &Limits) -> Option<Breach> {
    let Some(ExitStatus::Signal(signal)) = end.status else { return None };
    let breach = |limit, allowed, used| Breach { limit, allowed, used };
    match signal {
        SIGXFSZ => limits.file_size.map(|allowed| breach(LimitName::FileSize, allowed, allowed)),
        SIGXCPU | SIGKILL => {
            let allowed = limits.cpu_time.map(milliseconds)?;
            let used = end.measured.usage.cpu_ms();
            (used >= allowed && !end.timed_out).then(|| breach(LimitName::CpuTime, allowed, used))
        }
        _ => None,
    }
}

/// The limit that a command which failed by itself had come to, or that it had passed before anybody saw.
fn in_the_way(end: &End, limits: &Limits) -> Option<Breach> {
    if let Some(passed) = end.measured.full.filter(|full| full.used > full.allowed) {
        return Some(passed);
    }
    let failed = !matches!(end.status, Some(ExitStatus::Code(0)) | None) && !end.timed_out;
    let measured = Some(&end.measured).filter(|_| failed)?;
    let processes = limits.processes.filter(|_| measured.processes_exhausted).map(|allowed| Breach {
        limit: LimitName::Processes,
        allowed,
        used: allowed,
    });
    measured.full.or(processes).or_else(|| file_at_its_limit(end, limits))
}

/// A shell tells of the signal that ended its child by its own code; a file stands at the limit then.
fn file_at_its_limit(end: &End, limits: &Limits) -> Option<Breach> {
    let told = end.status == Some(ExitStatus::Code(128 + SIGXFSZ));
    let allowed = limits.file_size.filter(|allowed| told && end.measured.longest_file >= *allowed)?;
    Some(Breach { limit: LimitName::FileSize, allowed, used: allowed })
}

fn cause_of(limit: LimitName) -> Cause {
    match limit {
        LimitName::Memory => Cause::Oom,
        LimitName::Processes => Cause::Pids,
        LimitName::CpuTime => Cause::CpuTime,
        LimitName::Output => Cause::Output,
        LimitName::Disk | LimitName::Inodes | LimitName::FileSize => Cause::Disk,
        LimitName::Timeout | LimitName::Cpus | LimitName::Nofile => Cause::Timeout,
    }
}

#[cfg(test)]
mod tests {
    use clearing_profiles::Profile;

    use super::*;

    fn limits() -> Limits {
        let mut limits = Profile::builtin("default").expect("built in").limits;
        limits.set(LimitName::FileSize, "1M").expect("a size");
        limits
    }

    fn ended(status: ExitStatus) -> End {
        End { status: Some(status), ..End::default() }
    }

    const BREACH: Breach = Breach { limit: LimitName::Memory, allowed: 1, used: 2 };

    #[test]
    fn what_the_watchdog_killed_ended_at_its_limit() {
        let end = End { breach: Some(BREACH), ..ended(ExitStatus::Signal(SIGKILL)) };
        let verdict = judge(&end, &limits());
        assert_eq!((verdict.cause, verdict.exceeded), (Cause::Oom, Some(BREACH)));
    }

    #[test]
    fn what_was_cancelled_is_that_however_it_ended() {
        let end = End { cancelled: true, ..ended(ExitStatus::Code(0)) };
        assert_eq!(judge(&end, &limits()).cause, Cause::Cancelled);
        let end = End { cancelled: true, ..ended(ExitStatus::Signal(SIGKILL)) };
        assert_eq!(
            (judge(&end, &limits()).cause, judge(&end, &limits()).signal),
            (Cause::Cancelled, Some(SIGKILL))
        );
    }

    #[test]
    fn a_signal_without_a_limit_is_a_signal() {
        let verdict = judge(&ended(ExitStatus::Signal(SIGKILL)), &limits());
        assert_eq!((verdict.cause, verdict.signal), (Cause::Signal, Some(SIGKILL)));
    }

    #[test]
    fn a_kill_of_the_kernel_s_is_for_memory_if_it_counted_one() {
        let mut end = ended(ExitStatus::Signal(SIGKILL));
        end.measured.events.oom_kills = 1;
        assert_eq!(judge(&end, &limits()).cause, Cause::Oom);
        end.status = Some(ExitStatus::Code(0));
        assert_eq!(judge(&end, &limits()).cause, Cause::Exit);
        end.status = None;
        assert_eq!(judge(&end, &limits()).cause, Cause::Oom);
    }

    #[test]
    fn a_full_disk_is_the_cause_of_a_failure_and_of_nothing_else() {
        let full = Some(Breach { limit: LimitName::Disk, allowed: 2, used: 2 });
        let mut end = ended(ExitStatus::Code(1));
        end.measured.full = full;
        let verdict = judge(&end, &limits());
        assert_eq!((verdict.cause, verdict.exit_code, verdict.exceeded), (Cause::Disk, Some(1), full));
        end.status = Some(ExitStatus::Code(0));
        assert_eq!(judge(&end, &limits()).cause, Cause::Exit);
    }

    #[test]
    fn a_limit_that_was_passed_is_told_though_the_command_succeeded() {
        let full = Some(Breach { limit: LimitName::Disk, ..BREACH });
        let mut end = ended(ExitStatus::Code(0));
        end.measured.full = full;
        let verdict = judge(&end, &limits());
        assert_eq!((verdict.cause, verdict.exit_code, verdict.exceeded), (Cause::Disk, Some(0), full));
    }

    #[test]
    fn a_file_that_grew_too_large_is_no_mere_signal() {
        let verdict = judge(&ended(ExitStatus::Signal(SIGXFSZ)), &limits());
        let told = (verdict.cause, verdict.signal, verdict.exceeded.map(|breach| breach.limit));
        assert_eq!(told, (Cause::Disk, Some(SIGXFSZ), Some(LimitName::FileSize)));
    }

    #[test]
    fn a_shell_that_tells_of_a_child_at_the_limit_is_believed_if_a_file_is_there() {
        let mut end = ended(ExitStatus::Code(128 + SIGXFSZ));
        let limit = |end: &End| judge(end, &limits()).exceeded.map(|breach| breach.limit);
        assert_eq!(limit(&end), None);
        end.measured.longest_file = 1 << 20;
        assert_eq!(limit(&end), Some(LimitName::FileSize));
        end.status = Some(ExitStatus::Code(1));
        assert_eq!(limit(&end), None);
    }
}
