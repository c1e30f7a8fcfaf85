//! Programs that hold a session through the server, in languages that bring nothing for it: they stream, cancel,
//! roll back and commit.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

use std::path::Path;

use clearing_tests::{Site, assert_nothing_left, for_each_caller};

/// What either says.
const SAYS: &str = "tier namespaces\nstdout \"one\\n\"\nexit 0\nexit 3\ncancelled CLR-CANCELLED\nchanges added kept\n\
                    server 0\n";

fn works_on_a_project(interpreter: &str, client: &str) {
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(client);
    let source = std::fs::read_to_string(&client).unwrap();
    assert!(source.lines().count() < 60, "{} lines", source.lines().count());
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("note.txt", "of the project\n");
        let client = site.write_home(client.file_name().unwrap(), &source);
        let mut program = site.host(interpreter);
        program.arg(client).arg(site.binary()).arg(site.project()).env("CLEARING_STATE_DIR", site.state());
        let output = program.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said, SAYS, "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(std::fs::read_to_string(site.project().join("kept")).unwrap(), "kept\n");
        assert!(!site.project().join("bad").exists());
        assert_nothing_left(&site);
    });
}

#[test]
fn a_client_in_python_works_on_a_project() {
    works_on_a_project("/usr/bin/python3", "client.py");
}

#[test]
fn a_client_in_javascript_works_on_a_project() {
    works_on_a_project("node", "client.mjs");
}
