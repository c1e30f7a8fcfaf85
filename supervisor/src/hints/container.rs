//! Whether we are inside a container, and which kind.

use serde::Serialize;

/// What surrounds this process besides the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Container {
    /// Docker and what imitates it.
    Docker,
    /// Podman.
    Podman,
    /// A pod.
    Kubernetes,
    /// LXC, Incus.
    Lxc,
    /// systemd-nspawn.
    Nspawn,
    /// gVisor's kernel.
    Gvisor,
    /// Windows' first imitation of Linux.
    Wsl1,
    /// Something else, seen by its root.
    Unknown,
}

/// What is looked at, as text; empty where there is nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Signs {
    /// `/proc/sys/kernel/osrelease`.
    pub(super) kernel: String,
    /// PID and UTS namespace are those that the kernel started with.
    pub(super) initial: bool,
    /// `/proc/version`.
    pub(super) version: String,
    /// `/.dockerenv` exists.
    pub(super) dockerenv: bool,
    /// `/run/.containerenv` exists.
    pub(super) containerenv: bool,
    /// `KUBERNETES_SERVICE_HOST` is set.
    pub(super) kubernetes: bool,
    /// The variable `container`, or `/run/systemd/container`.
    pub(super) manager: String,
    /// `/proc/1/cgroup`.
    pub(super) group: String,
    /// The type of the file system at `/`.
    pub(super) root: String,
}

impl Container {
    /// Judges; a kernel that only imitates Linux comes first, the vaguest sign last. A container's files
    /// alone make none: images are unpacked into virtual machines too.
    pub(super) fn of(signs: &Signs) -> Option<Self> {
        let grouped = |word: &str| signs.group.contains(word);
        let manager = |word: &str| signs.manager.trim().starts_with(word);
        let judged = [
            // gVisor tells this date, whatever it runs on.
            (signs.version.contains("Sun Jan 10 15:06:54 PST 2016"), Self::Gvisor),
            (signs.kernel.trim().ends_with("-Microsoft"), Self::Wsl1),
            (signs.kubernetes || grouped("kubepods"), Self::Kubernetes),
            (signs.containerenv || manager("podman") || grouped("libpod"), Self::Podman),
            (signs.dockerenv || manager("docker") || grouped("/docker"), Self::Docker),
            (manager("lxc") || grouped("/lxc"), Self::Lxc),
            (manager("systemd-nspawn"), Self::Nspawn),
            (!signs.manager.trim().is_empty() || signs.root == "overlay", Self::Unknown),
        ];
        let found = judged.into_iter().find(|(is_it, _)| *is_it).map(|(_, container)| container);
        found.filter(|container| !signs.initial || matches!(container, Self::Gvisor | Self::Wsl1))
    }

    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Docker => "in a Docker container",
            Self::Podman => "in a Podman container",
            Self::Kubernetes => "in a Kubernetes pod",
            Self::Lxc => "in an LXC container",
            Self::Nspawn => "in a systemd-nspawn container",
            Self::Gvisor => "on gVisor",
            Self::Wsl1 => "on WSL 1",
            Self::Unknown => "in a container of an unknown kind",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn each_kind_is_known_by_its_sign() {
        let none = Signs::default;
        let cases = [
            (Signs { dockerenv: true, root: text("overlay"), ..none() }, Container::Docker),
            (Signs { group: text("12:pids:/docker/0123\n"), ..none() }, Container::Docker),
            (Signs { containerenv: true, manager: text("oci"), ..none() }, Container::Podman),
            (Signs { kubernetes: true, dockerenv: true, ..none() }, Container::Kubernetes),
            (Signs { group: text("0::/kubepods/burstable/x\n"), ..none() }, Container::Kubernetes),
            (Signs { manager: text("lxc\n"), ..none() }, Container::Lxc),
            (Signs { manager: text("systemd-nspawn"), ..none() }, Container::Nspawn),
            (Signs { kernel: text("4.4.0-19041-Microsoft\n"), ..none() }, Container::Wsl1),
            (
                Signs {
                    version: text("Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016\n"),
                    dockerenv: true,
                    ..none()
                },
                Container::Gvisor,
            ),
            (Signs { root: text("overlay"), ..none() }, Container::Unknown),
        ];
        for (signs, container) in cases {
            assert_eq!(Container::of(&signs), Some(container), "{signs:?}");
        }
    }

    #[test]
    fn an_image_unpacked_into_a_virtual_machine_is_no_container() {
        let machine = Signs { initial: true, dockerenv: true, root: text("ext4"), ..Signs::default() };
        assert_eq!(Container::of(&machine), None);
    }

    #[test]
    fn a_plain_host_and_wsl_2_are_no_containers() {
        let plain = Signs { root: text("ext4"), group: text("0::/init.scope\n"), ..Signs::default() };
        assert_eq!(Container::of(&plain), None);
        let wsl = Signs { kernel: text("5.15.153.1-microsoft-standard-WSL2\n"), ..plain };
        assert_eq!(Container::of(&wsl), None);
    }
}
