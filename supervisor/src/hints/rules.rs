//! What a host refuses a sandbox, and what that means. The first rule that fits is told.

use clearing_runtime::Stage::{self, Channel, Clone, Descriptors, IdMap, Init, Keyring, Landlock};
use clearing_runtime::Stage::{Launcher, Limits, Mounts, Network, Seccomp, WorkingDirectory};
use nix::libc::{
    E2BIG, EACCES, EAGAIN, EDQUOT, EINVAL, ELOOP, EMFILE, ENFILE, ENODEV, ENOENT, ENOMEM, ENOSPC,
};
use nix::libc::{ENOSYS, ENOTDIR, EOPNOTSUPP, EPERM, EROFS, ESRCH, ESTALE, EUSERS};

use super::container::Container::{Docker, Gvisor, Kubernetes, Lxc, Podman, Wsl1};
use super::rule::Rule;
use super::rule::When::{self, Contained, Distribution, Filtered, In, KernelBefore, LacksIds};
use super::rule::When::{
    NoNamespacesOfAKind, Ordinary, Root, SecurityModule, SomeSecurityModules, Source, StateOn, Sysctl,
};
use super::source::Source::{Closed, Lost};
use super::texts as say;

const SET_UP: &[Stage] =
    &[Clone, IdMap, Init, Mounts, Network, Keyring, Landlock, Seccomp, Descriptors, Channel];
const NAMESPACES: &[Stage] = &[Clone, IdMap];
const NAMESPACES_AND_MOUNTS: &[Stage] = &[Clone, IdMap, Init, Mounts, Network];

const ANY: &[i32] = &[];
const REFUSED: &[i32] = &[EPERM, EACCES];
const REFUSED_OR_ABSENT: &[i32] = &[EPERM, EACCES, ENOSYS];
const ABSENT: &[i32] = &[ENOSYS, EINVAL, EOPNOTSUPP, ENODEV];
const USED_UP: &[i32] = &[ENOSPC, EUSERS];
const FULL: &[i32] = &[ENOSPC, EDQUOT];
const NO_FILES: &[i32] = &[EMFILE, ENFILE];

const NO_UPPER: &[&str] = &[
    "overlay", "nfs", "ecryptfs", "vfat", "msdos", "exfat", "ntfs", "fuse", "9p", "cifs", "smb", "virtiofs",
];

