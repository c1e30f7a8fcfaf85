//! Finds and executes a program as `execvp(3)` does.

use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;

use crate::error::{AtStage as _, Failure, Stage};
use crate::spec::ExecSpec;
use crate::sys::{Texts, execve};

/// Where programs are looked for without a `PATH`, as `confstr(_CS_PATH)` has it.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// A program and where it is looked for, with all that takes memory done.
pub(crate) struct Program<'a> {
    spec: &'a ExecSpec,
    candidates: Vec<CString>,
    argv: Texts<'a>,
    environment: Texts<'a>,
    /// Whether the last thing that was done is to execute it: nothing was begun in memory that was not finished.
    is_last: AtomicBool,
}

impl<'a> Program<'a> {
    pub(crate) fn of(spec: &'a ExecSpec) -> Self {
        let candidates = candidates(name(spec), search_path(&spec.environment)).collect();
        let (argv, environment) = (Texts::of(&spec.argv), Texts::of(&spec.environment));
        Self { spec, candidates, argv, environment, is_last: AtomicBool::new(false) }
    }

    /// Whether a process that shared this memory, and is no more here, left it as it was: it became its program, or
    /// died in the call that does that, and had not failed before.
    pub(crate) fn has_left_memory_alone(&self) -> bool {
        self.is_last.load(Ordering::Relaxed)
    }

    /// Replaces the process by the command's program; returns only when none could be executed.
    ///
    /// A name without a slash is looked for along `PATH`. `EACCES` is told only when nothing better was
    /// found, as `execvp(3)` does; a text file without an interpreter line is run by `/bin/sh`.
    pub(crate) fn execute(&self) -> Result<Infallible, Failure> {
        let mut refused = None;
        for program in &self.candidates {
            match self.run(program) {
                Errno::ENOENT | Errno::ENOTDIR => {}
                Errno::EACCES => refused = Some(Errno::EACCES),
                other => return fail(other, name(self.spec)),
            }
        }
        fail(refused.unwrap_or(Errno::ENOENT), name(self.spec))
    }

    fn run(&self, program: &CStr) -> Errno {
        self.is_last.store(true, Ordering::Relaxed);
        let error = errno(&execve(program, &self.argv, &self.environment));
        self.is_last.store(false, Ordering::Relaxed);
        if error != Errno::ENOEXEC {
            return error;
        }
        let mut argv = vec![c"/bin/sh".to_owned(), program.to_owned()];
        argv.extend(self.spec.argv.iter().skip(1).cloned());
        errno(&execve(c"/bin/sh", &Texts::of(&argv), &self.environment))
    }
}

fn name(spec: &ExecSpec) -> &CStr {
    spec.argv.first().map(CString::as_c_str).unwrap_or_default()
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(libc::EINVAL))
}

fn search_path(environment: &[CString]) -> &[u8] {
    environment.iter().find_map(|entry| entry.as_bytes().strip_prefix(b"PATH=")).unwrap_or(DEFAULT_PATH)
}

fn candidates<'a>(name: &'a CStr, path: &'a [u8]) -> Box<dyn Iterator<Item = CString> + 'a> {
    if name.is_empty() {
        return Box::new(std::iter::empty());
    }
    if name.to_bytes().contains(&b'/') {
        return Box::new(std::iter::once(name.to_owned()));
    }
    // An empty or relative entry would mean the working directory, which the command's author fills.
    let directories = path.split(|byte| *byte == b':').filter(|entry| entry.starts_with(b"/"));
    Box::new(
        directories.filter_map(|directory| CString::new([directory, b"/", name.to_bytes()].concat()).ok()),
    )
}

fn fail(errno: Errno, name: &CStr) -> Result<Infallible, Failure> {
    Err(errno).at(Stage::Execute, || format!("execve({})", shown(name.to_bytes())))
}

/// A name for a message. No path is longer than `PATH_MAX`, and what a command says before it is executed
/// must fit the pipe to init, which may not be reading.
fn shown(name: &[u8]) -> String {
    match name.split_at_checked(libc::PATH_MAX as usize) {
        Some((start, [_, ..])) => format!("{}… of {} bytes", String::from_utf8_lossy(start), name.len()),
        _ => String::from_utf8_lossy(name).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{candidates, shown};

    #[test]
    fn relative_and_empty_path_entries_are_not_searched() {
        let found: Vec<_> = candidates(c"make", b"/usr/bin:.:::bin:/bin").collect();
        assert_eq!(found, [c"/usr/bin/make".to_owned(), c"/bin/make".to_owned()]);
    }

    #[test]
    fn a_name_that_no_file_can_have_is_shortened_and_that_is_said() {
        let long = "x".repeat(100_000);
        assert_eq!(shown(b"make"), "make");
        assert_eq!(shown(long.as_bytes()), format!("{}… of 100000 bytes", &long[..4096]));
    }

    #[test]
    fn a_name_with_a_slash_is_taken_as_it_is() {
        let found: Vec<_> = candidates(c"./make", b"/usr/bin").collect();
        assert_eq!(found, [c"./make".to_owned()]);
    }
}
