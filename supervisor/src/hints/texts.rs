//! What is said. Blanks in braces are filled by `blanks.rs`.

pub(super) const GVISOR: &str = "gVisor imitates a kernel and lacks what sandboxes are made of: run clearing outside \
    of it, or under a runtime with the host's kernel (runc, crun)";
pub(super) const WSL1: &str =
    "WSL 1 has no Linux kernel; in PowerShell: `wsl --set-version <distribution> 2`";
pub(super) const KERNEL_TOO_OLD: &str = "kernel {kernel} is too old: an ordinary user needs 5.15 or newer, root 5.19; everything is there from 6.8";
pub(super) const KERNEL_TOO_OLD_FOR_ROOT: &str = "kernel {kernel} has no id-mapped mounts below an overlay, which root needs (5.19): run clearing as an ordinary user";

pub(super) const NO_NAMESPACES: &str = "this host allows none of one kind of namespace (`{zero}` = 0; RHEL and CentOS 7 ship it so): {sysctl zero=15000}";
pub(super) const NAMESPACES_USED_UP: &str = "as many namespaces exist as this host allows, or they are nested deeper \
    than 32: end some, or raise the limits `user.max_*_namespaces`";
pub(super) const NO_MORE_PROCESSES: &str =
    "this user may have no more processes, or memory is short: end some, or raise `ulimit -u`";
pub(super) const SWITCHED_OFF: &str = "this host keeps user namespaces from ordinary users \
    (`kernel.unprivileged_userns_clone` = 0): {sysctl kernel.unprivileged_userns_clone=1}";
pub(super) const HARDENED: &str = "the kernel `linux-hardened` keeps user namespaces from ordinary users: \
    {sysctl kernel.unprivileged_userns_clone=1}; or boot the kernel `linux`";
pub(super) const APPARMOR: &str = "AppArmor keeps user namespaces from programs without a profile of their own \
    (`kernel.apparmor_restrict_unprivileged_userns` = 1). Write this to /etc/apparmor.d/clearing and load it with \
    `sudo apparmor_parser -r /etc/apparmor.d/clearing`:\n\n{profile}\n\n\
    Or lift the restriction, at the price of lifting it for every program of the host: \
    {sysctl kernel.apparmor_restrict_unprivileged_userns=0}";
pub(super) const NAMESPACES_REFUSED: &str = "a policy of this host refuses the namespaces: look for a chroot around \
    this process, `RestrictNamespaces=` in its systemd unit, or a denial in the audit log (SELinux, AppArmor)";

pub(super) const LACKS_IDS: &str = "this root is root of a user namespace alone (a rootless container, an unprivileged LXC \
    container), which was not given the ids that a sandbox of root's has: run clearing as an ordinary user there";
pub(super) const NO_CAP_SYS_ADMIN: &str = "this root may not map ids (CAP_SYS_ADMIN is missing): run clearing as an ordinary user, in a container with `--user 1000`";
pub(super) const NO_ID_MAPPED_MOUNTS: &str = "the file system of that directory has no id-mapped mounts, which root \
    needs (overlayfs, NFS, FUSE and eCryptfs have none; tmpfs from kernel 6.3): keep project, home and \
    `CLEARING_STATE_DIR` on ext4, xfs or btrfs (in a container: on a volume), or run clearing as an ordinary user";

pub(super) const DOCKER: &str = "Docker's defaults refuse what a sandbox is made of; start the container with \
    `--security-opt seccomp=unconfined --security-opt systempaths=unconfined --security-opt apparmor=unconfined`. \
    Instead of `seccomp=unconfined` a profile does that also permits clone3, mount, umount2, pivot_root, open_tree, \
    move_mount, fsopen, fsconfig, fsmount, mount_setattr, sethostname and keyctl. `--privileged` is not needed";
pub(super) const PODMAN: &str = "Podman's defaults refuse what a sandbox is made of; start the container with \
    `--security-opt seccomp=unconfined --security-opt unmask=ALL --security-opt label=disable`. \
    `--privileged` is not needed";
pub(super) const KUBERNETES: &str = "the pod refuses what a sandbox is made of; it needs `hostUsers: false` and, in the \
    container's securityContext, `procMount: Unmasked`, `seccompProfile: {type: Unconfined}` and \
    `appArmorProfile: {type: Unconfined}`. `privileged: true` is not needed";
pub(super) const LXC: &str = "the container allows no containers within: `lxc config set <container> security.nesting \
    true` (Proxmox: `pct set <id> --features nesting=1,keyctl=1`), then restart it";
pub(super) const CONTAINED: &str = "the container that this runs in refuses what a sandbox is made of: loosen its \
    system call filter, its security module and the masks on its /proc; a privileged container is not needed";
pub(super) const FILTERED: &str = "a system call filter is on this process already and refuses what a sandbox is made \
    of: another sandbox is around it (one clearing does not run inside another), or a systemd unit with \
    `SystemCallFilter=` or `RestrictNamespaces=`";
