//! Nothing lands upon a hidden path, and what leads there stays.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use clearing_tests::{Output, Site, expect_success, for_each_caller};

const SECRET: &str = "hush\n";

/// Runs a script in a session, and commits it.
fn committed(site: &Site, script: &str) -> Output {
    site.clearing(["create", "--name", "s"]).output().expect_code(0);
    site.clearing(["exec", "s"]).command(["sh", "-ec", script]).output().expect_code(0);
    let diff = site.clearing(["diff", "s"]).output();
    assert!(!diff.stdout.contains("hush"), "{diff}");
    let output = site.clearing(["commit", "s", "--json"]).output();
    site.clearing(["rm", "--yes", "s"]).output().expect_code(0);
    output
}

#[track_caller]
fn expect_kept(site: &Site, path: &str) {
    assert_eq!(fs::read_to_string(site.project().join(path)).unwrap(), SECRET);
}

#[test]
fn a_hidden_path_is_not_replaced_made_or_taken_away() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("a/.env", SECRET);
        site.write("a/plain", "plain\n");
        let output = committed(&site, "echo mine > a/.env; mkdir b; echo mine > b/.ENV; echo new > a/new");
        output.expect_stdout("CLR-COMMIT-HIDDEN").expect_stdout("a/.env");
        expect_kept(&site, "a/.env");
        assert!(!site.project().join("b/.ENV").exists() && site.project().join("a/new").exists());
    });
}

#[test]
fn what_leads_to_a_hidden_path_is_not_removed_renamed_replaced_or_closed() {
    for_each_caller(|caller| {
        for script in
            ["rm -r a", "mv a b", "rm -r a; echo file > a", "chmod 700 a", "rm -r a; mkdir -m 700 a"]
        {
            let site = Site::new(caller);
            site.write("a/b/.env", SECRET);
            site.write("a/plain", "plain\n");
            let mode = || fs::metadata(site.project().join("a")).unwrap().permissions().mode() & 0o7777;
            let before = mode();
            let output = committed(&site, script);
            output.expect_stdout("CLR-COMMIT-HIDDEN").expect_stdout("a/b/.env");
            expect_kept(&site, "a/b/.env");
            assert_eq!(mode(), before, "{script}");
        }
    });
}

#[test]
fn what_was_hidden_from_a_session_stays_kept_when_the_profile_shows_it_later() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("a/notes", SECRET);
        let profile = site.write_home("p.toml", "extends = \"default\"\n[filesystem]\nhide = [\"notes\"]\n");
        let profile = profile.to_str().unwrap();
        site.clearing(["create", "--name", "s", "-p", profile]).output().expect_code(0);
        site.clearing(["exec", "s"]).command(["rm", "-r", "a"]).output().expect_code(0);
        site.write_home("p.toml", "extends = \"default\"\n");
        let output = site.clearing(["commit", "s", "--json"]).output();
        output.expect_stdout("CLR-COMMIT-HIDDEN").expect_stdout("a/notes");
        expect_kept(&site, "a/notes");
    });
}

#[test]
fn what_has_become_a_secret_since_the_command_ended_is_kept() {
    for_each_caller(|caller| {
        for (secret, is_kept) in [
            ("ln a/changed .env", "a/changed"),
            ("ln -s changed a/.env", "a/changed"),
            ("ln -s a/changed .env", "a/changed"),
            ("echo '-----BEGIN PRIVATE KEY-----' > a/B.PEM", "a/b.pem"),
            ("mkdir -p gone/deep; echo hush > gone/deep/.env", "gone"),
        ] {
            let site = Site::new(caller);
            for path in ["a/changed", "a/other", "gone/deep/file"] {
                site.write(path, SECRET);
            }
            site.clearing(["create", "--name", "s"]).output().expect_code(0);
            let script = "echo mine > a/changed; echo mine > a/other; echo mine > a/b.pem; rm -r gone";
            site.clearing(["exec", "s"]).command(["sh", "-ec", script]).output().expect_code(0);
            expect_success(site.host("sh").args(["-ec", secret]));
            let output = site.clearing(["commit", "s", "--json"]).output();
            output.expect_stdout("CLR-COMMIT-HIDDEN").expect_stdout(is_kept);
            assert!(
                !is_kept.ends_with("changed") || read(&site, "a/changed") == SECRET,
                "{secret}: {output}"
            );
            assert!(site.project().join("gone").exists() == (is_kept == "gone"), "{secret}: {output}");
        }
    });
}

fn read(site: &Site, path: &str) -> String {
    fs::read_to_string(site.project().join(path)).unwrap()
}
