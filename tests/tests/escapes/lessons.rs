//! What went wrong elsewhere: escapes of other sandboxes and agents that no single promise names.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use clearing_tests::decoys::SecretFile;
use clearing_tests::{Site, for_each_caller, skip};

use crate::attack::{armed, attempt, control, inside, outside, printed};

/// CVE-2024-32462 of Flatpak: a command became options of the sandbox.
#[test]
fn a_command_that_looks_like_an_option_is_a_command() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for command in [["--network", "host"], ["-w", "/"], ["--", "true"], ["--version", "x"]] {
            site.run(command).output().expect_code(127);
        }
    });
}

/// CVE-2024-21626 of runc: a working directory that is none served as the way to the host.
#[test]
fn a_working_directory_that_vanished_is_no_way_out() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let vanish = r#"mkdir gone; cd gone; rmdir ../gone; exec "$@""#;
        let line = ["sh", "-c", vanish, "sh"];
        let output = site.run(["sh", "-c", "ls -a . ..; echo ran"]).through(line).output();
        assert!(output.code == Some(125) || !output.stdout.contains("clearing-site"), "{output}");
    });
}

/// CVE-2024-21626 of runc: the working directory given as a descriptor of `/proc`.
#[test]
fn a_project_given_by_a_descriptor_is_judged_by_what_it_is() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let line = ["sh", "-c", r#"exec 7</; exec "$@""#, "sh"];
        let run = site.run(["ls", "/boot"]).through(line).args(["-w", "/proc/self/fd/7"]);
        run.output().expect_code(125);
    });
}

/// Options of an overlay are text: a path can look like more of them.
#[test]
fn a_project_whose_path_looks_like_mount_options_is_itself_alone() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        for name in [
            "a,upperdir=b",
            "a:..",
            "a\\:b\\,c",
            "with space",
            "quote\"'",
            "line\nfeed",
            "colon::two",
            "back\\",
            "-w",
        ] {
            let project = site.home().join(name);
            fs::create_dir(&project).expect("mkdir");
            fs::write(project.join("file"), "of the project").expect("write");
            site.own(&project);
            let script = format!("cat file; echo x > new; cat {}", token.path().display());
            let output = site.run(["sh", "-c", &script]).current_dir(&project).output();
            output.expect_stdout("of the project");
            assert!(!output.stdout.contains(token.secret()), "{name:?}: {output}");
            assert!(!project.join("new").exists(), "{name:?}");
            assert_eq!(fs::read_dir(&project).expect("a directory").count(), 1, "{name:?}");
        }
    });
}

/// CVE-2026-55607 and others: git, run by the tool outside, ran what the project's settings say.
#[test]
fn settings_of_the_project_s_repository_run_nothing_outside() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let made = site.home().join("made-outside");
        let program = site.write("program", format!("#!/bin/sh\ntouch {}\n", made.display()));
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("chmod");
        control(&site, "git init -q . 2>/dev/null");
        let set = format!(
            "[core]\n\tfsmonitor = {0}\n\thooksPath = .\n\tpager = {0}\n\tsshCommand = {0}\n",
            program.display()
        );
        site.write(".git/config", set);
        attempt(&site, "echo x > new; mkdir -p .git/hooks; cp program .git/hooks/post-index-change");
        assert!(!made.exists(), "the project's program ran outside");
        control(&site, "git status");
        if !made.exists() {
            skip("control: there is no git here that runs it");
        }
    });
}

/// CVE-2025-54794: what the project says of itself widens nothing.
#[test]
fn profiles_lying_in_the_project_permit_nothing() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let plan = || site.run(["true"]).arg("--plan").output();
        let before = plan();
        before.expect_code(0);
        let wider = "[network]\nmode = \"host\"\n";
        for name in ["clearing.toml", ".clearing.toml", "default.toml", "profiles/default.toml"] {
            site.write(name, wider);
        }
        let after = plan();
        let shape = |text: &str| {
            text.lines().filter(|line| line.contains("network")).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(shape(&after.stdout), shape(&before.stdout));
        // The one that is read can take away alone.
        site.write(".clearing/profile.toml", wider);
        site.run(["true"]).output().expect_code(125).expect_stderr("permits more than `default` does");
    });
}

/// Attributes of an overlay, planted in the project, could point it elsewhere.
#[test]
fn overlay_attributes_planted_in_the_project_lead_nowhere() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let token = SecretFile::new(&site);
        site.write("directory/file", "harmless");
        site.write("token", "");
        for (path, name, value) in [
            ("directory", "user.overlay.redirect", "2f2e2e2f2e73656372657473"),
            ("token", "user.overlay.redirect", "2f2e2e2f2e736563726574732f746f6b656e"),
            ("token", "user.overlay.metacopy", ""),
        ] {
            let size = (value.len() / 2).to_string();
            let line = [
                "raw",
                "setxattr",
                &format!("str:{path}"),
                &format!("str:{name}"),
                &format!("hex:{value}"),
                &size,
                "0",
            ];
            let set = outside(&site, &line);
            if set == "-1 EOPNOTSUPP" {
                return skip("the project's file system takes no user attributes");
            }
            assert_eq!(set, "0 ok");
        }
        let output = attempt(&site, "ls -a directory; cat token directory/token directory/file");
        assert!(!output.stdout.contains(token.secret()), "{output}");
    });
}

