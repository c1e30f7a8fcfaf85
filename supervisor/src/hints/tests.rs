//! The tables, asked for hosts that were seen elsewhere.

use clearing_runtime::Stage;
use nix::libc;

use super::*;
use crate::hints::distribution::Distribution;

fn failure(stage: Stage, action: &str, errno: i32) -> Failure {
    Failure { stage, action: action.to_owned(), errno }
}

/// An ordinary user on a new kernel.
fn host() -> Facts {
    Facts { kernel: Some((6, 8)), release: "6.8.0".into(), state: "/s".into(), uid: 1000, ..Facts::default() }
}

fn with_sysctl(key: &'static str, value: &str) -> Facts {
    Facts { sysctls: [(key, value.to_owned())].into(), ..host() }
}

#[track_caller]
fn expect(failure: &Failure, facts: &Facts, parts: &[&str]) {
    let hint = given(failure, facts).unwrap_or_else(|| panic!("no hint for {failure}"));
    for part in parts {
        assert!(hint.contains(part), "{part:?} is not in: {hint}");
    }
}

#[test]
fn ubuntus_restriction_leads_to_a_profile_for_this_binary() {
    let key = "kernel.apparmor_restrict_unprivileged_userns";
    let ubuntu = Facts { binary: "/opt/a b/clearing".into(), ..with_sysctl(key, "1") };
    let profile =
        ["profile clearing \"/opt/a b/clearing\" flags=(unconfined) {", "  userns,", "at the price"];
    for (stage, errno) in
        [(Stage::Clone, libc::EPERM), (Stage::IdMap, libc::EACCES), (Stage::Mounts, libc::EPERM)]
    {
        expect(&failure(stage, "x", errno), &ubuntu, &profile);
    }
    let lifted = with_sysctl(key, "0");
    assert!(
        !given(&failure(Stage::Clone, "x", libc::EPERM), &lifted).expect("one").contains("AppArmor keeps")
    );
}

#[test]
fn debians_switch_is_named_and_on_arch_the_kernel_too() {
    let refused = failure(Stage::Clone, "clone3(0x7e020000)", libc::EPERM);
    let debian = with_sysctl("kernel.unprivileged_userns_clone", "0");
    expect(&refused, &debian, &["sudo sysctl -w kernel.unprivileged_userns_clone=1"]);
    let arch = Facts { distribution: Distribution::parse("ID=arch"), ..debian };
    expect(&refused, &arch, &["linux-hardened", "kernel.unprivileged_userns_clone=1"]);
}

#[test]
fn a_limit_of_zero_is_named_whichever_kind_it_is() {
    let refused = failure(Stage::Clone, "clone3(0x7e020000)", libc::ENOSPC);
    expect(&refused, &with_sysctl("user.max_user_namespaces", "0"), &["user.max_user_namespaces=15000"]);
    expect(&refused, &with_sysctl("user.max_net_namespaces", "0"), &["user.max_net_namespaces=15000"]);
    expect(&refused, &with_sysctl("user.max_user_namespaces", "9"), &["deeper than 32"]);
    let nixos = Facts {
        distribution: Distribution::parse("ID=nixos"),
        ..with_sysctl("user.max_user_namespaces", "0")
    };
    expect(&refused, &nixos, &["boot.kernel.sysctl.\"user.max_user_namespaces\" = 15000;"]);
}

#[test]
fn every_container_gets_its_own_flags() {
    let masked = failure(Stage::Mounts, "mount(proc, \"/proc\")", libc::EPERM);
    let filtered = failure(Stage::Clone, "clone3(CLONE_NEWUSER)", libc::ENOSYS);
    for (container, flag) in [
        (Container::Docker, "--security-opt systempaths=unconfined"),
        (Container::Podman, "--security-opt unmask=ALL"),
        (Container::Kubernetes, "procMount: Unmasked"),
        (Container::Lxc, "security.nesting"),
        (Container::Gvisor, "gVisor"),
        (Container::Wsl1, "--set-version"),
    ] {
        let facts = Facts { container: Some(container), ..host() };
        expect(&masked, &facts, &[flag]);
        expect(&filtered, &facts, &[flag]);
    }
    expect(&masked, &host(), &["/proc/self/mountinfo"]);
    expect(&filtered, &Facts { is_filtered: true, ..host() }, &["system call filter"]);
}