const OLD: &[When] = &[KernelBefore(5, 15)];
const OLD_FOR_ROOT: &[When] = &[Root, KernelBefore(5, 19)];
const RESTRICTED: &[When] = &[Ordinary, Sysctl("kernel.apparmor_restrict_unprivileged_userns", "1")];
const OFF: When = Sysctl("kernel.unprivileged_userns_clone", "0");

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // Of a server alone, whatever the host.
    Rule { stages: &[Launcher], call: "", errnos: &[ESRCH], when: &[], text: say::LAUNCHER_ENDED },

    // Whatever is opened, and by whom.
    Rule { stages: SET_UP, call: "", errnos: NO_FILES, when: &[], text: say::NO_DESCRIPTORS },
    Rule { stages: &[Launcher, Limits], call: "", errnos: NO_FILES, when: &[], text: say::NO_DESCRIPTORS },

    // What is to be shown, and cannot be had.
    Rule { stages: &[Mounts], call: "bind(", errnos: &[EACCES], when: &[Root, Source(Closed)], text: say::CLOSED_TO_ROOTS },
    Rule { stages: &[Mounts], call: "bind(", errnos: &[EACCES], when: &[Source(Closed)], text: say::CLOSED },
    Rule { stages: &[Mounts], call: "", errnos: &[ENOENT, ENOTDIR, ELOOP], when: &[Source(Lost)], text: say::LOST },

    // Kernels that lack it whoever asks.
    Rule { stages: SET_UP, call: "", errnos: ANY, when: &[In(Gvisor)], text: say::GVISOR },
    Rule { stages: SET_UP, call: "", errnos: ANY, when: &[In(Wsl1)], text: say::WSL1 },
    Rule { stages: SET_UP, call: "", errnos: ABSENT, when: OLD, text: say::KERNEL_TOO_OLD },
    Rule { stages: SET_UP, call: "", errnos: ABSENT, when: OLD_FOR_ROOT, text: say::KERNEL_TOO_OLD_FOR_ROOT },

    // Namespaces that are limited, or refused by a setting of the host.
    Rule { stages: &[Clone], call: "", errnos: USED_UP, when: &[NoNamespacesOfAKind], text: say::NO_NAMESPACES },
    Rule { stages: &[Clone], call: "", errnos: USED_UP, when: &[], text: say::NAMESPACES_USED_UP },
    Rule { stages: &[Clone], call: "", errnos: &[EAGAIN, ENOMEM], when: &[], text: say::NO_MORE_PROCESSES },
    Rule { stages: &[Clone], call: "", errnos: REFUSED, when: &[OFF, Distribution("arch")], text: say::HARDENED },
    Rule { stages: &[Clone], call: "", errnos: REFUSED, when: &[OFF], text: say::SWITCHED_OFF },
    Rule { stages: NAMESPACES_AND_MOUNTS, call: "", errnos: REFUSED, when: RESTRICTED, text: say::APPARMOR },

    // Root of a container is less than root.
    Rule { stages: &[IdMap], call: "id_map", errnos: &[EPERM], when: &[Root, LacksIds], text: say::LACKS_IDS },
    Rule { stages: &[IdMap], call: "mount_setattr", errnos: &[EPERM], when: &[], text: say::NO_CAP_SYS_ADMIN },
    Rule { stages: &[IdMap], call: "mount_setattr", errnos: &[EINVAL], when: &[], text: say::NO_ID_MAPPED_MOUNTS },

    // A masked /proc; containers have one, and each its own way to go without.
    Rule { stages: &[Mounts], call: "proc", errnos: &[EPERM], when: &[In(Docker)], text: say::DOCKER },
    Rule { stages: &[Mounts], call: "proc", errnos: &[EPERM], when: &[In(Podman)], text: say::PODMAN },
    Rule { stages: &[Mounts], call: "proc", errnos: &[EPERM], when: &[In(Kubernetes)], text: say::KUBERNETES },
    Rule { stages: &[Mounts], call: "proc", errnos: &[EPERM], when: &[In(Lxc)], text: say::LXC },
    Rule { stages: &[Mounts], call: "mount(proc", errnos: &[EPERM], when: &[], text: say::MASKED_PROC },

    // State directories that cannot take an overlay's changes.
    Rule { stages: &[Mounts], call: "overlay", errnos: FULL, when: &[], text: say::STATE_FULL },
    Rule { stages: &[Mounts], call: "overlay", errnos: &[ENODEV], when: &[], text: say::NO_OVERLAY },
    Rule { stages: &[Mounts], call: "overlay", errnos: &[ESTALE], when: &[], text: say::STALE_LAYER },
    Rule { stages: &[Mounts], call: "overlay", errnos: &[ELOOP], when: &[], text: say::LAYERS_OVERLAP },
    Rule { stages: &[Mounts], call: "overlay", errnos: ANY, when: &[StateOn(NO_UPPER)], text: say::NO_UPPER },
    Rule { stages: &[Mounts], call: "overlay", errnos: &[EINVAL, EOPNOTSUPP], when: &[], text: say::OVERLAY_ELSE },
    Rule { stages: &[Mounts], call: "bind(", errnos: &[ELOOP, ENOTDIR], when: &[], text: say::LINK_IN_THE_WAY },
    Rule { stages: &[Mounts], call: "", errnos: &[ENOSPC], when: &[], text: say::MOUNTS_USED_UP },

    // Whatever else a container's filter or policy refuses.
    Rule { stages: SET_UP, call: "", errnos: REFUSED_OR_ABSENT, when: &[In(Docker)], text: say::DOCKER },
    Rule { stages: SET_UP, call: "", errnos: REFUSED_OR_ABSENT, when: &[In(Podman)], text: say::PODMAN },
    Rule { stages: SET_UP, call: "", errnos: REFUSED_OR_ABSENT, when: &[In(Kubernetes)], text: say::KUBERNETES },
    Rule { stages: SET_UP, call: "", errnos: REFUSED_OR_ABSENT, when: &[In(Lxc)], text: say::LXC },
    Rule { stages: NAMESPACES, call: "", errnos: &[ENOSYS], when: &[Filtered], text: say::FILTERED },
    Rule { stages: SET_UP, call: "", errnos: REFUSED_OR_ABSENT, when: &[Contained], text: say::CONTAINED },
    Rule { stages: SET_UP, call: "", errnos: REFUSED_OR_ABSENT, when: &[Filtered], text: say::FILTERED },
    Rule { stages: NAMESPACES, call: "", errnos: REFUSED, when: &[], text: say::NAMESPACES_REFUSED },

    // One mechanism each.
    Rule { stages: &[Keyring], call: "", errnos: &[EDQUOT], when: &[], text: say::KEYS_USED_UP },
    Rule { stages: &[Keyring], call: "", errnos: &[ENOSYS, EPERM, EACCES], when: &[], text: say::NO_KEYS },
    Rule { stages: &[Landlock], call: "", errnos: &[E2BIG], when: &[], text: say::LANDLOCK_TOO_DEEP },
    Rule { stages: &[Landlock], call: "", errnos: ABSENT, when: &[SecurityModule("landlock")], text: say::LANDLOCK_REFUSED },
    Rule { stages: &[Landlock], call: "", errnos: ABSENT, when: &[SomeSecurityModules], text: say::LANDLOCK_NOT_STARTED },
    Rule { stages: &[Landlock], call: "", errnos: ABSENT, when: &[], text: say::NO_LANDLOCK },
    Rule { stages: &[Seccomp], call: "", errnos: &[ENOMEM], when: &[], text: say::SECCOMP_FULL },
    Rule { stages: &[Seccomp], call: "seccomp(", errnos: &[EINVAL, ENOSYS], when: &[], text: say::NO_SECCOMP },
    Rule { stages: &[Limits], call: "setrlimit", errnos: &[EPERM], when: &[], text: say::LIMIT_TOO_HIGH },
    Rule { stages: &[Limits], call: "", errnos: &[EROFS], when: &[Contained], text: say::CGROUPS_READ_ONLY },
    Rule { stages: &[Limits], call: "", errnos: &[EACCES, EPERM, EROFS], when: &[], text: say::NO_DELEGATION },
    Rule { stages: &[Limits], call: "", errnos: &[ENOENT], when: &[], text: say::NO_CGROUPS },
    Rule { stages: &[WorkingDirectory], call: "", errnos: &[ENOENT, EACCES], when: &[], text: say::CWD_NOT_IN_VIEW },
];
