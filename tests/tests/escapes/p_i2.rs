//! P-I2: no kernel key of the host: neither user nor inherited session keyring, nor by serial number;
//! keyctl filtered.

use clearing_tests::decoys::secret;
use clearing_tests::{Site, for_each_caller};

use crate::attack::{Call, armed, printed};

#[test]
fn a_key_of_the_inherited_session_cannot_be_read_by_number() {
    is_kept("with-session-key", &["key-read", "{key}"]);
}

#[test]
fn a_key_of_the_inherited_session_cannot_be_found_by_name() {
    is_kept("with-session-key", &["key-find", "{name}"]);
}

#[test]
fn a_key_of_the_user_cannot_be_read_by_number() {
    is_kept("with-user-key", &["key-read", "{key}"]);
}

#[test]
fn a_key_of_the_user_cannot_be_found_by_name() {
    is_kept("with-user-key", &["key-find", "{name}"]);
}

#[test]
fn a_key_cannot_be_taken_into_a_keyring_of_one_s_own() {
    // KEYCTL_LINK into the process keyring
    is_kept_by_answer(&["raw", "keyctl", "8", "{key}", "-2"]);
}

#[test]
fn a_key_cannot_be_described() {
    // KEYCTL_DESCRIBE
    is_kept_by_answer(&["raw", "keyctl", "6", "{key}", "buf:256", "256"]);
}

#[test]
fn a_key_cannot_be_revoked() {
    is_kept_by_answer(&["raw", "keyctl", "3", "{key}"]);
}

#[test]
fn keys_are_not_listed() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let name = secret();
        let list = ["cat", "/proc/keys"];
        let output = site.run(list).through(["./probe", "with-session-key", &name, "x"]).output();
        assert!(!output.stdout.contains(&name), "{output}");
        let mut bare = site.host("./probe");
        let told = printed(bare.args(["with-session-key", &name, "x"]).args(list));
        assert!(told.contains(&name), "control: {told}");
    });
}

#[test]
fn the_session_keyring_is_not_told() {
    Call::raw("keyctl 0 -3 0").expect_refusal("EPERM");
}

#[test]
fn another_session_keyring_cannot_be_joined() {
    Call::raw("keyctl 1 null").expect_refusal("EPERM");
}

#[test]
fn a_key_cannot_be_added() {
    Call::raw("add_key bad bad null 0 0").expect_refusal("EPERM");
}

#[test]
fn a_key_cannot_be_requested() {
    Call::raw("request_key bad bad null 0").expect_refusal("EPERM");
}

#[test]
fn keyctl_with_high_bits_is_refused() {
    Call::raw("keyctl 0x100000000 -3 0").expect_refusal("EPERM");
}

/// `{key}` and `{name}` stand for a key that the caller has when the sandbox starts.
#[track_caller]
fn is_kept(keyring: &str, line: &[&str]) {
    for_each_caller(|caller| {
        let (site, name, kept) = (armed(caller), secret(), secret());
        let (within, bare) = both(&site, keyring, &[&name, &kept], line);
        assert_eq!(within, "-1 EPERM");
        assert_eq!(bare, kept, "control");
    });
}

#[track_caller]
fn is_kept_by_answer(line: &[&str]) {
    for_each_caller(|caller| {
        let (site, name) = (armed(caller), secret());
        let (within, bare) = both(&site, "with-session-key", &[&name, "x"], line);
        assert_eq!(within, "-1 EPERM");
        assert!(bare.ends_with("ok"), "control: {bare}");
    });
}

/// What the probe says inside and outside, both started by somebody who has the key.
#[track_caller]
fn both(site: &Site, keyring: &str, key: &[&str; 2], line: &[&str]) -> (String, String) {
    let line: Vec<_> = line.iter().map(|word| if *word == "{name}" { key[0] } else { word }).collect();
    let command = [&["./probe"], &line[..]].concat();
    let holder = [&["./probe", keyring], &key[..]].concat();
    let output = site.run(&command).through(&holder).output();
    let mut bare = site.host(holder[0]);
    bare.args(&holder[1..]).args(&command);
    (output.stdout.trim().to_owned(), printed(&mut bare))
}
