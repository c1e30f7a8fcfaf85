//! P-M3, P-M4: what somebody wrote into the layers of a session by hand, as no command could.

use std::fs;
use std::path::PathBuf;

use clearing_tests::{Caller, Output, Site, expect_success, for_each_caller};

use crate::hands::{exists, session};

/// The sealed layer that has what the session wrote of the project.
fn sealed(site: &Site) -> PathBuf {
    let layers = fs::read_dir(site.state().join("layers")).expect("the layers");
    let uppers = layers.map(|layer| layer.expect("a layer").path().join("project.upper"));
    uppers.into_iter().find(|upper| upper.join("d").exists()).expect("a layer with something in it")
}

/// A sealed layer, changed by the script; what then becomes of it. The project is to stay as it is.
fn tampered(site: &Site, script: &str) -> [Output; 3] {
    site.write("d/kept", "kept");
    site.write("old", "old");
    site.install_probe();
    session(site, "echo new > d/new; echo empty > empty; : > empty");
    site.clearing(["snapshot", "s", "one"]).output().expect_code(0);
    // `mark PATH ATTRIBUTE VALUE`
    let mark =
        r#"mark() { "$PROBE" raw setxattr "str:$1" "str:user.overlay.$2" "str:$3" ${#3} 0 | grep -q '^0'; }"#;
    let mut command = site.host("sh");
    command.args(["-ec", &format!("{mark}\n{script}")]).env("PROBE", site.project().join("probe"));
    expect_success(command.current_dir(sealed(site)));
    [
        site.clearing(["diff", "s"]).output(),
        site.clearing(["commit", "s", "--yes"]).output(),
        site.clearing(["exec", "s"]).command(["sh", "-c", "cat d/kept old"]).output(),
    ]
}

#[test]
fn a_layer_whose_attributes_lead_elsewhere_is_refused_and_nothing_lands() {
    for_each_caller(|caller| {
        for attribute in ["mark d redirect /old", "mark d/new metacopy x"] {
            let site = Site::new(caller);
            let [diff, commit, exec] = tampered(&site, attribute);
            for output in [&diff, &commit] {
                output.expect_stderr("the layer was changed by hand").expect_stderr("user.overlay.");
                assert_ne!(output.code, Some(0), "{output}");
            }
            assert!(!exists(&site, "d/new") && !exists(&site, "empty"), "{commit}");
            // The kernel follows them no more than we do.
            assert!(exec.code != Some(0) || exec.stdout == "keptold", "{exec}");
            site.clearing(["rm", "--yes", "s"]).output().expect_code(0);
        }
    });
}

#[test]
fn forged_whiteouts_and_opaque_directories_delete_nothing_that_was_not_there() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "mknod never-there c 0 0; mkdir -p made/deep; mknod made/deep/gone c 0 0; \
                      mark made opaque y; mark empty whiteout y; mark d opaque x; mark d/new nonsense 1";
        let [diff, commit, exec] = tampered(&site, script);
        diff.expect_code(0);
        exec.expect_code(0);
        assert_eq!(exec.stdout, "keptold");
        for path in ["never-there", "made/deep/gone", "empty"] {
            assert!(!exists(&site, path), "{path}");
        }
        // What no command of the session was seen to make is not taken over unasked.
        commit.expect_code(1).expect_stderr("made");
        let rest = site.clearing(["commit", "s", "--yes", "--only", "d"]).output();
        rest.expect_code(0);
        assert!(exists(&site, "d/new") && !exists(&site, "made"), "{rest}");
        assert_eq!(fs::read_to_string(site.project().join("d/kept")).expect("it is there"), "kept");
        for (path, attribute) in [("d", "opaque"), ("d/new", "nonsense")] {
            let get = format!("./probe raw getxattr str:{path} str:user.overlay.{attribute} buf:8 8");
            let told = expect_success(site.host("sh").args(["-c", &get]));
            assert_eq!(told.trim(), "-1 ENODATA", "an attribute of an overlay landed: {path}");
        }
    });
}

#[test]
fn a_device_or_a_link_in_a_layer_does_not_land() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let device = if caller == Caller::Root { "mknod device b 7 0; mknod null c 1 3;" } else { "" };
        let script = format!("{device} mkfifo pipe; ln -s /etc/passwd link; rm d/new; ln -s ../../.. d/new");
        let [_, commit, _] = tampered(&site, &script);
        for path in ["device", "null", "pipe", "link", "d/new"] {
            assert!(!exists(&site, path), "{path}: {commit}");
        }
        assert!(exists(&site, "empty"), "the rest lands: {commit}");
    });
}

#[test]
fn a_layer_that_became_a_link_is_not_read_through() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write_home("secret/d/new", "secret");
        let secret = site.home().join("secret");
        let script = format!("cd ..; mv project.upper aside; ln -s {} project.upper", secret.display());
        for output in tampered(&site, &script) {
            output.expect_code(125);
            assert!(!output.stdout.contains("secret"), "{output}");
        }
        assert!(!exists(&site, "d/new"));
        site.clearing(["rm", "--yes", "s"]).output().expect_code(0);
        assert_eq!(fs::read_to_string(secret.join("d/new")).expect("it is there"), "secret");
    });
}