#[test]
fn kernels_that_are_too_old_say_so() {
    let lacking = failure(Stage::Clone, "clone3(0x7e020000)", libc::ENOSYS);
    let centos = Facts { kernel: Some((3, 10)), release: "3.10.0-1160.el7".into(), ..host() };
    expect(&lacking, &centos, &["kernel 3.10.0-1160.el7 is too old"]);
    let mapped = failure(Stage::IdMap, "mount_setattr(\"/x\", idmap 0:0)", libc::EINVAL);
    let jammy = Facts { kernel: Some((5, 15)), uid: 0, ..host() };
    expect(&mapped, &jammy, &["5.19", "ordinary user"]);
    expect(&mapped, &Facts { uid: 0, ..host() }, &["no id-mapped mounts", "CLEARING_STATE_DIR"]);
}

#[test]
fn root_of_a_rootless_container_is_told_that_it_is_none() {
    let refused = failure(Stage::IdMap, "write(/proc/9/uid_map, \"0 524288 65536\\n\")", libc::EPERM);
    let root = Facts { uid: 0, lacks_ids: true, container: Some(Container::Podman), ..host() };
    expect(&refused, &root, &["rootless container", "ordinary user"]);
}

#[test]
fn a_state_directory_that_cannot_be_an_upper_is_named_with_its_file_system() {
    for kind in ["overlay", "nfs4", "ecryptfs", "vfat"] {
        let facts = Facts { state_file_system: kind.into(), ..host() };
        for errno in [libc::EINVAL, libc::EPERM, libc::EOPNOTSUPP] {
            let refused = failure(Stage::Mounts, "mount(overlay, lower [\"/p\"], \"/p\")", errno);
            expect(&refused, &facts, &["`/s` lies on", kind, "CLEARING_STATE_DIR"]);
        }
    }
}

#[test]
fn each_answer_to_an_overlay_has_its_own_advice() {
    for (errno, part) in [
        (libc::ENOSPC, "is full"),
        (libc::EDQUOT, "quota"),
        (libc::ESTALE, "another lower"),
        (libc::ELOOP, "within another"),
        (libc::ENODEV, "modprobe overlay"),
        (libc::EINVAL, "dmesg"),
    ] {
        expect(&failure(Stage::Mounts, "mount(overlay, …)", errno), &host(), &[part]);
    }
}

#[test]
fn landlock_that_was_not_started_leads_to_this_hosts_boot_parameter() {
    let absent = failure(Stage::Landlock, "landlock_create_ruleset", libc::EOPNOTSUPP);
    let debian = Facts {
        distribution: Distribution::parse("ID=debian"),
        security_modules: "capability,yama,apparmor".into(),
        ..host()
    };
    expect(&absent, &debian, &["lsm=landlock,capability,yama,apparmor", "update-grub"]);
    let fedora = Facts { distribution: Distribution::parse("ID=fedora"), ..debian.clone() };
    expect(&absent, &fedora, &["grubby --update-kernel=ALL --args=lsm=landlock,"]);
    let hidden = Facts { security_modules: "landlock,yama".into(), ..debian };
    expect(&absent, &hidden, &["hides it"]);
    expect(&absent, &host(), &["best-effort"]);
}

#[test]
fn limits_name_the_key_of_the_profile_and_keys_their_sysctl() {
    let refused = failure(Stage::Limits, "setrlimit(OpenFiles, 1024)", libc::EPERM);
    expect(&refused, &host(), &["`limits.nofile`"]);
    expect(&failure(Stage::Keyring, "keyctl(…)", libc::EDQUOT), &host(), &["kernel.keys.maxkeys"]);
}

#[test]
fn a_launcher_that_has_ended_is_told_by_every_host() {
    let ended = failure(Stage::Launcher, "launch a sandbox: the launcher, process 7, has ended", libc::ESRCH);
    expect(&ended, &host(), &["start the server again"]);
    expect(&ended, &Facts { container: Some(Container::Gvisor), ..host() }, &["start the server again"]);
}

