//! Why a command ended, in words, with the option that gives it more.

use clearing_profiles::LimitName;

use crate::alerts::{amount, gives_more, name};
use crate::monitor::Breach;
use crate::outcome::{Cause, Outcome};

/// A line and a hint for an end at a limit; other ends speak for themselves.
pub(crate) fn text(outcome: &Outcome) -> Option<String> {
    of_breach(outcome.cause, outcome.exceeded?)
}

/// The same by what the outcome has of it.
pub(crate) fn of_breach(cause: Cause, breach: Breach) -> Option<String> {
    let Breach { limit, allowed, used } = breach;
    let (used, most) = (amount(limit, used), amount(limit, allowed));
    let what = match cause {
        Cause::Oom => format!("out of memory: it used {used}, and {most} is the limit"),
        Cause::Pids => format!("it was refused another process: {most} is the limit"),
        Cause::Disk if limit == LimitName::FileSize => format!("a file reached the limit of {most}"),
        Cause::Disk => format!("no room for what it writes: {} reached the limit of {most}", name(limit)),
        Cause::Output => format!("its output reached the limit of {most}; the rest is dropped"),
        Cause::Timeout => format!("ended at its deadline, after {most}"),
        Cause::CpuTime => format!("it used {used} of processor time, and {most} is the limit"),
        _ => return None,
    };
    Some(format!("{what}\nhint: {}\n", gives_more(limit, allowed)))
}
