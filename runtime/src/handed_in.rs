//! Sockets that whoever started us made before: `LISTEN_FDS`, as systemd does it.
//! <https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html>

use std::env;
use std::io;
use std::os::fd::{OwnedFd, RawFd};

use crate::sys::{close_range, duplicate, remove_variable};

/// The first of them.
const FIRST: RawFd = 3;
/// Nobody hands in more.
const MOST: RawFd = 64;
const VARIABLES: [&str; 3] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/// Takes them, each with the name that it was given, and removes the variables that tell of them: no process of ours
/// has either. Call it in a process with one thread.
pub fn take_handed_in() -> io::Result<Vec<(OwnedFd, String)>> {
    let told = VARIABLES.map(|name| env::var(name).ok());
    VARIABLES.iter().for_each(|name| remove_variable(name));
    let [pid, count, names] = told;
    let count = number_of(pid.as_deref(), count.as_deref(), std::process::id());
    let names = names.unwrap_or_default();
    let mut names = names.split(':');
    (FIRST..FIRST + count)
        .map(|number| {
            let taken = duplicate(number)?;
            close_range(number.unsigned_abs(), number.unsigned_abs(), 0)?;
            let name = names.next().filter(|name| !name.is_empty());
            Ok((taken, name.map_or_else(|| number.to_string(), str::to_owned)))
        })
        .collect()
}

/// How many were handed in to this process, and to no other one that started it.
fn number_of(pid: Option<&str>, count: Option<&str>, own: u32) -> RawFd {
    let is_ours = pid.and_then(|pid| pid.parse().ok()) == Some(own);
    let count = count.and_then(|count| count.parse().ok()).filter(|count| (0..=MOST).contains(count));
    if is_ours { count.unwrap_or(0) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::number_of;

    #[test]
    fn only_what_was_meant_for_this_process_is_taken() {
        assert_eq!(number_of(Some("7"), Some("2"), 7), 2);
        for (pid, count) in [
            (Some("8"), Some("2")),
            (None, Some("2")),
            (Some("7"), None),
            (Some("7"), Some("-1")),
            (Some("7"), Some("999999")),
        ] {
            assert_eq!(number_of(pid, count, 7), 0, "{pid:?} {count:?}");
        }
    }
}