pub(super) const MASKED_PROC: &str = "parts of /proc are covered by mounts (`grep ' /proc/' /proc/self/mountinfo` lists \
    them), and then the kernel allows no new procfs: unmount them, or leave the container that made them";

pub(super) const STATE_FULL: &str = "the file system of the state directory `{state}` is full, or its quota used up: free \
    some space, or set `CLEARING_STATE_DIR` to a directory on another";
pub(super) const NO_OVERLAY: &str =
    "this kernel has no overlay file system, or its module is not loaded: `sudo modprobe overlay`";
pub(super) const STALE_LAYER: &str = "a layer was used with another lower directory before; run again, and if that does not help set `CLEARING_STATE_DIR` to a new directory";
pub(super) const CLOSED: &str = "`{closed}` is closed to you: have its owner run `setfacl -m u:{uid}:x {closed}`, or \
    `chmod o+x {closed}` for everybody; or take `{source}` out of `read` in the section [filesystem] of the profile";
pub(super) const CLOSED_TO_ROOTS: &str = "`{closed}` is closed to the user that root's command is: `chmod o+x {closed}`, \
    or name `{source}` under `read` in the section [filesystem] of a profile, which shows it as the command's own";
pub(super) const LOST: &str = "`{source}` leads nowhere: make what is missing, or take it out of `read` in the section [filesystem] of the profile";
pub(super) const LINK_IN_THE_WAY: &str = "a command of the session put a link, or a file, on the way to this place. `clearing history ID` names the \
     snapshots, and `clearing rollback ID SNAPSHOT` goes back to one";
pub(super) const LAYERS_OVERLAP: &str = "a layer lies within another: set `CLEARING_STATE_DIR` to a directory that is neither in the project nor above it";
pub(super) const NO_UPPER: &str = "the state directory `{state}` lies on {file system}, which cannot take the changes of \
    an overlay: set `CLEARING_STATE_DIR` to a directory on ext4, xfs, btrfs or tmpfs (in a container: to a volume)";
pub(super) const OVERLAY_ELSE: &str = "overlayfs accepts one of the directories not as a layer; `sudo dmesg | tail` says \
    why. Set `CLEARING_STATE_DIR` to a directory on ext4, xfs, btrfs or tmpfs, and see that the project lies on none \
    of vfat, ecryptfs or an overlay upon an overlay";
pub(super) const MOUNTS_USED_UP: &str =
    "a file system is full, or the namespace holds as many mounts as `fs.mount-max` allows ({mount max})";

pub(super) const KEYS_USED_UP: &str = "this user has as many keys as the kernel allows (see /proc/key-users): \
    {sysctl kernel.keys.maxkeys=2000}";
pub(super) const NO_KEYS: &str = "keyrings are refused or absent here; where that is accepted, a profile says `keyring = \"best-effort\"` under [guards]";
pub(super) const LANDLOCK_TOO_DEEP: &str =
    "16 Landlock domains are around this process already, and no more can be";
pub(super) const LANDLOCK_REFUSED: &str = "Landlock is active in this kernel, but a system call filter or an older interface hides it from this process";
pub(super) const LANDLOCK_NOT_STARTED: &str =
    "Landlock is not among the security modules that this kernel started: {boot lsm=landlock,modules}";
pub(super) const NO_LANDLOCK: &str = "this kernel has no Landlock, or did not start it: add `landlock` to the boot \
    parameter `lsm=`; where going without is accepted, a profile says `landlock = \"best-effort\"` under [guards]";
pub(super) const SECCOMP_FULL: &str =
    "the filters that are on this process already leave no room for another";
pub(super) const NO_SECCOMP: &str =
    "this kernel was built without system call filters (CONFIG_SECCOMP_FILTER)";
pub(super) const NO_DESCRIPTORS: &str = "no more files may be open at a time: raise the limit (`ulimit -n`, `LimitNOFILE=` of a unit), \
    or have less open, of a server with `session/destroy`";
pub(super) const LIMIT_TOO_HIGH: &str = "the profile asks for more than the caller's own hard limit allows: lower `limits.{limit}` in a profile, or raise the hard limit (`ulimit -H`)";
pub(super) const CGROUPS_READ_ONLY: &str =
    "the container's control groups are read-only, so memory and processor of a run cannot be limited";
pub(super) const NO_DELEGATION: &str = "nobody gave this user control groups, so memory and processor of a run cannot be \
    limited: start clearing with `systemd-run --user --scope -p Delegate=yes -- clearing …` (cgroup version 2 only)";
pub(super) const NO_CGROUPS: &str = "no hierarchy of control groups is in view, so memory and processor of a run cannot be limited: mount one on /sys/fs/cgroup";
pub(super) const CWD_NOT_IN_VIEW: &str =
    "the working directory is gone, or the command's user may not enter it: start from within the project";

pub(super) const LAUNCHER_ENDED: &str = "the process that makes sandboxes for this server was ended, and all sandboxes with it: start the server again (sessions keep what was written), and look for the out-of-memory killer in `dmesg`";