#[test]
fn a_program_that_is_nowhere_is_told_with_the_places_that_were_searched() {
    let facts = Facts { path: "/no/a:rel:/no/b".into(), ..host() };
    let absent = failure(Stage::Execute, "execve(no-such-tool)", libc::ENOENT);
    expect(&absent, &facts, &["`no-such-tool`", "`/no/a`, `/no/b`"]);
    assert!(!given(&absent, &facts).expect("one").contains("rel"));
}

#[test]
fn programs_of_this_host_are_told_apart() {
    let facts = Facts { path: "/bin".into(), ..host() };
    for (program, errno, part) in [
        ("/bin", libc::EACCES, "is a directory"),
        ("/etc/passwd", libc::EACCES, "chmod +x"),
        ("sh", libc::ENOENT, "not in view"),
        ("sh", libc::EACCES, "not inside"),
        ("sh", libc::ENOEXEC, "another architecture"),
        ("sh", libc::E2BIG, "limits.stack"),
    ] {
        expect(&failure(Stage::Execute, &format!("execve({program})"), errno), &facts, &[part]);
    }
}

/// What is to be mounted of a directory that is its owner's alone.
fn closed_source() -> (tempfile::TempDir, Failure) {
    let scratch = tempfile::tempdir().expect("a directory");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(scratch.path(), private).expect("chmod");
    let source = scratch.path().canonicalize().expect("a path").join("bin");
    let action = format!("bind({source:?}, {source:?})");
    (scratch, failure(Stage::Mounts, &action, libc::EACCES))
}

#[test]
fn a_source_that_cannot_be_had_is_told_with_what_is_in_the_way() {
    let (scratch, closed) = closed_source();
    let top = scratch.path().canonicalize().expect("a path").display().to_string();
    let root = Facts { uid: 0, ..host() };
    expect(&closed, &root, &[&format!("`chmod o+x {top}`"), &format!("name `{top}/bin` under `read`")]);
    for action in [format!("open_tree(\"{top}/no\")"), format!("bind(\"{top}/no\", \"/no\")")] {
        expect(&failure(Stage::Mounts, &action, libc::ENOENT), &host(), &["leads nowhere", "out of `read`"]);
    }
    let planted = failure(Stage::Mounts, &format!("bind(\"{top}\", \"/x\")"), libc::ELOOP);
    expect(&planted, &host(), &["clearing rollback"]);
}

#[test]
fn no_text_has_a_blank_that_nothing_fills() {
    let facts = Facts {
        security_modules: "yama".into(),
        state_file_system: "overlay".into(),
        ..with_sysctl("user.max_user_namespaces", "0")
    };
    let limit = failure(Stage::Limits, "setrlimit(Core, 0)", libc::EPERM);
    let (scratch, closed) = closed_source();
    let facts = Facts { uid: 0, ..facts };
    for rule in rules::RULES.iter().chain(execute::RULES) {
        // The braces of AppArmor and Kubernetes are meant; they hold a colon or come from the profile.
        let failure = if rule.text.contains("{source}") { &closed } else { &limit };
        let filled = blanks::fill(&rule.text.replace("{profile}", ""), failure, &facts);
        let blank = filled.split('{').skip(1).find(|rest| !rest.starts_with("type:"));
        assert_eq!(blank, None, "{}", rule.text);
    }
    drop(scratch);
}

#[test]
fn who_can_open_nothing_more_is_told_what_bounds_it() {
    for stage in [Stage::Channel, Stage::Launcher, Stage::Limits, Stage::Mounts] {
        expect(&failure(stage, "socketpair(AF_UNIX)", libc::EMFILE), &host(), &["ulimit -n", "LimitNOFILE="]);
    }
    let of = |errno| of_call(&std::io::Error::from_raw_os_error(errno));
    assert!(of(libc::ENFILE).is_some_and(|hint| hint.contains("session/destroy")));
    assert_eq!(of(libc::EACCES), None);
}
