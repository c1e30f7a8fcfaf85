//! Entries of `PATH` that lead nowhere, or where the command's user may not go: the others are in view.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use clearing_tests::{Caller, Site, for_each_caller};
use serde_json::json;

use crate::chmod;

/// Beside the caller's home: a directory that is closed to everybody but root, and entries of every other kind.
struct Entries<'s>(&'s Site);

impl<'s> Entries<'s> {
    fn lay(site: &'s Site) -> Self {
        let entries = Self(site);
        for tools in ["shut/bin", "open", "unlisted", "behind"] {
            let directory = entries.path(tools);
            fs::create_dir_all(&directory).unwrap();
            let tool = directory.join(format!("tool-{}", tools.replace('/', "-")));
            fs::write(&tool, "#!/bin/sh\necho \"${0##*/}\"\n").unwrap();
            chmod(&tool, 0o755);
        }
        fs::write(entries.path("file"), "").unwrap();
        symlink("loop", entries.path("loop")).unwrap();
        symlink("behind", entries.path("link")).unwrap();
        chmod(&entries.path("unlisted"), 0o711);
        chmod(&entries.path("shut"), 0o600);
        entries
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.directory().join(name)
    }

    fn search_path(&self) -> String {
        let places = ["shut/bin", "shut", "absent", "file", "loop/bin", "open", "unlisted", "link"];
        let places = places.map(|name| self.path(name).display().to_string());
        format!("{}::relative:/usr/bin:/bin", places.join(":"))
    }

    /// A profile that names one of them.
    fn read(&self, name: &str) -> PathBuf {
        let rules = "extends = \"default\"\nwiden = true\nreason = \"wanted\"\n[filesystem]\nread";
        let path = self.path(name);
        self.0.write_home(format!("{}.toml", name.replace('/', "-")), format!("{rules} = [{path:?}]\n"))
    }
}

#[test]
fn what_is_closed_is_left_out_and_told_and_all_else_is_found() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let entries = Entries::lay(&site);
        let script = "tool-open; tool-unlisted; tool-behind; command -v tool-shut-bin || echo none";
        let output = site.run(["sh", "-c", script]).env("PATH", entries.search_path()).output();
        output.expect_code(0);
        assert_eq!(output.stdout, "tool-open\ntool-unlisted\ntool-behind\nnone\n", "{output}");
        let shut = entries.path("shut").display().to_string();
        for entry in [format!("{shut}/bin"), shut.clone()] {
            output.expect_stderr(&format!(
                "note: `{entry}`, to which `PATH` leads, is not in view: `{shut}` is closed to the command's user"
            ));
        }
        assert_eq!(output.stderr.matches("is not in view").count(), 2, "{output}");
    });
}

#[test]
fn a_session_of_a_server_is_told_the_same() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let entries = Entries::lay(&site);
        let server = site.clearing(["serve", "--stdio"]).env("PATH", entries.search_path());
        let mut client = server.client();
        for _ in 0..3 {
            let made = client.call("session/create", json!({ "workspace": site.project() }));
            let notes = made["notes"].as_array().expect("a list");
            let told = notes.iter().filter(|note| note.as_str().unwrap().contains("is not in view"));
            assert_eq!(told.count(), 2, "{made}");
            client.call("session/destroy", json!({ "session": made["session"] }));
        }
    });
}

#[test]
fn what_a_profile_names_is_shown_or_refused_with_the_way_to_mend_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let entries = Entries::lay(&site);
        let named = |name: &str| {
            let list = site.run(["ls".as_ref(), entries.path(name).as_os_str()]);
            list.arg("--profile").arg(entries.read(name)).output()
        };
        match caller {
            Caller::Root => drop(named("shut/bin").expect_code(0).expect_stdout("tool-shut-bin")),
            Caller::Ordinary => {
                let (output, shut) = (named("shut/bin"), entries.path("shut").display().to_string());
                crate::refusal::is_refused(&output, "Permission denied");
                let acl = format!("hint: `{shut}` is closed to you");
                output.expect_stderr(&acl).expect_stderr(&format!("setfacl -m u:{}:x {shut}", caller.uid()));
            }
        }
        for absent in ["absent", "file/below", "loop/bin"] {
            let output = named(absent);
            crate::refusal::is_refused(&output, "os error");
            let path = entries.path(absent).display().to_string();
            output.expect_stderr(&format!("hint: `{path}` leads nowhere"));
            assert!(!output.stderr.contains("copied"), "{output}");
        }
        named("link").expect_code(0).expect_stdout("tool-behind");
    });
}
