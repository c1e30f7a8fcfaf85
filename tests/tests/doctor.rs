//! `clearing doctor` and the hints of `clearing run`: a host that lacks something is told what, and
//! nothing runs there.

use std::fs;

use clearing_tests::{Caller, Output, Run, Site, assert_nothing_left, for_each_caller, install, skip};
use serde_json::Value;

/// Makes `run` start in new namespaces of the proof's own, after a preparation in shell. Root makes
/// mounts as it is; anybody else, and whoever changes limits of user namespaces, in a user namespace
/// in which they are who they were.
fn prepared<'s>(run: Run<'s>, flags: &[&str], preparation: &str) -> Run<'s> {
    let script = format!("set -e; {preparation}; exec \"$@\"");
    run.through(["unshare"]).through(flags).through(["sh", "-c", &script, "sh"])
}

fn in_user_namespace<'s>(run: Run<'s>, preparation: &str) -> Run<'s> {
    prepared(run, &["--user", "--map-current-user", "--keep-caps"], preparation)
}

fn without_user_namespaces(run: Run<'_>) -> Run<'_> {
    in_user_namespace(run, "echo 0 > /proc/sys/user/max_user_namespaces")
}

fn with_mount<'s>(caller: Caller, run: Run<'s>, mount: &str) -> Run<'s> {
    let flags: &[&str] = match caller {
        Caller::Root => &["--mount"],
        Caller::Ordinary => &["--user", "--mount", "--map-current-user", "--keep-caps"],
    };
    prepared(run, flags, mount)
}

/// As every container has it.
const MASK_PROC: &str = "mount --bind /dev/null /proc/keys";

const STATE_ON_OVERLAY: &str = r#"cd "$HOME"; mkdir -m 700 lower upper work;
    mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work,userxattr "$CLEARING_STATE_DIR";
    cd project"#;

fn doctor(site: &Site) -> Run<'_> {
    site.clearing(["doctor"])
}

fn diagnosis(run: Run<'_>) -> Value {
    let output = run.arg("--json").output();
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{output}"))
}

/// A run that fails closed: nothing is executed, and standard error names what and what to do.
#[track_caller]
fn expect_refused(output: &Output, parts: &[&str]) {
    output.expect_code(125);
    assert_eq!(output.stdout, "", "{output}");
    for part in parts {
        output.expect_stderr(part);
    }
    output.expect_stderr("\nhint: ");
}

fn feature<'d>(diagnosis: &'d Value, name: &str) -> &'d Value {
    let features = diagnosis["features"].as_array().expect("an array");
    features.iter().find(|feature| feature["feature"] == name).unwrap_or_else(|| panic!("{diagnosis:#}"))
}

#[test]
fn doctor_and_run_agree_on_this_host() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let works = doctor(&site).output();
        let runs = site.run(["true"]).output();
        assert_eq!(works.code == Some(0), runs.code == Some(0), "{works}\n{runs}");
        let verdict = if works.code == Some(0) { "\ntier: namespaces\n" } else { "\nrefused: " };
        works.expect_stdout(verdict);
    });
}

#[test]
fn doctor_leaves_nothing() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
        let before = site.project_tree();
        doctor(&site).output();
        assert_eq!(fs::read_to_string("/proc/self/mountinfo").expect("mounts"), mounts);
        site.project_tree().expect_same_as(&before);
        assert_nothing_left(&site);
    });
}

#[test]
fn json_is_one_object_with_a_line_for_each_feature() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let found = diagnosis(doctor(&site));
        let keys: Vec<_> = found.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "container",
                "distribution",
                "features",
                "kernel",
                "kernelNotes",
                "refused",
                "stateDirectory",
                "tier",
                "type",
                "uid",
                "works"
            ]
        );
        let names: Vec<_> =
            found["features"].as_array().expect("an array").iter().map(|it| it["feature"].clone()).collect();
        let mut expected = vec![
            "userNamespace",
            "namespaces",
            "procfs",
            "overlay",
            "idMappedMounts",
            "landlock",
            "seccomp",
            "keyring",
            "closeRange",
            "openat2",
            "sandbox",
            "cgroup",
        ];
        expected.retain(|name| caller == Caller::Root || *name != "idMappedMounts");
        assert_eq!(names, expected);
    });
}

#[test]
fn without_user_namespaces_nothing_runs_and_the_setting_is_named() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = without_user_namespaces(site.run(["echo", "ran"])).output();
        let parts = ["clone: clone3(", "(os error 28)", "`user.max_user_namespaces` = 0", "sysctl -w"];
        expect_refused(&output, &parts);
        let told = without_user_namespaces(doctor(&site)).output();
        told.expect_code(1).expect_stdout("user namespace    missing  clone: clone3(CLONE_NEWUSER)");
        told.expect_stdout("\nrefused: user namespace: clone: ").expect_stdout("max_user_namespaces=15000");
        assert_nothing_left(&site);
    });
}

