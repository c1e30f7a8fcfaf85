//! Whether we may make control groups below our own.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags};

use super::{Answer, Request};
use crate::error::{AtStage as _, Failure, Stage};

/// Our own group in one hierarchy.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    /// Of version 1; none in the one hierarchy of version 2.
    controllers: Vec<String>,
    path: PathBuf,
}

/// The limits of a run need these.
const WANTED: [&str; 3] = ["cpu", "memory", "pids"];

/// Makes a group below our own and removes it: in the hierarchy of version 2 where that has the
/// controllers, else in the one that counts processes; of the others only the permission is asked.
pub(super) fn delegation(_: &Request<'_>) -> Answer {
    let groups = own_groups(&kernel_file("/proc/self/cgroup")?, &kernel_file("/proc/self/mountinfo")?);
    let unified = groups.iter().find(|group| group.controllers.is_empty());
    if let Some((group, controllers)) = unified.and_then(with_controllers) {
        make_and_remove(&group.path)?;
        return Ok(format!("version 2 with {}", controllers.join(", ")));
    }
    let held = |name: &&str| groups.iter().find(|group| group.controllers.iter().any(|held| held == name));
    let legacy: Vec<(&str, &Group)> = WANTED.iter().filter_map(|name| Some((*name, held(name)?))).collect();
    let Some((_, counted)) = legacy.last() else {
        return Err(Failure {
            stage: Stage::Limits,
            action: "looking for cpu, memory and pids in /proc/self/cgroup".into(),
            errno: libc::ENOENT,
        });
    };
    make_and_remove(&counted.path)?;
    let writable = legacy.iter().filter(|(_, group)| is_writable(&group.path)).map(|(name, _)| *name);
    Ok(format!("version 1 with {}", writable.collect::<Vec<_>>().join(", ")))
}

fn make_and_remove(parent: &Path) -> Result<(), Failure> {
    let group = parent.join(format!("clearing-probe-{}", std::process::id()));
    rustix::fs::mkdir(&group, Mode::from_raw_mode(0o755))
        .at(Stage::Limits, || format!("mkdir({group:?})"))?;
    rustix::fs::rmdir(&group).at(Stage::Limits, || format!("rmdir({group:?})"))
}

fn is_writable(path: &Path) -> bool {
    rustix::fs::accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS).is_ok()
}

/// The wanted ones among the controllers that a group of version 2 has; on hybrid hosts it has none.
fn with_controllers(group: &Group) -> Option<(&Group, Vec<&'static str>)> {
    let text = kernel_file(group.path.join("cgroup.controllers")).ok()?;
    let has = |name: &&str| text.split_whitespace().any(|held| held == *name);
    let controllers: Vec<_> = WANTED.into_iter().filter(has).collect();
    (!controllers.is_empty()).then_some((group, controllers))
}

/// Where the groups of `/proc/self/cgroup` lie in the mounted hierarchies. One that no mount shows,
/// as in a container with the host's paths, is left out.
fn own_groups(cgroup: &str, mountinfo: &str) -> Vec<Group> {
    let mounts: Vec<Hierarchy<'_>> = mountinfo.lines().filter_map(Hierarchy::parse).collect();
    cgroup
        .lines()
        .filter_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            let controllers: Vec<&str> = controllers.split(',').filter(|name| !name.is_empty()).collect();
            let path = mounts.iter().find_map(|mount| mount.place(&controllers, path))?;
            Some(Group { controllers: controllers.into_iter().map(str::to_owned).collect(), path })
        })
        .collect()
}

/// A mounted hierarchy.
struct Hierarchy<'a> {
    root: &'a str,
    point: &'a str,
    is_unified: bool,
    options: &'a str,
}

impl<'a> Hierarchy<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, source) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let mut source = source.split(' ');
        let is_unified = match source.next()? {
            "cgroup" => false,
            "cgroup2" => true,
            _ => return None,
        };
        Some(Self { root: mount.next()?, point: mount.next()?, is_unified, options: source.nth(1)? })
    }

    fn place(&self, controllers: &[&str], path: &str) -> Option<PathBuf> {
        let has = |name: &&str| self.options.split(',').any(|option| option == *name);
        let is_it =
            if self.is_unified { controllers.is_empty() } else { controllers.first().is_some_and(has) };
        let below = Path::new(path).strip_prefix(self.root).ok().filter(|_| is_it)?;
        Some(Path::new(self.point).join(below))
    }
}

fn kernel_file(path: impl AsRef<Path>) -> Result<String, Failure> {
    let path = path.as_ref();
    let read = || -> io::Result<String> {
        let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        io::read_to_string(std::fs::File::from(file))
    };
    read().at(Stage::Limits, || format!("read({path:?})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(cgroup: &str, mountinfo: &str) -> Vec<(String, PathBuf)> {
        let pair = |group: Group| (group.controllers.join(","), group.path);
        own_groups(cgroup, mountinfo).into_iter().map(pair).collect()
    }

    fn pair(controllers: &str, path: &str) -> (String, PathBuf) {
        (controllers.to_owned(), path.into())
    }

    #[test]
    fn the_unified_group_is_below_its_mount() {
        let mountinfo = "30 24 0:26 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate";
        assert_eq!(
            found("0::/user.slice/a.scope\n", mountinfo),
            [pair("", "/sys/fs/cgroup/user.slice/a.scope")]
        );
    }

    #[test]
    fn groups_of_version_1_are_found_by_controller() {
        let mountinfo = "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
                         32 30 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids";
        assert_eq!(
            found("8:pids:/\n1:cpu,cpuacct:/x\n0::/\n", mountinfo),
            [pair("pids", "/sys/fs/cgroup/pids"), pair("cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct/x")]
        );
    }

    #[test]
    fn a_group_that_no_mount_shows_is_left_out() {
        let mountinfo = "32 30 0:28 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids";
        assert_eq!(found("8:pids:/docker/abc\n", mountinfo), [pair("pids", "/sys/fs/cgroup/pids")]);
        assert_eq!(found("8:pids:/elsewhere\n", mountinfo), []);
    }
}
