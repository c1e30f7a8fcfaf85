//! Files of a project read and changed in sandboxes, as root and as an ordinary user.
//!
//! Each proof is a process of its own with one thread, as a supervisor is, in a home with a project.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clearing::FilesOnce;
use nix::unistd::geteuid;
use serde_json::{Value, json};

/// A bare number: no account has to exist for it.
const ORDINARY_ID: u32 = 54_321;

type Proof = (&'static str, fn(&Site));

const PROOFS: [Proof; 5] = [
    ("what_is_written_in_a_session_is_seen_there_and_the_project_has_none_of_it", session_alone_has_it),
    ("what_a_command_prepared_leads_nowhere_and_blocks_nobody", prepared_leads_nowhere),
    ("what_is_hidden_is_not_there_and_what_is_read_only_stays", policy_holds),
    ("a_file_that_finds_no_room_is_told_and_leaves_the_old_one", no_room_is_told),
    ("what_was_done_is_recorded_without_content", is_recorded),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, name] = &arguments[..]
        && first == "proof"
    {
        assert!(FilesOnce::register());
        let (_, proof) = PROOFS.iter().find(|(known, _)| known == name).expect("a known proof");
        proof(&Site::of_environment());
        return ExitCode::SUCCESS;
    }
    // The runner's own flags begin with a dash.
    let filters: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |name: &str| filters.is_empty() || filters.iter().any(|filter| name.contains(*filter));
    let mut failed = 0;
    for (name, _) in PROOFS.iter().filter(|(name, _)| is_wanted(name)) {
        let root = geteuid().is_root();
        for uid in if root { vec![0, ORDINARY_ID] } else { vec![geteuid().as_raw()] } {
            let proved = prove(name, uid);
            println!("test {name} as user {uid} ... {}", if proved { "ok" } else { "FAILED" });
            failed += u8::from(!proved);
        }
    }
    ExitCode::from(failed)
}

fn prove(name: &str, uid: u32) -> bool {
    let everybody = Permissions::from_mode(0o755);
    let place =
        tempfile::Builder::new().prefix("clearing-files-").permissions(everybody).tempdir_in("/var/tmp");
    let place = place.expect("a directory");
    for directory in ["", "project", "project/src", "project/vendor", "state"] {
        fs::create_dir_all(place.path().join("home").join(directory)).expect("made");
        chown(place.path().join("home").join(directory), Some(uid), Some(uid)).expect("given");
    }
    for (path, content) in [("src/old", "old\n"), (".env", "SECRET=1\n"), ("vendor/lib", "lib\n")] {
        let path = place.path().join("home/project").join(path);
        fs::write(&path, content).expect("written");
        chown(&path, Some(uid), Some(uid)).expect("given");
    }
    fs::copy(std::env::current_exe().expect("us"), place.path().join("proof")).expect("copied");
    fs::copy(env!("CARGO_BIN_EXE_clearing"), place.path().join("clearing")).expect("copied");
    let home = place.path().join("home");
    let mut proof = Command::new(place.path().join("proof"));
    proof.args(["proof", name]).env_clear().env("HOME", &home).env("PATH", "/usr/local/bin:/usr/bin:/bin");
    proof.env("CLEARING_STATE_DIR", home.join("state")).current_dir(home.join("project"));
    if uid != geteuid().as_raw() {
        proof.uid(uid).gid(uid);
    }
    proof.status().expect("spawned").success()
}

/// Where one proof is made.
struct Site {
    home: PathBuf,
    project: PathBuf,
}

impl Site {
    fn of_environment() -> Self {
        let home = PathBuf::from(std::env::var_os("HOME").expect("a home"));
        Self { project: home.join("project"), home }
    }