/// Attributes of an overlay, set inside, must not become the overlay's own.
#[test]
fn overlay_attributes_cannot_be_forged_inside() {
    for_each_caller(|caller| {
        let site = armed(caller);
        site.write("directory/file", "still seen");
        let set = |space: &str, name: &str| {
            let line = format!("./probe raw setxattr str:directory str:{space}.overlay.{name} str:y 1 0");
            attempt(&site, &format!("{line}; cat directory/file"))
        };
        for name in ["opaque", "whiteout", "redirect", "metacopy", "impure", "origin"] {
            set("user", name).expect_stdout("still seen");
            let trusted = set("trusted", name);
            assert!(trusted.stdout.starts_with("-1 E"), "{trusted}");
        }
    });
}

/// STYLE 47: text from the sandbox steers no terminal.
#[test]
fn names_with_control_characters_are_told_cleaned() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let make = "touch \"$(printf 'a\\033]0;owned\\007b')\" \"$(printf 'c\\233m')\" \"$(printf 'line\\nfeed: 3 files')\"";
        let output = attempt(&site, make);
        assert!(!output.stderr.contains('\u{1b}') && !output.stderr.contains('\u{7}'), "{output}");
    });
}

/// CVE-2026-39861 of Claude Code: what the tool itself writes followed the command's links.
#[test]
fn a_result_file_is_not_steered_by_the_command() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let outside = site.write_home("precious", "precious");
        // Named in the project, where the command may put a link of its own, in the layer alone.
        let result = site.project().join("result.json");
        let script = format!("ln -sf {} result.json; echo ran", outside.display());
        let run = site.clearing(["run", "--result"]).arg(&result).command(["sh", "-c", &script]);
        run.output();
        assert_eq!(fs::read_to_string(&outside).expect("there"), "precious");
    });
}

/// A project that is a link whose target is changed later is the one that it was at the start.
#[test]
fn a_link_to_the_project_can_change_its_target_without_effect() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        let link = site.directory().join("link");
        symlink(site.project(), &link).expect("symlink");
        let script = format!("echo started; sleep 0.3; cat token {}/token", link.display());
        let running = site.run(["sh", "-c", &script]).arg("-w").arg(&link).spawn();
        running.expect_printed("started");
        fs::remove_file(&link).expect("remove");
        symlink(site.home().join(".secrets"), &link).expect("symlink");
        let output = running.wait();
        assert!(!output.stdout.contains(token.secret()), "{output}");
    });
}

/// isolate 2.5: only the user was dropped, not the group, when files of the caller were opened.
#[test]
fn a_file_of_root_s_group_alone_cannot_be_read() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let file = site.write("group-only", "kept");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o040)).expect("chmod");
        let mine = inside(&site, &["open", "group-only", "r"]);
        let bare = outside(&site, &["open", "group-only", "r"]);
        // As owner one may not; only the host's root may everything.
        assert_eq!(mine, "-1 EACCES");
        assert!(caller.uid() != 0 || bare.ends_with("ok"), "control: {bare}");
    });
}

/// Hidden names of the loader: the supervisor runs before anything is confined.
#[test]
fn variables_given_for_the_command_do_not_steer_the_supervisor() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let library = site.project().join("planted.so");
        site.write("planted.so", "not a library");
        let given = format!("LD_PRELOAD={}", library.display());
        let output = site.run(["true"]).args(["-e", &given]).output();
        // The command's loader complains, once; nobody else does.
        assert!(output.stderr.matches("planted.so").count() <= 1, "{output}");
        assert!(printed(site.host("true").env("LD_PRELOAD", &library)).contains("planted.so"), "control");
    });
}

/// A set-user-ID program in a layer would be one of the caller's on the host, were it in reach.
#[test]
fn the_layers_of_a_run_are_closed_to_everybody_else() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let script =
            "cp probe ~/evil; chmod 4777 ~/evil; cp probe evil; chmod 4777 evil; echo laid; sleep 60";
        let running = site.run(["sh", "-c", script]).args(["--layer", "disk"]).spawn();
        running.expect_printed("laid");
        let runs = fs::read_dir(site.state().join("runs")).expect("runs").flatten();
        let modes: Vec<_> = runs
            .filter(|run| run.path().is_dir())
            .map(|run| run.metadata().expect("there").permissions().mode() & 0o7777)
            .collect();
        drop(running);
        assert!(!modes.is_empty(), "a run lies somewhere");
        assert!(modes.iter().all(|mode| mode & 0o077 == 0), "{modes:?}");
    });
}

/// Devices of the host are shared: nothing but what they do may be done to them.
#[test]
fn nodes_of_the_host_s_devices_cannot_be_changed() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let state = || printed(site.host("stat").args(["-c", "%a %u %g %h", "/dev/null", "/dev/zero"]));
        let before = state();
        let script = "cd /dev; chmod 777 null && echo changed; touch -d 2001-01-01 zero && echo changed;
            chown $(id -u) full && echo changed; ln null second && echo changed; rm -f random && echo changed";
        let output = attempt(&site, script);
        assert!(!output.stdout.contains("changed"), "{output}");
        assert_eq!(state(), before);
    });
}
