//! The caller's pager, chosen and started as git does.

use std::ffi::OsString;
use std::io::{self, BufWriter, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};

use nix::sys::signal::{SigSet, Signal};

use crate::error::Error;

/// A pager at work.
pub(super) struct Pager {
    child: Child,
    pub(super) out: BufWriter<ChildStdin>,
}

impl Pager {
    /// None where the caller wants none.
    pub(super) fn start() -> Result<Option<Self>, Error> {
        let Some(command) = chosen(&|name| std::env::var_os(name)) else { return Ok(None) };
        // The keys that interrupt are the pager's own as long as it is there.
        let signals: SigSet = [Signal::SIGINT, Signal::SIGQUIT].into_iter().collect();
        // Blocking valid signals cannot fail. The pager does not inherit it.
        let _ = signals.thread_block();
        let mut pager = Command::new("/bin/sh");
        pager.arg("-c").arg(command).stdin(Stdio::piped());
        for (name, value) in [("LESS", "FRX"), ("LV", "-c")] {
            if std::env::var_os(name).is_none() {
                pager.env(name, value);
            }
        }
        let mut child = pager.spawn().map_err(|error| Error::System("starting the pager", error))?;
        let out = child.stdin.take().map(BufWriter::new);
        Ok(out.map(|out| Self { child, out }))
    }

    /// Ends its input and waits until the reader has had enough.
    pub(super) fn close(self) -> io::Result<()> {
        let Self { mut child, mut out } = self;
        let flushed = out.flush();
        // The pipe goes even where it is full and nobody reads.
        drop(out.into_parts());
        child.wait()?;
        flushed
    }
}

fn chosen(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<OsString> {
    let pager = variable("GIT_PAGER").or_else(|| variable("PAGER")).unwrap_or_else(|| "less".into());
    (!pager.is_empty() && pager != "cat").then_some(pager)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pager_is_the_one_that_git_would_take() {
        let chosen = |set: &[(&str, &str)]| {
            let variable = |name: &str| {
                set.iter().find(|(one, _)| *one == name).map(|(_, value)| OsString::from(*value))
            };
            chosen(&variable).map(|pager| pager.to_string_lossy().into_owned())
        };
        assert_eq!(chosen(&[]).as_deref(), Some("less"));
        assert_eq!(chosen(&[("PAGER", "more")]).as_deref(), Some("more"));
        assert_eq!(chosen(&[("PAGER", "more"), ("GIT_PAGER", "most -s")]).as_deref(), Some("most -s"));
        assert_eq!(chosen(&[("PAGER", "more"), ("GIT_PAGER", "")]), None);
        assert_eq!(chosen(&[("PAGER", "cat")]), None);
    }
}
