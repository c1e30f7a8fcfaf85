//! What tells the processes of one exec from those of others that live beside it.
//!
//! `RLIMIT_RTTIME` bounds the processor time of real-time processes, and nobody may become one here. So its value
//! changes nothing, and every process hands it on to all that it begins, through double forks, new sessions and
//! daemons. The filter refuses to set it, and no process may set that of another.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

/// High enough to be in nobody's way, and told from every limit that a person sets.
const HIGHEST: u64 = 1 << 62;
/// How `/proc/PID/limits` names it.
const NAME: &str = "Max realtime timeout";

/// From where on the marks of this process' execs count down: a limit can be lowered only.
pub(crate) fn highest() -> u64 {
    getrlimit(Resource::RLIMIT_RTTIME).map_or(HIGHEST, |(_, hard)| hard.min(HIGHEST))
}

/// That of what works for init in a sandbox that lives on: of no exec, which count from 1, and none that a process has
/// whom nobody has marked. None where the caller's own limit leaves no room.
pub(crate) fn of_init() -> Option<u64> {
    of(highest(), 0)
}

/// That of an exec; none where the caller's own limit leaves no room for so many.
pub(crate) fn of(highest: u64, exec: u32) -> Option<u64> {
    highest.checked_sub(1 + u64::from(exec))
}

/// Marks the calling process as one that works for init.
pub(crate) fn put_of_init() -> nix::Result<()> {
    of_init().map_or(Ok(()), put)
}

/// Marks the calling process, and with it all that it will begin.
pub(crate) fn put(mark: u64) -> nix::Result<()> {
    setrlimit(Resource::RLIMIT_RTTIME, mark, mark)
}

/// Marks another process, and with it all that it will begin from then on. Its limit can only be lowered.
pub(crate) fn put_on(process: Pid, mark: u64) -> rustix::io::Result<()> {
    let limit = rustix::process::Rlimit { current: Some(mark), maximum: Some(mark) };
    let process = rustix::process::Pid::from_raw(process.as_raw());
    rustix::process::prlimit(process, rustix::process::Resource::Rttime, limit).map(drop)
}

/// The mark in the text of a `/proc/PID/limits`; none where it is not limited.
pub fn in_limits(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(NAME))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_works_for_init_has_the_mark_of_no_exec_and_not_what_all_have() {
        let own = of_init().expect("room");
        assert!(own < highest() && [1, 2, u32::MAX].iter().all(|exec| of(highest(), *exec) < Some(own)));
        assert_eq!([0, 1, 2, 3].map(|exec| of(3, exec)), [Some(2), Some(1), Some(0), None]);
    }

    #[test]
    fn a_mark_is_read_from_the_kernel_s_table() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max realtime priority     0                    0                    \n\
                    Max realtime timeout      4611686018427387896  4611686018427387896  us        \n";
        assert_eq!(in_limits(text), of(HIGHEST, 7));
        assert_eq!(
            in_limits("Max realtime timeout      unlimited            unlimited            us  \n"),
            None
        );
        assert_eq!(in_limits(""), None);
    }
}