#[test]
fn without_one_kind_of_namespace_the_doctor_names_that_kind() {
    let site = Site::new(Caller::Ordinary);
    let told = in_user_namespace(doctor(&site), "echo 0 > /proc/sys/user/max_net_namespaces").output();
    told.expect_code(1).expect_stdout("clone3(CLONE_NEWUSER | CLONE_NEWNET)");
    told.expect_stdout("`user.max_net_namespaces` = 0");
}

#[test]
fn root_of_a_user_namespace_is_told_that_ids_are_missing() {
    if !Caller::all().contains(&Caller::Root) {
        return skip("only root can be in a namespace and still be root");
    }
    let site = Site::new(Caller::Root);
    let output = in_user_namespace(site.run(["echo", "ran"]), "true").output();
    expect_refused(&output, &["id map: write(", "_map, ", "(os error 1)", "as an ordinary user"]);
    in_user_namespace(doctor(&site), "true").output().expect_code(1).expect_stdout("rootless container");
}

#[test]
fn below_a_masked_proc_nothing_runs_and_the_masks_are_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = with_mount(caller, site.run(["echo", "ran"]), MASK_PROC).output();
        let parts = ["mounts: mount(proc, \"/proc\")", "(os error 1)", "allows no new procfs"];
        expect_refused(&output, &parts);
        let told = with_mount(caller, doctor(&site), MASK_PROC).output();
        told.expect_code(1).expect_stdout("fresh procfs      missing  mounts: mount(proc, \"/proc\")");
        told.expect_stdout("\nrefused: fresh procfs: ");
        assert_nothing_left(&site);
    });
}

#[test]
fn a_state_directory_on_an_overlay_takes_no_layer_and_is_named() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let call = if caller == Caller::Root { "id map: mount_setattr(" } else { "mounts: mount(overlay" };
        let output =
            with_mount(caller, site.run(["echo", "ran"]).args(["--layer", "disk"]), STATE_ON_OVERLAY)
                .output();
        expect_refused(&output, &[call, "(os error 22)", "overlay", "CLEARING_STATE_DIR"]);
        let site = Site::new(caller);
        let in_memory = site.run(["echo", "ran"]).args(["--layer", "memory"]);
        with_mount(caller, in_memory, STATE_ON_OVERLAY).output().expect_code(0).expect_stdout("ran");
    });
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let found = diagnosis(with_mount(caller, doctor(&site), STATE_ON_OVERLAY));
        assert_eq!(found["stateDirectory"]["fileSystem"], "overlay");
        let overlay = feature(&found, "overlay");
        // Without layers in memory it would be needed, and nothing would work.
        assert_eq!(found["works"].as_bool().map(|works| !works), overlay["required"].as_bool());
        assert_eq!((&overlay["present"], &overlay["failure"]["errno"]), (&Value::Bool(false), &22.into()));
        assert!(overlay["hint"].as_str().expect("a hint").contains("CLEARING_STATE_DIR"), "{overlay}");
    });
}

#[test]
fn a_state_directory_that_is_none_is_told_with_what_to_do() {
    let site = Site::new(Caller::Ordinary);
    let file = site.write("file", "");
    let told = doctor(&site).env("CLEARING_STATE_DIR", &file).output();
    told.expect_code(1).expect_stdout("\nrefused: ").expect_stdout("state directory");
}

#[test]
fn inside_another_sandbox_the_filter_is_named() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        install(&site.binary(), &site.project().join("inner"));
        site.own(&site.project());
        let told = site.run(["./inner", "doctor"]).output();
        told.expect_code(1).expect_stdout("user namespace    missing  clone: clone3(CLONE_NEWUSER)");
        told.expect_stdout("(os error 38)").expect_stdout("one clearing does not run inside another");
        assert_nothing_left(&site);
    });
}

#[test]
fn programs_that_cannot_be_executed_are_told_with_the_reason() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("plain", "text");
        site.write("orphan", "#!/no/such/interpreter\n");
        fs::set_permissions(
            site.project().join("orphan"),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )
        .expect("chmod");
        for (program, code, hint) in [
            ("no-such-tool", 127, "looked for in `/usr/local/sbin`, "),
            ("./orphan", 127, "a script for `/no/such/interpreter`, which this host does not have"),
            ("./plain", 126, "`chmod +x` it"),
            (".", 126, "is a directory"),
        ] {
            let output = site.run([program]).output();
            output.expect_code(code).expect_stderr("execve(").expect_stderr(hint);
        }
    });
}

#[test]
fn a_limit_that_the_caller_may_not_raise_names_the_key_of_the_profile() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["echo", "ran"]).through(["prlimit", "--nofile=512:512"]).output();
        expect_refused(&output, &["limits: setrlimit(OpenFiles, 1024)", "`limits.nofile`"]);
    });
}
