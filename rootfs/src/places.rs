//! Places of the host that are never opened up as a whole: not as a project, not as a tool root.

use std::path::{Path, PathBuf};

use crate::files::{canonical_or_planned, is_under};

/// What makes a directory one that is never opened up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `/`.
    Root,
    /// The caller's home directory.
    Home,
    /// A directory that holds the caller's home directory.
    AboveHome,
    /// A directory of the system: `/etc`, `/usr/bin`, anything inside `/proc`, …
    System,
    /// The directory that holds clearing's own state, or one above it.
    HoldsState,
    /// A directory within clearing's own state.
    InState,
}

/// The caller's home and state directory, by their true names.
#[derive(Clone, Debug)]
pub struct Places {
    home: Option<PathBuf>,
    state: PathBuf,
}

/// Shared by all programs: not a place of their own, while directories inside may be.
const SYSTEM: &[&str] = &[
    "/bin",
    "/boot",
    "/dev",
    "/dev/shm",
    "/etc",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/lost+found",
    "/media",
    "/nix",
    "/nix/store",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/run/user",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/include",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/libx32",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/local/sbin",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/spool",
    "/var/tmp",
];

/// Closed with all that is inside.
const SYSTEM_TREES: &[&str] = &["/boot", "/dev", "/etc", "/proc", "/snap", "/sys"];

impl Places {
    /// Resolves both directories; neither needs to exist.
    pub fn new(home: Option<&Path>, state: &Path) -> Self {
        let home = home.filter(|home| home.is_absolute() && home.parent().is_some());
        Self { home: home.map(canonical_or_planned), state: canonical_or_planned(state) }
    }

    /// The home directory, by its true name; `/` is nobody's home.
    pub(crate) fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// Says why the directory with this true name may not be opened up, if it may not.
    ///
    /// Paths are compared component by component: `/home/user2` is not inside `/home/user`.
    pub(crate) fn forbid(&self, path: &Path) -> Option<Place> {
        let home = self.home();
        if path.parent().is_none() {
            Some(Place::Root)
        } else if home == Some(path) {
            Some(Place::Home)
        } else if is_system(path) {
            Some(Place::System)
        } else if home.is_some_and(|home| home.starts_with(path)) {
            Some(Place::AboveHome)
        } else if self.state.starts_with(path) {
            Some(Place::HoldsState)
        } else if path.starts_with(&self.state) {
            Some(Place::InState)
        } else {
            None
        }
    }
}

fn is_system(path: &Path) -> bool {
    let shared_memory = is_under(path, "/dev/shm") && path != Path::new("/dev/shm");
    let user_runtime = path.parent() == Some(Path::new("/run/user"));
    let closed = SYSTEM_TREES.iter().any(|tree| is_under(path, tree));
    SYSTEM.iter().any(|system| path.as_os_str() == *system) || user_runtime || (closed && !shared_memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places { home: Some("/home/ann".into()), state: "/home/ann/.local/state/clearing".into() }
    }

    #[test]
    fn each_forbidden_place_is_named_for_what_it_is() {
        let cases = [
            ("/", Some(Place::Root)),
            ("/home/ann", Some(Place::Home)),
            ("/home", Some(Place::System)),
            ("/etc", Some(Place::System)),
            ("/etc/nginx", Some(Place::System)),
            ("/proc/self/root", Some(Place::System)),
            ("/dev/shm", Some(Place::System)),
            ("/run/user/1000", Some(Place::System)),
            ("/usr/bin", Some(Place::System)),
            ("/home/ann/.local", Some(Place::HoldsState)),
            ("/home/ann/.local/state/clearing", Some(Place::HoldsState)),
            ("/home/ann/.local/state/clearing/runs", Some(Place::InState)),
            ("/home/ann/app", None),
            ("/home/ann2", None),
            ("/home/ann/.local/state/clearing2", None),
            ("/dev/shm/x", None),
            ("/tmp/x", None),
            ("/usr/src/app", None),
        ];
        for (path, expected) in cases {
            assert_eq!(places().forbid(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn a_directory_above_an_unusual_home_is_above_home() {
        let places = Places { home: Some("/data/people/ann".into()), state: "/data/state".into() };
        assert_eq!(places.forbid(Path::new("/data/people")), Some(Place::AboveHome));
    }

    #[test]
    fn a_home_of_slash_forbids_nothing_more() {
        let places = Places::new(Some(Path::new("/")), Path::new("/nonexistent/state"));
        assert_eq!(places.forbid(Path::new("/work")), None);
    }
}
