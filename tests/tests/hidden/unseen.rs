//! What is hidden cannot be seen, by no name and in no way of working.

use std::os::unix::fs::symlink;

use clearing_tests::{Site, for_each_caller};

use crate::{WAYS, expect_printed};

const KEY: &str = "-----BEGIN PRIVATE KEY-----\nhush\n";

fn with_secrets(site: &Site) {
    site.write(".env", "TOKEN=hush\n");
    site.write(".env.example", "TOKEN=\n");
    site.write("deep/down/.env.local", "TOKEN=hush\n");
    site.write("deep/plain", "plain\n");
    site.write("tls/server.key", KEY);
    site.write("tls/server.pem", "-----BEGIN CERTIFICATE-----\n");
    site.write("home/.aws/credentials", "hush\n");
    site.write("node_modules/x/.env", "other people's\n");
}

const LOOK: &str = "grep -rl hush . ; find . -name '.env*' | sort; ls tls home; cat deep/plain .env";

#[test]
fn secrets_are_not_in_view_however_the_command_works() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        with_secrets(&site);
        let shown = "./.env.example\n./node_modules/x/.env\nhome:\n\ntls:\nserver.pem\nplain\n";
        for way in WAYS {
            let output = expect_printed(&site, way, LOOK, shown);
            output.expect_stderr("4 paths of the project are hidden: `.env`, ").expect_code(1);
        }
        let bare = site.run(["sh", "-c", LOOK]).without_namespaces().output();
        assert_eq!(bare.stdout, shown, "{bare}");
    });
}

#[test]
fn other_names_of_a_secret_are_hidden_with_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("config/values", "hush\n");
        site.write("other/.env", "hush\n");
        let path = |name: &str| site.project().join(name);
        symlink("config/values", path(".env")).unwrap();
        symlink("../config/values", path("other/innocent-link")).unwrap();
        std::fs::hard_link(path("other/.env"), path("other/innocent")).unwrap();
        site.own(&site.project());
        let script =
            "grep -rl hush . ; cat config/values other/innocent other/innocent-link; ls -A config other";
        for way in WAYS {
            expect_printed(&site, way, script, "config:\n\nother:\ninnocent-link\n");
        }
    });
}

#[test]
fn a_directory_that_nobody_could_look_into_shows_nothing_when_it_is_opened() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("closed/.env", "hush\n");
        site.host("chmod").args(["000", "closed"]).status().unwrap();
        let script = "chmod 755 closed 2>/dev/null; cat closed/.env; grep -rl hush .";
        for way in WAYS {
            expect_printed(&site, way, script, "");
        }
    });
}

#[test]
fn a_directory_with_a_secret_in_it_is_like_any_other() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("a/b/.env", "hush\n");
        site.write("a/b/plain", "plain\n");
        site.host("chmod").args(["2750", "a/b"]).status().unwrap();
        site.host("touch").args(["-d", "2001-02-03 04:05:06 UTC", "a/b"]).status().unwrap();
        let script = "stat -c '%A %Y' a/b; echo x > a/b/new; mv a/b/plain a/b/.env; cat a/b/.env; rm a/b/.env; ls -A a/b; rm -r a; ls -A";
        for way in &WAYS[..2] {
            let output = site.run(["sh", "-c", script]).args(*way).output();
            assert_eq!(output.stdout, "drwxr-s--- 981173106\nplain\nnew\n", "{output}");
        }
        assert_eq!(std::fs::read_to_string(site.project().join("a/b/.env")).unwrap(), "hush\n");
    });
}

#[test]
fn a_secret_that_comes_between_two_runs_is_hidden_in_the_second() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("a/b/plain", "plain\n");
        expect_printed(&site, &[], "find . -type f", "./a/b/plain\n");
        site.write("a/b/.env", "hush\n");
        expect_printed(&site, &[], "find . -type f", "./a/b/plain\n");
        site.write("a/b/x.pem", "nothing\n");
        expect_printed(&site, &[], "ls a/b", "plain\nx.pem\n");
        site.write("a/b/x.pem", KEY);
        expect_printed(&site, &[], "ls a/b", "plain\n");
    });
}

#[test]
fn a_secret_cannot_be_read_in_the_project_itself_where_there_are_no_mounts() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write(".env", "hush\n");
        let project = site.project();
        let around = project.parent().unwrap().display().to_string();
        let profile = site.write_home(
            "p.toml",
            format!("extends = \"default\"\nwiden = true\nreason = \"all of it\"\n[filesystem]\nread = [\"{around}\"]\n"),
        );
        let script = format!("cat {0}/.env || echo kept; ls {0}", project.display());
        let bare = site.run(["sh", "-c", &script]).args(["-p", profile.to_str().unwrap()]);
        bare.without_namespaces().output().expect_stdout("kept").expect_stderr("denied");
    });
}
