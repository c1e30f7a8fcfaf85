//! The search behind [`tool_roots`](crate::tool_roots): from an entry of `PATH` to what must be shown for it.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;
use rustix::io::Errno;

use crate::descent::entries;
use crate::files::{canonical, is_under, normalize, open_directory, path_of, read_regular};
use crate::layouts::{LAYOUTS, Layout, Shows};
use crate::places::Places;
use crate::reach::{Visitor, closed_on_the_way};
use crate::tools::{Skipped, ToolRequest, ToolRoot, ToolRoots, in_base};

/// What has been found so far.
pub(crate) struct Finder<'a> {
    request: &'a ToolRequest<'a>,
    places: Places,
    /// Where a variable moves a layout, by index.
    moved: Vec<(usize, PathBuf)>,
    shown: Vec<usize>,
    found: ToolRoots,
}

impl<'a> Finder<'a> {
    pub(crate) fn new(request: &'a ToolRequest<'a>) -> Self {
        let moved = LAYOUTS.iter().enumerate().filter_map(|(index, layout)| {
            let directory = PathBuf::from((request.environment)(layout.variable?)?);
            directory.is_absolute().then(|| (index, normalize(&directory)))
        });
        let moved = moved.collect();
        let places = Places::new(request.home, request.state);
        Self { request, places, moved, shown: Vec::new(), found: ToolRoots::default() }
    }

    /// Shows what programs in `entry`, an absolute directory, need.
    pub(crate) fn add_entry(&mut self, entry: &Path) -> Result<(), Skipped> {
        if entry.starts_with(self.request.project) {
            self.show_python_of_project(entry);
        }
        if self.is_shown(entry) {
            return Ok(());
        }
        let canonical = canonical(entry).map_err(|errno| absent(entry, errno))?;
        if canonical.starts_with(self.request.project) {
            // The project by another name: what its files say must not be taken for the caller's word.
            return Ok(());
        }
        if let Some(place) = self.places.forbid(&canonical) {
            return Err(Skipped::Forbidden(place));
        }
        if let Some(closed) = self.closed(entry, self.is_in_home(entry, &canonical)) {
            return Err(Skipped::Closed(closed));
        }
        let directory = match open_directory(entry) {
            // Programs of a directory that cannot be listed can be executed, and it shows no link.
            Err(Errno::ACCESS) if closed_on_the_way(entry, Visitor::Caller).is_none() => None,
            opened => Some(opened.map_err(|errno| absent(entry, errno))?),
        };
        let follow =
            match self.show_layout_of(entry).or_else(|| self.show_layout_of(&self.as_named(&canonical))) {
                Some(layout) => matches!(layout.shows, Shows::Linked),
                None => !self.show_environment_of(entry),
            };
        // The words of `PATH` must lead there inside too, even where links on the way led elsewhere.
        self.show(entry.to_owned(), &[]);
        if let Some(directory) = directory.filter(|_| follow) {
            self.follow_links(entry, directory.as_fd());
        }
        Ok(())
    }

    /// The roots, each once and none inside another.
    pub(crate) fn finish(mut self) -> ToolRoots {
        self.found.roots.sort();
        let mut roots: Vec<ToolRoot> = Vec::with_capacity(self.found.roots.len());
        for root in self.found.roots {
            if !roots.iter().any(|outer| outer.covers(&root.path)) {
                roots.push(root);
            }
        }
        self.found.variables.sort_unstable();
        ToolRoots { roots, ..self.found }
    }

