//! What a run needs to know of its caller and host, read once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;

use clearing_runtime::environment_names;
use clearing_runtime::spec::{SHIFTED_IDS, User};
use rustix::fs::Mode;
use rustix::process::{getegid, geteuid, getgroups};

use crate::outcome::Tier;

/// The caller, as far as a plan depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    /// Effective user.
    pub(crate) uid: u32,
    /// Effective group.
    pub(crate) gid: u32,
    /// Supplementary groups.
    pub(crate) groups: Vec<u32>,
    /// The user's name, as the environment has it.
    pub(crate) user: String,
    /// The home directory, as the environment has it.
    pub(crate) home: PathBuf,
    /// The working directory; empty where it has vanished.
    pub(crate) cwd: PathBuf,
    /// Permission bits that the caller's new files do not get; until it ends, ours get none for others.
    pub(crate) umask: u32,
    /// The variables that are to reach the command; others are not copied into our memory.
    pub(crate) environment: BTreeMap<OsString, OsString>,
    /// Whether the kernel keeps user attributes in tmpfs, as an overlay's layer needs (Linux 6.6).
    pub(crate) tmpfs_layers: bool,
    /// Bytes of memory of the host.
    pub(crate) memory: u64,
    /// How far this host isolates the run; the best until it is found out that it cannot.
    pub(crate) tier: Tier,
    /// Our process id, which no other run has meanwhile.
    pub(crate) process: u32,
    /// First of the host ids that a privileged caller's sandboxes use.
    pub(crate) shift_base: u32,
}

/// Where the shifted range starts unless it is taken: above what `useradd` gives out by default.
const SHIFT_BASE: u32 = 524_288;
/// Stands for a home that cannot be one.
const NO_HOME: &str = "/home/user";

impl Host {
    /// Reads the facts of the calling process.
    pub(crate) fn of_caller() -> Self {
        let variable = |name: &str| std::env::var_os(name);
        let uid = geteuid().as_raw();
        Self {
            uid,
            gid: getegid().as_raw(),
            groups: getgroups().unwrap_or_default().iter().map(|group| group.as_raw()).collect(),
            user: user_name(uid, variable("USER").or_else(|| variable("LOGNAME"))),
            home: home_directory(variable("HOME")),
            umask: umask(),
            cwd: std::env::current_dir().unwrap_or_default(),
            tmpfs_layers: kernel_is_at_least((6, 6)),
            memory: memory(),
            shift_base: if uid == 0 { shift_base() } else { SHIFT_BASE },
            tier: Tier::Namespaces,
            process: std::process::id(),
            environment: BTreeMap::new(),
        }
    }

    /// Whom a command of the caller's is on the host where no namespace says otherwise: of root's each one a
    /// user of its own.
    pub(crate) fn bare_user(&self) -> User {
        if !self.is_privileged() {
            return User::Caller;
        }
        let id = self.shift_base + 1 + self.process % (SHIFTED_IDS - 1);
        User::Other { uid: id, gid: id }
    }

    /// A variable of the caller's environment.
    pub(crate) fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    /// Where the caller keeps settings.
    pub(crate) fn configuration(&self) -> PathBuf {
        self.variable("XDG_CONFIG_HOME").map_or_else(|| self.home.join(".config"), PathBuf::from)
    }

    /// Takes in the variables that are to reach the command, and no other.
    pub(crate) fn take_variables(&mut self, wanted: impl Fn(&str) -> bool) {
        let names = environment_names().into_iter().filter(|name| name.to_str().is_some_and(&wanted));
        self.environment =
            names.filter_map(|name| std::env::var_os(&name).map(|value| (name, value))).collect();
    }

    /// Whether id-mapped mounts and a range of ids can be had.
    pub(crate) fn is_privileged(&self) -> bool {
        self.uid == 0
    }
}

fn kernel_is_at_least(wanted: (u32, u32)) -> bool {
    let uname = rustix::system::uname();
    let mut numbers = uname.release().to_bytes().split(|byte| !byte.is_ascii_digit());
    let mut next = || std::str::from_utf8(numbers.next()?).ok()?.parse::<u32>().ok();
    next().zip(next()).is_some_and(|release| release >= wanted)
}

/// What files of the caller's do not get. It is taken from the process once: from then on what that makes is for
/// nobody else.
pub(crate) fn umask() -> u32 {
    static TAKEN: OnceLock<u32> = OnceLock::new();
    *TAKEN.get_or_init(|| rustix::process::umask(Mode::RWXG | Mode::RWXO).as_raw_mode())
}

fn memory() -> u64 {
    let info = rustix::system::sysinfo();
    u64::from(info.mem_unit) * info.totalram as u64
}

/// Root is never root inside, and an odd name could break a line of `/etc/passwd`.
fn user_name(uid: u32, name: Option<OsString>) -> String {
    let plain = |name: &String| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    name.and_then(|name| name.into_string().ok())
        .filter(|name| uid != 0 && plain(name))
        .unwrap_or_else(|| "user".to_owned())
}

fn home_directory(home: Option<OsString>) -> PathBuf {
    let usable = |home: &PathBuf| home.is_absolute() && home.parent().is_some();
    home.map(PathBuf::from).filter(usable).unwrap_or_else(|| NO_HOME.into())
}

/// The first range of host ids from [`SHIFT_BASE`] on that no user was given as subordinate ids.
fn shift_base() -> u32 {
    let taken = ["/etc/subuid", "/etc/subgid"]
        .into_iter()
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .flat_map(|text| text.lines().filter_map(subordinate_range).collect::<Vec<_>>())
        .collect();
    free_range(taken)
}

fn subordinate_range(line: &str) -> Option<(u32, u32)> {
    let mut fields = line.split(':').skip(1).map(str::parse::<u32>);
    let (start, count) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some((start, start.checked_add(count)?))
}

fn free_range(mut taken: Vec<(u32, u32)>) -> u32 {
    taken.sort_unstable();
    taken.into_iter().fold(SHIFT_BASE, |base, (start, end)| {
        let overlaps = start < base.saturating_add(SHIFTED_IDS) && end > base;
        if overlaps { end.next_multiple_of(SHIFTED_IDS) } else { base }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shifted_range_keeps_clear_of_every_subordinate_range() {
        assert_eq!(free_range(vec![(100_000, 165_536)]), SHIFT_BASE);
        assert_eq!(free_range(vec![(500_000, 565_536)]), 589_824);
        assert_eq!(free_range(vec![(589_824, 655_360), (524_288, 589_824)]), 655_360);
        assert_eq!(subordinate_range("ann:100000:65536"), Some((100_000, 165_536)));
        assert_eq!(subordinate_range("# nothing"), None);
    }

    #[test]
    fn a_home_or_name_that_cannot_be_used_is_replaced() {
        assert_eq!(home_directory(Some("/".into())), PathBuf::from(NO_HOME));
        assert_eq!(home_directory(Some("rel".into())), PathBuf::from(NO_HOME));
        assert_eq!(home_directory(Some("/home/ann".into())), PathBuf::from("/home/ann"));
        assert_eq!(user_name(1000, Some("an:n".into())), "user");
        assert_eq!(user_name(1000, Some("ann".into())), "ann");
        assert_eq!(user_name(0, Some("root".into())), "user");
    }
}
