//! P-F1: a path outside the workspace and the declared read-only roots cannot be read, listed or stat'ed.

use std::fs;
use std::os::unix::fs::symlink;

use clearing_tests::decoys::SecretFile;
use clearing_tests::{Site, for_each_caller, skip};

use crate::attack::{armed, assert_keeps, attempt, control, inside, outside};

#[test]
fn a_secret_in_the_home_cannot_be_read() {
    keeps_the_token("cat {token}");
}

#[test]
fn climbing_out_with_dots_reaches_nothing() {
    keeps_the_token("cat ./../../../../../../../../../../..{token}; cat ../.secrets/token");
}

#[test]
fn a_secret_cannot_be_run_as_a_script() {
    keeps_the_token("sh {token}; (. {token})");
}

#[test]
fn a_secret_cannot_be_copied_in() {
    keeps_the_token("cp {token} here; cat here; rm -f here");
}

#[test]
fn the_home_lists_nothing_of_the_host() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let _token = SecretFile::new(&site);
        assert_keeps(&site, ".secrets", "ls -a .. ~");
    });
}

#[test]
fn a_directory_beside_the_home_cannot_be_listed() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let beside = site.directory().join("beside");
        fs::create_dir(&beside).expect("mkdir");
        fs::write(beside.join("a-telling-name"), "").expect("write");
        assert_keeps(&site, "a-telling-name", &format!("ls {}", beside.display()));
    });
}

#[test]
fn a_path_outside_cannot_be_told_from_one_that_is_absent() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let token = SecretFile::new(&site);
        let there = token.path().display().to_string();
        let absent = format!("{there}-that-never-was");
        for way in ["r", "w", "path", "directory"] {
            let answers = [&there, &absent].map(|path| inside(&site, &["open", path, way]));
            assert_eq!(answers[0], answers[1], "{way}");
            assert_ne!(
                outside(&site, &["open", &there, "r"]),
                outside(&site, &["open", &absent, "r"]),
                "control"
            );
        }
    });
}

#[test]
fn a_file_outside_cannot_be_opened_even_as_a_mere_place() {
    is_absent("open {token} path");
}

#[test]
fn a_file_outside_cannot_be_statted() {
    is_absent("raw statx -100 str:{token} 0 0xfff buf:256");
}

#[test]
fn access_to_a_file_outside_cannot_be_asked() {
    is_absent("raw access str:{token} 0");
}

#[test]
fn attributes_of_a_file_outside_cannot_be_listed() {
    is_absent("raw listxattr str:{token} buf:64 64");
}

#[test]
fn a_file_outside_has_no_handle() {
    is_absent("raw name_to_handle_at -100 str:{token} hex:80000000 buf:8 0");
}

#[test]
fn password_hashes_of_the_host_cannot_be_read() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "cat /etc/shadow /etc/gshadow /etc/shadow- /etc/sudoers 2>/dev/null";
        let output = attempt(&site, script);
        assert_eq!(output.stdout.lines().count(), 1, "{output}");
        if caller.uid() == 0 {
            let told = control(&site, script);
            assert!(told.lines().count() > 1, "control: {told}");
        }
    });
}

#[test]
fn accounts_of_the_host_are_not_listed() {
    let known = ["root", "nobody", "daemon", "nogroup"];
    let accounts = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let mut names = accounts.lines().filter_map(|line| line.split(':').next());
    let Some(name) = names.rfind(|name| !known.contains(name)) else {
        return skip("the host has no account that could be told");
    };
    for_each_caller(|caller| {
        let site = Site::new(caller);
        assert_keeps(&site, &format!("\n{name}:"), "cat /etc/passwd");
    });
}

#[test]
fn places_of_the_host_alone_are_not_there() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let places = "ls -d /boot/* /srv/* /mnt/* /media/* /lost+found /var/log /var/lib /var/spool";
        let output = attempt(&site, &format!("{places} 2>/dev/null"));
        assert_eq!(output.stdout.lines().count(), 1, "{output}");
        assert!(control(&site, places).contains("/var/lib"), "control");
    });
}

#[test]
fn the_state_directory_is_out_of_sight() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let state = site.state();
        fs::write(state.join("a-telling-name"), "").expect("write");
        site.own(&state);
        let listing = format!("ls {}", state.display());
        assert_keeps(&site, "a-telling-name", &listing);
        fs::remove_file(state.join("a-telling-name")).expect("remove");
    });
}

#[test]
fn a_git_file_brings_in_no_directory_that_is_no_git_directory() {
    git_file_brings_nothing_in(|site| {
        site.write(".git", "gitdir: ../.secrets\n");
    });
}

