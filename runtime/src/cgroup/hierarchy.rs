//! Where our own groups lie: `/proc/self/cgroup` placed in the mounts of `/proc/self/mountinfo`.

use std::io;
use std::path::{Component, Path, PathBuf};

use rustix::fs::CWD;

use super::files;

/// The caller's own group in one mounted hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Own {
    /// Of version 1; none in the one hierarchy of version 2.
    pub(super) controllers: Vec<String>,
    /// Its directory.
    pub(super) path: PathBuf,
    /// The highest directory of its hierarchy that is in view.
    pub(super) top: PathBuf,
}

impl Own {
    pub(super) fn is_unified(&self) -> bool {
        self.controllers.is_empty()
    }

    /// Whether it is that process's group and not, as in some containers, another of the same name.
    fn holds(&self, process: u32) -> bool {
        let held = files::read_list(CWD, self.path.join("cgroup.procs"));
        held.is_ok_and(|held| held.lines().any(|pid| pid == process.to_string()))
    }
}

/// The groups that the calling process is in.
pub(super) fn own_groups() -> io::Result<Vec<Own>> {
    groups_of(rustix::process::getpid().as_raw_nonzero().get().unsigned_abs())
}

/// Whether a process is in that group of version 2, or in one below.
pub(super) fn lies_below(process: u32, group: &Path) -> bool {
    let groups = groups_of(process).unwrap_or_default();
    groups.iter().any(|own| own.is_unified() && own.path.starts_with(group))
}

fn groups_of(process: u32) -> io::Result<Vec<Own>> {
    let cgroup = files::read(CWD, &format!("/proc/{process}/cgroup"))?;
    if let Some(own) = only_group(&cgroup).filter(|own| own.holds(process)) {
        return Ok(vec![own]);
    }
    Ok(placed(&cgroup, &files::read_list(CWD, "/proc/self/mountinfo")?))
}

/// Where a host has version 2 alone, in the usual place, that is quicker than a long table of mounts.
fn only_group(cgroup: &str) -> Option<Own> {
    let path = cgroup.strip_prefix("0::/")?.strip_suffix('\n')?;
    (!path.contains('\n')).then(|| {
        let top = PathBuf::from("/sys/fs/cgroup");
        let path = if path.is_empty() { top.clone() } else { top.join(path) };
        Own { controllers: Vec::new(), path, top }
    })
}

/// Where the groups of `/proc/self/cgroup` lie in the mounted hierarchies. One that no mount shows,
/// as in a container with the host's paths, is left out.
fn placed(cgroup: &str, mountinfo: &str) -> Vec<Own> {
    let mounts: Vec<Mounted<'_>> = mountinfo.lines().filter_map(Mounted::parse).collect();
    cgroup
        .lines()
        .filter_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            let controllers: Vec<&str> = controllers.split(',').filter(|name| !name.is_empty()).collect();
            let (path, top) = mounts.iter().find_map(|mount| mount.place(&controllers, path))?;
            Some(Own { controllers: controllers.into_iter().map(str::to_owned).collect(), path, top })
        })
        .collect()
}

/// A mounted hierarchy, or a part of one.
struct Mounted<'a> {
    root: &'a str,
    point: &'a str,
    is_unified: bool,
    options: &'a str,
}

impl<'a> Mounted<'a> {
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

    /// The directory of a group, and the mount's own.
    fn place(&self, controllers: &[&str], path: &str) -> Option<(PathBuf, PathBuf)> {
        let has = |name: &&str| self.options.split(',').any(|option| option == *name);
        let is_it =
            if self.is_unified { controllers.is_empty() } else { controllers.first().is_some_and(has) };
        let below = Path::new(path).strip_prefix(self.root).ok().filter(|_| is_it)?;
        // Above the root of the caller's cgroup namespace: `/../other`.
        let is_in_view = below.components().all(|part| matches!(part, Component::Normal(_)));
        let top = Path::new(self.point);
        let path = if below.as_os_str().is_empty() { top.to_owned() } else { top.join(below) };
        is_in_view.then(|| (path, top.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIFIED: &str = "24 23 0:21 / /proc rw - proc proc rw\n\
        30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot";

    fn found(cgroup: &str, mountinfo: &str) -> Vec<(String, String, String)> {
        let text = |path: &Path| path.to_str().expect("text").to_owned();
        let all = placed(cgroup, mountinfo).into_iter();
        all.map(|own| (own.controllers.join(","), text(&own.path), text(&own.top))).collect()
    }

    fn own(controllers: &str, path: &str, top: &str) -> (String, String, String) {
        (controllers.to_owned(), path.to_owned(), top.to_owned())
    }

    #[test]
    fn a_login_session_is_below_the_one_mount() {
        let cgroup = "0::/user.slice/user-1000.slice/session-3.scope\n";
        let path = "/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope";
        assert_eq!(found(cgroup, UNIFIED), [own("", path, "/sys/fs/cgroup")]);
    }

    #[test]
    fn a_hybrid_host_has_a_group_in_each_hierarchy() {
        let mountinfo = "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
            32 30 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
            33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
            34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate";
        let cgroup = "9:name=systemd:/a\n8:pids:/\n5:rdma:/\n1:cpu,cpuacct:/x\n0::/a\n";
        let expected = [
            own("name=systemd", "/sys/fs/cgroup/systemd/a", "/sys/fs/cgroup/systemd"),
            own("pids", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/pids"),
            own("cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct/x", "/sys/fs/cgroup/cpu,cpuacct"),
            own("", "/sys/fs/cgroup/unified/a", "/sys/fs/cgroup/unified"),
        ];
        assert_eq!(found(cgroup, mountinfo), expected);
    }

    #[test]
    fn a_container_sees_its_own_group_as_the_top() {
        let mountinfo = "32 30 0:28 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n\
            33 30 0:29 / /sys/fs/cgroup/unified ro - cgroup2 cgroup rw";
        let pids = own("pids", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/pids");
        let unified = own("", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/unified");
        assert_eq!(found("8:pids:/docker/abc\n0::/\n", mountinfo), [pids, unified]);
    }

    #[test]
    fn a_group_that_no_mount_shows_is_left_out() {
        let mountinfo = "32 30 0:28 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids";
        assert_eq!(found("8:pids:/elsewhere\n", mountinfo), []);
        assert_eq!(found("0::/../elsewhere\n", UNIFIED), []);
        // The host's whole tree bound into a container with a cgroup namespace of its own.
        let host = "30 24 0:26 /../.. /sys/fs/cgroup ro - cgroup2 cgroup2 rw";
        assert_eq!(found("0::/\n", host), []);
    }

    #[test]
    fn a_host_with_version_2_alone_needs_no_mounts() {
        let only = |text| only_group(text).map(|own| own.path);
        assert_eq!(only("0::/a/b.scope\n"), Some("/sys/fs/cgroup/a/b.scope".into()));
        assert_eq!(only("0::/\n"), Some("/sys/fs/cgroup".into()));
        assert_eq!(only("1:cpu:/\n0::/\n"), None);
        assert_eq!(only("0::/\n1:cpu:/\n"), None);
    }

    #[test]
    fn a_delegated_service_is_known_by_its_path() {
        let cgroup = "0::/system.slice/clearing.service/supervisor\n";
        let path = "/sys/fs/cgroup/system.slice/clearing.service/supervisor";
        assert_eq!(found(cgroup, UNIFIED), [own("", path, "/sys/fs/cgroup")]);
    }
}