    /// Shows the layout that `path` lies in, if there is one.
    fn show_layout_of(&mut self, path: &Path) -> Option<&'static Layout> {
        let index = self.layout_of(path)?;
        let layout = &LAYOUTS[index];
        if let Shows::Each = layout.shows {
            let directory = self.directory_of(index)?;
            let first = path.strip_prefix(&directory).ok()?.components().next()?;
            self.show(directory.join(first), &[]);
        } else {
            self.show_layout(index);
        }
        Some(layout)
    }

    fn show_layout(&mut self, index: usize) {
        if self.shown.contains(&index) {
            return;
        }
        self.shown.push(index);
        let layout = &LAYOUTS[index];
        let Some(directory) = self.directory_of(index) else { return };
        match layout.shows {
            Shows::Parts(parts) => {
                parts.iter().for_each(|part| self.show(directory.join(part), layout.leaves_out));
            }
            Shows::All | Shows::Linked | Shows::Each => self.show(directory, layout.leaves_out),
        }
        let is_moved = self.moved.iter().any(|(moved, _)| *moved == index);
        self.found.variables.extend(layout.variable.filter(|_| is_moved));
        for need in layout.needs {
            let needed = LAYOUTS.iter().position(|layout| layout.directory == *need);
            needed.into_iter().for_each(|index| self.show_layout(index));
        }
    }

    /// The layout whose directory holds `path`, or is it.
    fn layout_of(&self, path: &Path) -> Option<usize> {
        let moved = self.moved.iter().find(|(_, directory)| path.starts_with(directory));
        moved.map(|(index, _)| *index).or_else(|| {
            let in_home = self.request.home.and_then(|home| path.strip_prefix(home).ok());
            LAYOUTS.iter().position(|layout| {
                in_home.is_some_and(|path| is_under(path, layout.directory))
                    || is_under(path, layout.directory)
            })
        })
    }

    fn directory_of(&self, index: usize) -> Option<PathBuf> {
        let usual = || Some(self.request.home.unwrap_or(Path::new("/")).join(LAYOUTS[index].directory));
        let moved = self.moved.iter().find(|(moved, _)| *moved == index);
        moved.map(|(_, directory)| directory.clone()).or_else(usual)
    }

    /// Shows the Python virtual environment whose `bin` this is, with the Python it was made from.
    fn show_environment_of(&mut self, bin: &Path) -> bool {
        let Some(environment) = bin.parent() else { return false };
        let Ok(directory) = open_directory(environment) else { return false };
        let Ok(config) = read_regular(&directory, "pyvenv.cfg", 64 * 1024) else { return false };
        self.show(environment.to_owned(), &[]);
        if let Some(home) = python_home(&config).filter(|home| home.is_absolute() && !in_base(home))
            && self.show_layout_of(&home).is_none()
            && ["python3", "python"].iter().any(|name| is_program(&home.join(name)))
        {
            home.parent().into_iter().for_each(|prefix| self.show(prefix.to_owned(), &[]));
        }
        true
    }

    /// Shows the Python that a virtual environment in the project was made from, if it is a manager's.
    ///
    /// What the project's files say must not open just any directory of the caller's.
    fn show_python_of_project(&mut self, bin: &Path) {
        let config = bin.parent().and_then(|environment| open_directory(environment).ok());
        let config = config.and_then(|directory| read_regular(&directory, "pyvenv.cfg", 64 * 1024).ok());
        let home = config.and_then(|config| python_home(&config)).map(|home| normalize(&home));
        let index = home.and_then(|home| self.layout_of(&home));
        if let Some(index) = index.filter(|&index| matches!(LAYOUTS[index].shows, Shows::All)) {
            self.show_layout(index);
        }
    }

    /// Shows what the links in a directory of programs lead to, where that is not shown yet.
    fn follow_links(&mut self, path: &Path, directory: std::os::fd::BorrowedFd<'_>) {
        let links =
            entries(directory).unwrap_or_default().into_iter().filter(|it| it.kind == FileType::Symlink);
        for link in links {
            if let Ok(to) = rustix::fs::readlinkat(directory, &link.name, Vec::new()) {
                self.show_target(&normalize(&path.join(path_of(to.into_bytes()))));
            }
        }
    }

    fn show_target(&mut self, target: &Path) {
        if self.is_shown(target) {
            return;
        }
        let Some(canonical) = canonical(target).ok().filter(|it| self.places.forbid(it).is_none()) else {
            return;
        };
        let named = self.as_named(&canonical);
        if self.show_layout_of(&named).is_none()
            && let Some(bin) = named.parent()
        {
            self.show_environment_of(bin);
        }
        // A layout may show less than all of its directory, or lie behind a second link.
        if !self.is_shown(target) && is_program(&canonical) {
            self.show(target.to_owned(), &[]);
        }
    }

    /// Adds one root, unless it is seen anyway, is not there, is a place that is never shown, or is closed.
    fn show(&mut self, path: PathBuf, leaves_out: &[&str]) {
        let Some(canonical) = canonical(&path).ok().filter(|_| !self.is_shown(&path)) else { return };
        if self.places.forbid(&canonical).is_some() {
            return;
        }
        let in_home = self.is_in_home(&path, &canonical);
        if let Some(closed) = self.closed(&path, in_home) {
            if !self.found.skipped.iter().any(|(skipped, _)| *skipped == path) {
                self.found.skipped.push((path, Skipped::Closed(closed)));
            }
            return;
        }
        let leave_out =
            leaves_out.iter().map(|name| path.join(name)).filter(|it| it.symlink_metadata().is_ok());
        let leave_out = leave_out.collect();
        self.found.roots.push(ToolRoot { path, in_home, leave_out });
    }

    /// Which directory keeps those out who are to see it. What lies in the home directory is shown as their own.
    fn closed(&self, path: &Path, in_home: bool) -> Option<PathBuf> {
        // What the caller has found is open to the caller.
        let is_asked = self.request.visitor == Visitor::Anybody && !in_home;
        is_asked.then(|| closed_on_the_way(path, Visitor::Anybody)).flatten()
    }

    fn is_in_home(&self, path: &Path, canonical: &Path) -> bool {
        let by_name = self.request.home.is_some_and(|home| path.starts_with(home));
        by_name || self.places.home().is_some_and(|home| canonical.starts_with(home))
    }

    fn is_shown(&self, path: &Path) -> bool {
        let by_root = self.found.roots.iter().any(|root| root.covers(path));
        by_root || in_base(path) || path.starts_with(self.request.project)
    }

    /// The path by the name that the home directory has for the caller, who may have a link for a home.
    fn as_named(&self, canonical: &Path) -> PathBuf {
        let below_home = self.places.home().and_then(|home| canonical.strip_prefix(home).ok());
        match (below_home, self.request.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => canonical.to_owned(),
        }
    }
}

impl ToolRoot {
    fn covers(&self, path: &Path) -> bool {
        path.starts_with(&self.path) && !self.leave_out.iter().any(|out| path.starts_with(out))
    }
}

/// Why nothing was found there.
fn absent(entry: &Path, errno: Errno) -> Skipped {
    let closed = || closed_on_the_way(entry, Visitor::Caller).unwrap_or_else(|| entry.to_owned());
    if errno == Errno::ACCESS { Skipped::Closed(closed()) } else { Skipped::Absent }
}

/// A regular file that somebody may execute: a link to a key or a database is no link to a program.
fn is_program(path: &Path) -> bool {
    rustix::fs::stat(path).is_ok_and(|stat| {
        FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && stat.st_mode & 0o111 != 0
    })
}

/// The line `home = DIR` of a `pyvenv.cfg`.
fn python_home(config: &[u8]) -> Option<PathBuf> {
    let mut lines = config.split(|&byte| byte == b'\n');
    lines.find_map(|line| {
        let (key, value) = line.split_at(line.iter().position(|&byte| byte == b'=')?);
        (key.trim_ascii() == b"home").then(|| path_of(value[1..].trim_ascii().to_vec()))
    })
}
