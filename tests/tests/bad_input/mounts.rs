//! What is mounted below the project is never shown as an empty directory in silence.

use clearing_tests::{Caller, Output, Site, for_each_caller};

#[test]
fn an_ordinary_caller_gets_a_copy_with_them_and_root_runs_without_them() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for name in ["one", "two"] {
            site.write(format!("{name}/hidden"), "");
        }
        let output = with_mounts(&site);
        let mounts = ["one", "two"].map(|name| site.project().join(name).display().to_string());
        assert!(mounts.iter().all(|mount| output.stderr.contains(mount)), "{output}");
        if caller == Caller::Root {
            output.expect_code(0).expect_stderr("left out");
        } else {
            output.expect_code(0).expect_stderr("copied with it").expect_stdout("inside");
            assert_eq!(output.outcome()["workspace"]["kind"], "copy");
        }
    });
}

/// A run in a mount namespace of the proof's own, where two file systems are mounted below the project.
fn with_mounts(site: &Site) -> Output {
    let script = r#"mount -t tmpfs none one && mount -t tmpfs none two && touch two/inside && exec "$@""#;
    let sh = ["sh", "-c", script, "sh"];
    let run = site.run(["sh", "-c", "echo ran; ls one two"]);
    if site.caller() == Caller::Root {
        return run.through(["unshare", "--mount"]).through(sh).output();
    }
    run.through(["unshare", "--user", "--map-root-user", "--mount"])
        .through(sh)
        .through(["unshare", "--user", "--map-user=54321", "--map-group=54321"])
        .output()
}
