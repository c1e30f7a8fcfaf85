//! P-P4: sensitive `/proc` files are masked or unwritable.
//!
//! Files are only opened, on the bare host as well: nothing is ever written to them.

use std::path::Path;

use clearing_tests::{Caller, Site, for_each_caller};

use crate::attack::{armed, attempt, control, inside, outside};

#[test]
fn sysrq_cannot_be_triggered() {
    is_not_writable("/proc/sysrq-trigger");
}

#[test]
fn the_core_pattern_cannot_be_written() {
    is_not_writable("/proc/sys/kernel/core_pattern");
}

#[test]
fn the_module_loader_s_path_cannot_be_written() {
    // Where the kernel has no modules there is nothing to write, and this says so.
    is_not_writable("/proc/sys/kernel/modprobe");
}

#[test]
fn the_hotplug_helper_cannot_be_written() {
    is_not_writable("/proc/sys/kernel/hotplug");
}

#[test]
fn the_usermode_helper_s_capabilities_cannot_be_written() {
    is_not_writable("/proc/sys/kernel/usermodehelper/bset");
}

#[test]
fn memory_settings_cannot_be_written() {
    is_not_writable("/proc/sys/vm/overcommit_memory");
}

#[test]
fn caches_cannot_be_dropped() {
    is_not_writable("/proc/sys/vm/drop_caches");
}

#[test]
fn binary_formats_cannot_be_registered() {
    is_not_writable("/proc/sys/fs/binfmt_misc/register");
}

#[test]
fn pid_limits_cannot_be_written() {
    is_not_writable("/proc/sys/kernel/pid_max");
}

#[test]
fn the_last_pid_cannot_be_set() {
    is_not_writable("/proc/sys/kernel/ns_last_pid");
}

#[test]
fn network_settings_cannot_be_written() {
    is_not_writable("/proc/sys/net/ipv4/ip_forward");
}

#[test]
fn host_names_cannot_be_written() {
    is_not_writable("/proc/sys/kernel/hostname");
}

#[test]
fn shared_memory_settings_cannot_be_written() {
    is_not_writable("/proc/sys/kernel/shmmax");
}

#[test]
fn interrupts_cannot_be_steered() {
    is_not_writable("/proc/irq/default_smp_affinity");
}

#[test]
fn memory_ranges_cannot_be_written() {
    is_not_writable("/proc/mtrr");
}

#[test]
fn the_kernel_s_memory_cannot_be_read() {
    tells_nothing("/proc/kcore");
}

#[test]
fn the_kernel_s_messages_cannot_be_read() {
    is_closed("/proc/kmsg");
}

#[test]
fn keys_are_not_listed() {
    tells_nothing("/proc/keys");
}

#[test]
fn users_of_keys_are_not_listed() {
    tells_nothing("/proc/key-users");
}

#[test]
fn timers_of_the_host_are_not_listed() {
    tells_nothing("/proc/timer_list");
}

#[test]
fn pages_of_the_host_are_not_counted() {
    tells_nothing("/proc/kpagecount");
}

#[test]
fn the_kernel_s_allocations_are_not_listed() {
    tells_nothing("/proc/vmallocinfo");
}

#[test]
fn the_kernel_s_slabs_are_not_listed() {
    tells_nothing("/proc/slabinfo");
}

#[test]
fn physical_memory_is_not_mapped_out() {
    tells_no_addresses("/proc/iomem");
}

#[test]
fn addresses_of_the_kernel_are_not_told() {
    tells_no_addresses("/proc/kallsyms");
}

#[test]
fn nothing_of_a_driver_is_writable() {
    finds_nothing_writable("/proc/acpi /proc/scsi /proc/asound /proc/driver /proc/bus /proc/irq /proc/fs");
}

#[test]
fn no_setting_of_the_kernel_is_writable_at_all() {
    finds_nothing_writable("/proc/sys");
}

#[test]
fn nothing_at_the_top_of_proc_is_writable() {
    finds_nothing_writable("/proc -maxdepth 1");
}

/// Opens every file for appending, and writes nothing.
#[track_caller]
fn finds_nothing_writable(places: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let look = |places: &str| {
            format!(
                "find {places} -type f 2>/dev/null | while read f; do (true >>$f) 2>/dev/null && echo $f; done"
            )
        };
        let output = attempt(&site, &look(places));
        assert_eq!(output.stdout.lines().count(), 1, "{output}");
        let told = control(&site, &look("/proc/self/ -maxdepth 1 -name comm"));
        assert!(told.contains("/comm"), "control: {told}");
    });
}

#[track_caller]
fn is_not_writable(path: &str) {
    cannot_be_opened(path, "w");
}

#[track_caller]
fn is_closed(path: &str) {
    cannot_be_opened(path, "r");
}

#[track_caller]
fn cannot_be_opened(path: &str, way: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let answer = inside(&site, &["open", path, way]);
        assert!(answer.starts_with("-1 E"), "{path}: {answer}");
        let there = Path::new(path).exists();
        if caller == Caller::Root && there {
            let bare = outside(&site, &["open", path, way]);
            assert!(bare.ends_with("ok"), "control: {path}: {bare}");
        }
    });
}

/// Masked by an empty file, unreadable or absent are all the same.
#[track_caller]
fn tells_nothing(path: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let count = format!("head -c 8 {path} 2>/dev/null | wc -c");
        let output = attempt(&site, &count);
        assert!(output.stdout.starts_with("0\n"), "{path}: {output}");
        if caller == Caller::Root && Path::new(path).exists() {
            let bare = control(&site, &count);
            assert!(bare.starts_with("8\n"), "control: {path}: {bare}");
        }
    });
}

/// The kernel itself writes zeros for addresses where the reader has no right.
#[track_caller]
fn tells_no_addresses(path: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let count = format!("head -n 100 {path} 2>/dev/null | grep -ciE '^ *0*[1-9a-f][0-9a-f]{{4}}'");
        attempt(&site, &count).expect_stdout("0\n");
        if caller == Caller::Root && Path::new(path).exists() {
            let bare = control(&site, &count);
            assert!(!bare.starts_with("0\n"), "control: {path}: {bare}");
        }
    });
}
