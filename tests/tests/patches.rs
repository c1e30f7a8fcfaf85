//! A patch is applied to a session as a whole, in the sandbox's view, or it changes nothing at all.
#![cfg(target_arch = "x86_64")]

use std::fs;
use std::time::{Duration, Instant};

use clearing_tests::{Output, Site, Tree, for_each_caller, patience, run_and_kill_alone};
use serde_json::Value;

const GOOD: &str = "diff --git a/src/a.txt b/src/a.txt
--- a/src/a.txt
+++ b/src/a.txt
@@ -1,3 +1,3 @@
 one
-two
+2
 three
diff --git a/src/new b/src/new
new file mode 100755
--- /dev/null
+++ b/src/new
@@ -0,0 +1 @@
+#!/bin/sh
diff --git a/gone b/gone
deleted file mode 100644
--- a/gone
+++ /dev/null
@@ -1 +0,0 @@
-gone
";

/// Each is refused as a whole, though most of it is [`GOOD`].
const BAD: [(&str, &str); 5] = [
    (
        "CLR-PATCH-KEPT",
        "diff --git a/package.json b/package.json\ndeleted file mode 100644\n--- a/package.json\n\
         +++ /dev/null\n@@ -1 +0,0 @@\n-{}\n",
    ),
    (
        "CLR-PATCH-PROTECTED",
        "diff --git a/.VSCode/tasks.json b/.VSCode/tasks.json\nnew file mode 100644\n--- /dev/null\n\
         +++ b/.VSCode/tasks.json\n@@ -0,0 +1 @@\n+evil\n",
    ),
    ("CLR-PATCH-OUTSIDE", "--- a/../outside\n+++ b/../outside\n@@ -1 +1 @@\n-outside\n+changed\n"),
    (
        "CLR-PATCH-LINK",
        "diff --git a/out/x b/out/x\nnew file mode 100644\n--- /dev/null\n+++ b/out/x\n@@ -0,0 +1 @@\n+x\n",
    ),
    ("CLR-PATCH-MISMATCH", "--- a/src/b.txt\n+++ b/src/b.txt\n@@ -1 +1 @@\n-a\n+c\n"),
];

/// What a commit would leave as it is, with the class by which a patch of it is refused.
const LEFT: [(&str, &str); 5] = [
    (
        "CLR-PATCH-HIDDEN",
        "diff --git a/.env b/.env\nnew file mode 100644\n--- /dev/null\n+++ b/.env\n@@ -0,0 +1 @@\n+x\n",
    ),
    (
        "CLR-PATCH-HIDDEN",
        "diff --git a/x/.env b/x/.env\nnew file mode 100644\n--- /dev/null\n+++ b/x/.env\n@@ -0,0 +1 @@\n+x\n",
    ),
    (
        "CLR-PATCH-HIDDEN",
        "diff --git a/seen b/seen\nnew file mode 120000\n--- /dev/null\n+++ b/seen\n@@ -0,0 +1 @@\n+.env\n\\ No newline at end \
         of file\n",
    ),
    ("CLR-PATCH-PROTECTED", "--- a/fixed\n+++ b/fixed\n@@ -1 +1 @@\n-fixed\n+changed\n"),
    (
        "CLR-PATCH-GIT",
        "diff --git a/hk b/hk\nnew file mode 120000\n--- /dev/null\n+++ b/hk\n@@ -0,0 +1 @@\n+.git/hooks\n\\ No newline at end \
         of file\n",
    ),
];

/// Prints all that a session shows of the project.
const VIEW: &str =
    "find . -type f | sort | while read -r f; do echo \"$(stat -c %a \"$f\") $f: $(cat \"$f\")\"; done";

fn site(caller: clearing_tests::Caller) -> Site {
    let site = Site::new(caller);
    for (path, content) in [
        ("src/a.txt", "one\ntwo\nthree\n"),
        ("src/b.txt", "b\n"),
        ("gone", "gone\n"),
        ("package.json", "{}\n"),
    ] {
        site.write(path, content);
    }
    site.write_home("outside", "outside\n");
    site.host("ln").args(["-s", "..", "out"]).status().expect("a link");
    site
}

fn patched(site: &Site, session: &str) {
    assert_eq!(
        sh(site, session, "cat src/a.txt; stat -c %a src/new; test -e gone || echo none"),
        "one\n2\nthree\n755\nnone\n"
    );
}