#[test]
fn a_git_file_brings_in_no_repository_of_others() {
    git_file_brings_nothing_in(|site| {
        for (name, contents) in [
            ("HEAD", "ref: refs/heads/main\n"),
            ("config", "[core]\n\tbare = false\n"),
            ("objects/keep", ""),
            ("refs/keep", ""),
        ] {
            site.write_home(format!(".secrets/{name}"), contents);
        }
        site.write(".git", "gitdir: ../.secrets\n");
    });
}

#[test]
fn a_common_directory_named_by_the_project_is_not_brought_in() {
    git_file_brings_nothing_in(|site| {
        site.write(".git", "gitdir: metadata\n");
        site.write("metadata/HEAD", "ref: refs/heads/main\n");
        site.write("metadata/commondir", "../../.secrets\n");
        site.write("metadata/gitdir", format!("{}/.git\n", site.project().display()));
    });
}

#[test]
fn a_git_link_to_the_outside_is_not_followed() {
    git_file_brings_nothing_in(|site| {
        symlink("../.secrets", site.project().join(".git")).expect("symlink");
    });
}

#[test]
fn an_alternate_object_store_is_not_brought_in() {
    git_file_brings_nothing_in(|site| {
        site.write(".git/HEAD", "ref: refs/heads/main\n");
        site.write(".git/refs/keep", "");
        let store = format!("{}\n", site.home().join(".secrets").display());
        site.write(".git/objects/info/alternates", store);
    });
}

#[test]
fn a_search_path_over_the_home_does_not_open_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        let home = site.home().display().to_string();
        for entry in [home.as_str(), "/", "..", "", "/root", "/home"] {
            let script = format!("cat {}; echo made", token.path().display());
            let path = format!("{entry}:/usr/bin:/bin");
            let output = site.run(["sh", "-c", &script]).env("PATH", path).output();
            output.expect_stdout("made");
            assert!(!output.stdout.contains(token.secret()), "{entry}: {output}");
        }
    });
}

#[test]
fn a_project_given_as_a_link_to_a_system_directory_is_refused() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for target in ["/etc", "/", "/usr", "/proc", "/dev"] {
            let link = site.home().join(format!("link{}", target.replace('/', "-")));
            symlink(target, &link).expect("symlink");
            let output = site.run(["ls"]).arg("-w").arg(&link).output();
            output.expect_code(125);
        }
    });
}

#[test]
fn the_home_itself_is_refused_as_a_project() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let link = site.directory().join("link");
        symlink(site.home(), &link).expect("symlink");
        for project in [site.home(), link, site.directory().to_owned()] {
            let output = site.run(["ls"]).arg("-w").arg(&project).output();
            output.expect_code(125);
        }
    });
}

#[test]
fn a_project_reached_by_a_link_shows_itself_alone() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        let link = site.directory().join("link");
        symlink(site.project(), &link).expect("symlink");
        site.write("own.txt", "own");
        let script = format!("cat own.txt {}; ls -a ..", token.path().display());
        let output = site.run(["sh", "-c", &script]).current_dir(&link).output();
        output.expect_stdout("own");
        assert!(!output.stdout.contains(token.secret()), "{output}");
        assert!(!output.stdout.contains(".secrets"), "{output}");
    });
}

/// `{token}` stands for the path of a file of the caller's outside the project.
#[track_caller]
fn keeps_the_token(script: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        let path = token.path().display().to_string();
        assert_keeps(&site, token.secret(), &script.replace("{token}", &path));
    });
}

#[track_caller]
fn is_absent(line: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let token = SecretFile::new(&site);
        let line = line.replace("{token}", &token.path().display().to_string());
        let line: Vec<_> = line.split(' ').collect();
        assert_eq!(inside(&site, &line), "-1 ENOENT");
        assert_ne!(outside(&site, &line), "-1 ENOENT", "control");
    });
}

#[track_caller]
fn git_file_brings_nothing_in(prepare: impl Fn(&Site)) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        prepare(&site);
        site.own(&site.project());
        let script = format!("cat {} .git/token", token.path().display());
        let output = site.run(["sh", "-c", &format!("{script}; echo made")]).output();
        // Refusing such a project altogether keeps the promise as well.
        assert!(output.code == Some(125) || output.stdout.contains("made"), "{output}");
        assert!(!output.stdout.contains(token.secret()), "{output}");
        assert!(control(&site, &script).contains(token.secret()), "control");
    });
}
