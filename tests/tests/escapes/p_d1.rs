//! P-D1: `/dev` holds null, zero, full, random, urandom, tty, ptmx and nothing else, but its own
//! terminals, shared memory and the links to the standard streams.

use std::collections::BTreeSet;
use std::path::Path;

use clearing_tests::{Site, for_each_caller};

use crate::attack::{attempt, control};

#[test]
fn dev_holds_exactly_what_is_named() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "ls -A /dev");
        let seen: BTreeSet<_> = output.stdout.lines().filter(|line| !line.contains(' ')).collect();
        let named = [
            "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty",
            "urandom", "zero",
        ];
        assert_eq!(seen, BTreeSet::from(named), "{output}");
        assert_ne!(control(&site, "ls -A /dev").lines().count(), named.len(), "control");
    });
}

#[test]
fn the_devices_are_the_ones_that_they_are_called() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let list = "cd /dev; stat -L -c '%n %F %t:%T' null zero full random urandom tty";
        let output = attempt(&site, list);
        for (name, number) in [
            ("null", "1:3"),
            ("zero", "1:5"),
            ("full", "1:7"),
            ("random", "1:8"),
            ("urandom", "1:9"),
            ("tty", "5:0"),
        ] {
            output.expect_stdout(&format!("{name} character special file {number}\n"));
        }
    });
}

#[test]
fn block_devices_are_not_there() {
    is_not_there("find /dev -type b");
}

#[test]
fn memory_and_port_devices_are_not_there() {
    is_not_there("ls /dev/mem /dev/kmem /dev/port /dev/nvram /dev/hpet");
}

#[test]
fn the_kernel_s_log_device_is_not_there() {
    is_not_there("ls /dev/kmsg");
}

#[test]
fn virtual_machines_and_tunnels_are_not_there() {
    is_not_there("ls /dev/kvm /dev/net/tun /dev/vhost-net /dev/vsock");
}

#[test]
fn loop_and_device_mapper_controls_are_not_there() {
    is_not_there("ls /dev/loop-control /dev/mapper/control /dev/btrfs-control /dev/autofs");
}

#[test]
fn input_sound_and_graphics_are_not_there() {
    is_not_there("ls -d /dev/input /dev/uinput /dev/snd /dev/dri /dev/fb0");
}

#[test]
fn consoles_are_not_there() {
    is_not_there("ls /dev/console /dev/tty0 /dev/tty1 /dev/ttyS0 /dev/hvc0");
}

#[test]
fn no_further_entry_outlives_the_run() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        attempt(&site, "echo x > /dev/escape; ln -s /etc /dev/link; mv /dev/null /dev/moved");
        assert!(!Path::new("/dev/escape").exists() && !Path::new("/dev/link").exists());
        attempt(&site, "echo thrown away > /dev/null; test ! -s /dev/null && echo fine")
            .expect_stdout("fine");
    });
}

/// `search` lists something where the host has such devices.
#[track_caller]
fn is_not_there(search: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, &format!("{search} 2>/dev/null"));
        assert_eq!(output.stdout.lines().count(), 1, "{output}");
    });
}