#[track_caller]
fn sh(site: &Site, session: &str, script: &str) -> String {
    let output = site.clearing(["exec", session]).command(["sh", "-c", script]).output();
    output.expect_code(0);
    output.stdout
}

fn json(output: &Output) -> Value {
    serde_json::from_str(output.stdout.lines().next().expect("a line")).expect("JSON")
}

fn snapshots(site: &Site, session: &str) -> Vec<String> {
    let inspected = site.clearing(["inspect", "--json", session]).output();
    let told: Value = serde_json::from_str(&inspected.stdout).expect("JSON");
    let names = told["snapshots"].as_array().expect("snapshots").iter();
    names.map(|snapshot| snapshot["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn a_patch_is_applied_to_a_session_between_two_snapshots() {
    for_each_caller(|caller| {
        let site = site(caller);
        let project = site.project_tree();
        site.clearing(["create", "--name", "s"]).output().expect_code(0);
        sh(&site, "s", "echo mine > mine");
        let applied = site.clearing(["patch", "apply", "--json", "s", "-"]).stdin(GOOD).output();
        applied.expect_code(0);
        let told = json(&applied);
        assert_eq!((&told["accepted"], &told["applied"]), (&true.into(), &true.into()));
        assert_eq!(told["risk"]["level"], "medium");
        assert_eq!(told["statistics"]["files"], 3);
        patched(&site, "s");
        assert_eq!(snapshots(&site, "s"), ["initial", "before-patch-1", "after-patch-1"]);
        site.clearing(["rollback", "s", "before-patch-1"]).output().expect_code(0);
        assert_eq!(sh(&site, "s", "cat src/a.txt mine; test ! -e src/new"), "one\ntwo\nthree\nmine\n");
        site.project_tree().expect_same_as(&project);
    });
}

#[test]
fn a_refused_patch_changes_nothing_and_says_why() {
    for_each_caller(|caller| {
        let site = site(caller);
        site.clearing(["create", "--name", "s"]).output().expect_code(0);
        sh(&site, "s", "echo mine > mine");
        let (view, home) = (sh(&site, "s", VIEW), Tree::of(&site.home()));
        for (class, bad) in BAD {
            let patch = format!("{GOOD}{bad}");
            for verb in ["check", "apply"] {
                let refused = site.clearing(["patch", verb, "s", "-"]).stdin(patch.as_str()).output();
                refused.expect_code(1).expect_stderr(class);
            }
            let refused = site.clearing(["patch", "apply", "-w", ".", "--commit", "-"]).stdin(patch).output();
            refused.expect_code(1).expect_stderr(class);
        }
        assert_eq!(sh(&site, "s", VIEW), view);
        assert_eq!(snapshots(&site, "s"), ["initial"]);
        Tree::of(&site.home()).expect_same_as(&home);
        let sessions = site.clearing(["ls", "--json"]).output();
        assert_eq!(sessions.stdout.lines().count(), 1, "no other session is left: {}", sessions.stdout);
        let broken = site.clearing(["patch", "check", "s", "nowhere.patch"]).output();
        broken.expect_code(125).expect_stderr("nowhere.patch");
    });
}

#[test]
fn a_check_refuses_what_a_commit_would_leave_as_it_is() {
    for_each_caller(|caller| {
        let site = site(caller);
        site.write(".env", "secret\n");
        site.write("fixed", "fixed\n");
        site.write(".clearing/profile.toml", "[filesystem]\nread_only = [\"fixed\"]\n");
        site.write(".git/HEAD", "ref: refs/heads/main\n");
        site.clearing(["create", "--name", "s"]).output().expect_code(0);
        let before = site.project_tree();
        for (class, patch) in LEFT {
            for verb in ["check", "apply"] {
                let of_session = site.clearing(["patch", verb, "s", "-"]).stdin(patch).output();
                of_session.expect_code(1).expect_stderr(class);
                let own = site.clearing(["patch", verb, "-w", ".", "-"]).stdin(patch).output();
                own.expect_code(1).expect_stderr(class);
            }
            let landed = site.clearing(["patch", "apply", "-w", ".", "--commit", "-"]).stdin(patch).output();
            landed.expect_code(1).expect_stderr(class);
        }
        assert_eq!(site.project_tree(), before);
        // A directory that holds what is hidden is not empty, and stays.
        site.write("conf/seen", "gone\n");
        site.write("conf/.env", "secret\n");
        let patch = "diff --git a/conf/seen b/conf/seen\ndeleted file mode 100644\n--- a/conf/seen\n+++ /dev/null\n\
                     @@ -1 +0,0 @@\n-gone\n";
        site.clearing(["patch", "apply", "-w", ".", "--commit", "-"]).stdin(patch).output().expect_code(0);
        let conf = site.project().join("conf");
        assert!(conf.join(".env").exists() && !conf.join("seen").exists());
        // A command that makes the same link is told so when it is to land.
        site.clearing(["exec", "s"]).command(["ln", "-s", ".git/hooks", "hk"]).output().expect_code(0);
        let kept = site.clearing(["commit", "s", "--yes"]).output();
        kept.expect_stderr("it leads to `.git/hooks`");
        assert!(!site.project().join("hk").is_symlink());
        site.clearing(["commit", "s", "--yes", "--allow", ".git"]).output().expect_code(0);
        assert!(site.project().join("hk").is_symlink());
    });
}

#[test]
fn a_patch_that_is_only_looked_at_leaves_the_history_alone() {
    for_each_caller(|caller| {
        let site = site(caller);
        let profile = "extends = \"default\"\n[rollback]\non = [\"error\"]\nmax_snapshots = 1\n";
        let profile = site.write_home("back.toml", profile);
        let profile = profile.to_str().expect("text");
        site.clearing(["create", "--name", "s", "--profile", profile]).output().expect_code(0);
        site.clearing(["patch", "apply", "s", "-"]).stdin(GOOD).output().expect_code(0);
        let (before, view) = (snapshots(&site, "s"), site.clearing(["diff", "s"]).output().stdout);
        // It does not apply twice.
        for (patch, code) in [(GOOD, 1), ("--- /dev/null\n+++ b/more\n@@ -0,0 +1 @@\n+more\n", 0)] {
            site.clearing(["patch", "check", "s", "-"]).stdin(patch).output().expect_code(code);
            assert_eq!(snapshots(&site, "s"), before);
        }
        assert_eq!(site.clearing(["diff", "s"]).output().stdout, view);
        let audit = site.clearing(["audit", "show", "--json"]).output();
        assert!(!audit.stdout.contains("\"verb\":\"rollback\""), "{}", audit.stdout);
    });
}

#[test]
fn a_patch_without_a_session_is_checked_and_landed_in_one_of_its_own() {
    for_each_caller(|caller| {
        let site = site(caller);
        let project = site.project_tree();
        let patch = site.write_home("good.patch", GOOD);
        let patch = patch.to_str().expect("text");
        let checked = site.clearing(["patch", "check", "-w", ".", patch]).output();
        checked.expect_code(0).expect_stdout("src/new: create, program, +1 -0");
        site.project_tree().expect_same_as(&project);
        site.clearing(["patch", "apply", "-w", ".", "--commit", patch]).output().expect_code(0);
        let read = |path: &str| fs::read_to_string(site.project().join(path)).ok();
        assert_eq!(read("src/a.txt").as_deref(), Some("one\n2\nthree\n"));
        assert_eq!((read("src/new").as_deref(), read("gone")), (Some("#!/bin/sh\n"), None));
        assert_eq!(site.clearing(["ls", "--json"]).output().stdout, "");
        // It does not apply twice.
        let again = site.clearing(["patch", "apply", "-w", ".", "--commit", patch]).output();
        again.expect_code(1).expect_stderr("CLR-PATCH-");
        let audit = site.clearing(["audit", "show", "--json"]).output();
        assert!(audit.stdout.contains("\"verb\":\"patch\""), "{}", audit.stdout);
    });
}

#[test]
fn what_a_command_did_is_judged_as_a_patch_is() {
    for_each_caller(|caller| {
        let site = site(caller);
        site.clearing(["create", "--name", "s"]).output().expect_code(0);
        sh(&site, "s", "rm package.json; echo new > src/b.txt");
        let committed = site.clearing(["commit", "--json", "s"]).output();
        let told = json(&committed);
        assert_eq!(told["withheld"][0]["code"], "CLR-COMMIT-KEPT", "{}", committed.stdout);
        assert_eq!(told["withheld"][0]["allow"], "package.json");
        assert!(site.project().join("package.json").exists());
        site.clearing(["commit", "s", "--allow", "package.json"]).output().expect_code(0);
        assert!(!site.project().join("package.json").exists());
    });
}

#[test]
fn a_profile_keeps_names_of_its_own_and_bounds_a_patch() {
    for_each_caller(|caller| {
        let site = site(caller);
        let check = |environment: &[(&str, &str)]| {
            let mut check = site.clearing(["patch", "check", "-w", ".", "-"]).stdin(GOOD);
            for (name, value) in environment {
                check = check.env(name, value);
            }
            check.output()
        };
        check(&[]).expect_code(0);
        check(&[("CLEARING_PATCH_MAX_SIZE", "100")]).expect_code(1).expect_stderr("CLR-PATCH-SIZE");
        check(&[("CLEARING_PATCH_MAX_FILES", "2")]).expect_code(1).expect_stderr("CLR-PATCH-SIZE");
        check(&[("CLEARING_PATCH_MAX_MADE", "20")]).expect_code(1).expect_stderr("CLR-PATCH-SIZE");
        check(&[("CLEARING_PATCH_MAX_FILES", "10001")]).expect_code(125).expect_stderr("permits more");
        site.write(".clearing/profile.toml", "[patch]\nkeep = [\"Gone\", \"*.TXT\"]\n");
        check(&[]).expect_code(1).expect_stderr("CLR-PATCH-KEPT").expect_stderr("`keep` in [patch]");
        let allowed =
            site.clearing(["patch", "check", "-w", ".", "--allow", "gone", "-"]).stdin(GOOD).output();
        allowed.expect_code(0);
        site.clearing(["create", "--name", "s"]).output().expect_code(0);
        site.clearing(["patch", "check", "s", "-"]).stdin(GOOD).output().expect_code(1);
        sh(&site, "s", "rm gone src/b.txt; echo more >> src/a.txt");
        let committed = site.clearing(["commit", "--json", "s"]).output();
        let told = json(&committed);
        let withheld: Vec<_> = told["withheld"].as_array().expect("a list").iter().collect();
        assert!(withheld.iter().all(|it| it["code"] == "CLR-COMMIT-KEPT"), "{}", committed.stdout);
        assert_eq!(withheld.len(), 2, "{}", committed.stdout);
        let is_there = |path: &str| site.project().join(path).exists();
        assert!(is_there("gone") && is_there("src/b.txt"));
        let changed = fs::read_to_string(site.project().join("src/a.txt")).expect("it is there");
        assert_eq!(changed, "one\ntwo\nthree\nmore\n");
    });
}

/// Its supervisor is killed before any of its calls that change something: the session has all of it, or is as
/// it was for the next who opens it. `CLEARING_CRASH_POINTS=all` tries every point.
#[test]
fn a_patch_that_is_killed_is_whole_or_has_never_been() {
    for_each_caller(|caller| {
        let site = site(caller);
        let patch = site.write_home("good.patch", GOOD);
        let line = ["patch", "apply", "s", patch.to_str().expect("text")];
        let begin = || {
            site.clearing(["create", "--name", "s"]).output().expect_code(0);
            sh(&site, "s", "echo mine > mine");
        };
        begin();
        let view = sh(&site, "s", VIEW);
        let calls = run_and_kill_alone(&site, &line, None).changes.len();
        let after = sh(&site, "s", VIEW);
        assert_ne!(view, after);
        let all = std::env::var_os("CLEARING_CRASH_POINTS").is_some_and(|points| points == "all");
        let points: Vec<usize> = (0..calls).step_by(if all { 1 } else { calls.div_ceil(6) }).collect();
        let mut seen = [0, 0];
        for point in &points {
            site.clearing(["rm", "--yes", "s"]).output().expect_code(0);
            begin();
            run_and_kill_alone(&site, &line, Some(*point));
            let now = view_when_free(&site);
            assert!(now == view || now == after, "killed before call {point}:\n{now}");
            seen[usize::from(now == after)] += 1;
        }
        println!("crash points of a patch as {caller:?}: {} of {calls}, {seen:?} old and new", points.len());
        assert!(seen[0] > 0);
    });
}

/// The sandbox of a killed supervisor ends by itself, and holds the session until then.
fn view_when_free(site: &Site) -> String {
    let until = Instant::now() + patience(Duration::from_secs(30));
    loop {
        let output = site.clearing(["exec", "s"]).command(["sh", "-c", VIEW]).output();
        if output.code == Some(0) {
            return output.stdout;
        }
        assert!(output.stderr.contains("is busy") && Instant::now() < until, "{}", output.stderr);
        std::thread::sleep(Duration::from_millis(20));
    }
}