    /// What `clearing` says to these words.
    #[track_caller]
    fn clearing(&self, words: &[&str]) -> String {
        let binary = self.home.parent().expect("the place").join("clearing");
        let output = Command::new(binary).args(words).output().expect("spawned");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    fn sh(&self, session: &str, script: &str) -> String {
        self.clearing(&["exec", session, "--", "sh", "-c", script])
    }

    fn ask(&self, session: Option<&str>, method: &str, params: Value) -> Result<Value, Value> {
        FilesOnce::ask(session, &self.project, method, params)
    }

    #[track_caller]
    fn done(&self, session: &str, method: &str, params: Value) -> Value {
        self.ask(Some(session), method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    #[track_caller]
    fn refused(&self, session: &str, method: &str, params: Value, code: &str) {
        let error = self.ask(Some(session), method, params.clone()).expect_err("refused");
        assert_eq!(error["code"], code, "{method} {params}: {error}");
    }

    fn narrow(&self, profile: &str) {
        fs::create_dir(self.project.join(".clearing")).expect("made");
        fs::write(self.project.join(".clearing/profile.toml"), profile).expect("written");
    }
}

fn session_alone_has_it(site: &Site) {
    let id = site.clearing(&["create"]);
    let absolute = site.project.join("src/old");
    let read = site.done(&id, "fs/read", json!({ "path": absolute }));
    assert_eq!((&read["text"], &read["size"]), (&json!("old\n"), &json!(4)));
    site.done(&id, "fs/write", json!({ "path": "src/old", "text": "new\n", "expected": read["sha256"] }));
    site.done(
        &id,
        "fs/write",
        json!({ "path": "made/here", "text": "#!/bin/sh\necho run\n", "mode": "755" }),
    );
    site.done(&id, "fs/edit", json!({ "path": "src/old", "edits": [{ "old": "new", "new": "newer" }] }));
    assert_eq!(site.sh(&id, "cat src/old; made/here; ls src made"), "newer\nrun\nmade:\nhere\n\nsrc:\nold");
    site.sh(&id, "echo by-command > src/more");
    let listed = site.done(&id, "fs/list", json!({ "path": "src" }));
    assert_eq!(listed["entries"][0]["path"], "src/more");
    site.done(&id, "fs/remove", json!({ "path": "vendor", "recursive": true }));
    assert_eq!(
        site.clearing(&["diff", &id, "--name-status"]),
        "A\tmade/here\nA\tsrc/more\nM\tsrc/old\nD\tvendor/lib"
    );
    assert_eq!(fs::read_to_string(site.project.join("src/old")).expect("read"), "old\n");
    // In a run of its own nothing stays.
    site.ask(None, "fs/write", json!({ "path": "src/old", "text": "gone" })).expect("written");
    assert_eq!(site.ask(None, "fs/read", json!({ "path": "src/old" })).expect("read")["text"], "old\n");
    site.clearing(&["commit", &id]);
    assert_eq!(fs::read_to_string(site.project.join("src/old")).expect("read"), "newer\n");
}

fn prepared_leads_nowhere(site: &Site) {
    let id = site.clearing(&["create"]);
    fs::write(site.home.join("secret"), "secret").expect("written");
    site.sh(
        &id,
        "ln -s ../secret up; ln -s /etc/passwd abs; ln -s /proc/self/root magic; ln -s src/old in; ln -s .. dir; \
         mkfifo fifo; truncate -s 1T sparse; mkdir locked; touch locked/x; chmod 0 locked",
    );
    for path in ["up", "abs", "magic/etc/passwd", "dir/secret", "/etc/passwd", "../secret"] {
        site.refused(&id, "fs/read", json!({ "path": path }), "CLR-FILE-OUTSIDE");
        site.refused(&id, "fs/write", json!({ "path": path, "text": "evil" }), "CLR-FILE-OUTSIDE");
    }
    site.refused(&id, "fs/read", json!({ "path": "fifo" }), "CLR-FILE-KIND");
    site.refused(&id, "fs/write", json!({ "path": "fifo", "text": "" }), "CLR-FILE-KIND");
    site.refused(&id, "fs/list", json!({ "path": "locked" }), "CLR-FILE-DENIED");
    site.done(&id, "fs/remove", json!({ "path": "locked", "recursive": true }));
    assert_eq!(site.done(&id, "fs/read", json!({ "path": "sparse", "maxBytes": 9 }))["next"], 9);
    site.done(&id, "fs/write", json!({ "path": "in", "text": "through" }));
    assert_eq!(site.sh(&id, "readlink in; cat src/old"), "src/old\nthrough");
    assert_eq!(fs::read_to_string(site.home.join("secret")).expect("read"), "secret");
}

fn policy_holds(site: &Site) {
    site.narrow("[filesystem]\nread_only = [\"vendor\"]\n");
    let id = site.clearing(&["create"]);
    site.refused(&id, "fs/read", json!({ "path": ".env" }), "CLR-FILE-MISSING");
    let names = site.done(&id, "fs/list", json!({})).to_string();
    assert!(names.contains("vendor") && !names.contains(".env"), "{names}");
    for (method, params) in [
        ("fs/write", json!({ "path": "vendor/lib", "text": "evil" })),
        ("fs/write", json!({ "path": "vendor/new", "text": "evil" })),
        ("fs/remove", json!({ "path": "vendor/lib" })),
    ] {
        site.refused(&id, method, params, "CLR-FILE-DENIED");
    }
    // What a command may write, and what does not land for that.
    site.done(&id, "fs/write", json!({ "path": ".vscode/tasks.json", "text": "{}" }));
    site.clearing(&["commit", &id]);
    assert!(!Path::new(&site.project).join(".vscode").exists());
}

fn no_room_is_told(site: &Site) {
    site.narrow("[limits]\ndisk = \"2M\"\nfile_size = \"1M\"\n");
    let text = "x".repeat(1_200_000);
    let error =
        site.ask(None, "fs/write", json!({ "path": "src/old", "text": text })).expect_err("too large");
    assert_eq!(error["code"], "CLR-FILE-FULL", "{error}");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("fileSize")), "{error}");
    let id = site.clearing(&["create"]);
    site.refused(&id, "fs/write", json!({ "path": "src/old", "text": text }), "CLR-FILE-FULL");
    assert_eq!(site.sh(&id, "cat src/old; ls -A src"), "old\nold");
    site.done(&id, "fs/write", json!({ "path": "log", "text": &text[..1_000_000] }));
    site.refused(
        &id,
        "fs/write",
        json!({ "path": "log", "text": &text[..60_000], "append": true }),
        "CLR-FILE-FULL",
    );
    assert_eq!(site.sh(&id, "wc -c < log"), "1000000");
}

fn is_recorded(site: &Site) {
    let id = site.clearing(&["create"]);
    site.done(&id, "fs/write", json!({ "path": "src/new", "text": "not-for-the-record" }));
    site.refused(&id, "fs/read", json!({ "path": "none" }), "CLR-FILE-MISSING");
    let record = fs::read_to_string(site.home.join("state/audit.jsonl")).expect("a record");
    let lines: Vec<Value> = record.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of =
        |verb: &str| lines.iter().find(|line| line["verb"] == verb).unwrap_or_else(|| panic!("{record}"));
    let (write, read) = (of("fs/write"), of("fs/read"));
    assert_eq!((&write["argv"], &write["session"]), (&json!(["fs/write", "src/new"]), &json!(id)));
    assert_eq!(read["argv"], json!(["fs/read", "none"]));
    assert!(!record.contains("not-for-the-record"));
    let ends = lines.iter().filter(|line| line["type"] == "outcome" && line["done"] == true).count();
    assert!(ends >= 3, "{record}");
    site.clearing(&["audit", "verify"]);
}
