//! How exposed the units are, in the words of `systemd-analyze security`.

use std::process::Command;

use clearing_tests::expect_success;

use crate::door::User;
use crate::machine::{Machine, SERVICE};

const UNIT: &str = "/etc/systemd/system/clearing.service";
const UNIT_OF_USER: &str = "/etc/systemd/user/clearing.service";

#[test]
fn the_units_are_no_more_exposed_than_they_say() {
    let Some(_machine) = Machine::with_socket() else { return };
    let system = exposure(Command::new("systemd-analyze").args(["security", "--no-pager", SERVICE]));
    assert!(system <= stated(UNIT), "{system}");
    let analyze = ["systemd-analyze", "security", "--no-pager", "--offline=yes", UNIT_OF_USER];
    let user = exposure(&mut User::of_own("tester").command(&analyze));
    assert!(user <= stated(UNIT_OF_USER), "{user}");
}

/// What a unit says of itself; less is better.
fn stated(unit: &str) -> f64 {
    let text = std::fs::read_to_string(unit).unwrap();
    text.lines().find_map(|line| line.strip_prefix("# exposure: ")?.parse().ok()).unwrap()
}

#[test]
fn systemd_finds_no_fault_in_the_units() {
    let Some(_machine) = Machine::with_socket() else { return };
    let units = [UNIT, "/etc/systemd/system/clearing.socket"];
    let verified = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(units).output().unwrap();
    let told = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && !told.contains("clearing"), "{told}");
}

fn exposure(analyze: &mut Command) -> f64 {
    let told = expect_success(analyze);
    println!("{}", told.lines().last().unwrap_or_default());
    let level = told.lines().find_map(|line| line.split("exposure level for").nth(1));
    let level = level.and_then(|line| line.split(": ").nth(1)?.split(' ').next()?.parse().ok());
    level.unwrap_or_else(|| panic!("{told}"))
}
