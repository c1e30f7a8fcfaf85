//! What is allowed is run by real shells, among programs that tell when they are started.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use clearing_profiles::Decision;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use tempfile::TempDir;

use super::wrapping::{WRAPS, wrap};
use super::{commands, of_text};
use crate::fuzz::{runner, seed, time};

const RULES: &str = r#"[commands]
default = "deny"
rules = [
    { prefix = ["ok"], decision = "allow", reason = "r" },
    { prefix = ["fine", "b"], decision = "allow", reason = "r" },
    { prefix = [["find", "cat"]], decision = "allow", reason = "r" },
]"#;

/// Nothing here leaves the directory that it runs in, or ends what it did not start.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "ok", "ok b", "ok b", "fine b", "fine", "bad", "bad b", "b", "a", " ", " ", "\n", ";", "; ", "&", "|", "&&", "||", "(", ")", "{ ", "; }", "<", ">", "&>",
    "2>", "<<E\n", "\nE\n", "<<'E'\n", "<<<", "<(", "$(", "`", "${A", "${A:-", "}", "$((", "))", "$'", "'", "\"", "\\", "\\\n", "#", "!", "*", "[ ",
    " ]", "[[ ", " ]]", "{bad,b}", "A=", "B=bad", "$A", "$B", "$@", "if ", "; then ", "; fi", "for x in a; do ", "; done", "case a in a) ",
    ";; esac", "f() ", "f", "bad() ", "function f ", "echo ", "env ", "env A=b ", "sh -c ", "bash -c ", "eval ", "exec ", "command ", "builtin ",
    "xargs ", "find . -exec ", " \\;", " {} +", "nice ", "time ", "trap ", " EXIT", "alias ok=bad", "set -- bad", "export ", "true", "false", "test ", "printf ", "-v",
    "shift", "unset -f f", "read A", "-c", "--", "{}", "[$(bad)]", "a[$(bad)]", "$IFS", "=", "coproc ", "declare ", "local ", "return", "jobs -x ",
    "A=(", "A[0]=(", "A=(x)", ")#", "#; ", "es\\\nac", "d\\\none", "f\\\ni", "th\\\nen ", "copro\\\nc ", "!\\\n ", "A\\\n=", "2\\\n>", "10>", "10>f ", "99999999999>f ",
    "function if { :; }; ", "function coproc { :; }; ", "function then { :; }; ", "i\\\nf ", "if", "+c ", "sh +c ", "bash +c ", "<<E; ", "<<E; A=(x\nE\ny)\n", "/dev/stdin",
    "<<<bad", ". ", "source ", "&\\\n>f ", "esac", "(esac)", "|#", "hash ", "integer ", "noglob ", "nocorrect ", "repeat 1 ", "foreach x (a) ", "; end", "=bad", "X='psvar[$(bad)]'",
    "exit X", "shift X", "$~A", "$=A", "{ bad }", "always ", "path=", "&|", "&!", ">!f ",
];

/// Ways to hide a command, which some shell once ran and nobody saw. `T` stands for it.
#[rustfmt::skip]
const TRICKS: &[&str] = &[
    "A=()#; T", "A=(x)#; T", "A[0]=(x)#; T", ": A=(x)#; T", "declare A=(x)#; T",
    "( case x in a) :;; es\\\nac | T )\n:;; esac )", "while false; do :; d\\\none; T\ndone", "if false; then :; f\\\ni; T\nfi",
    "function coproc { :; }\ncopro\\\nc T; wait", "function if { :; }\ni\\\nf T; t\\\nhen :; f\\\ni", "function then { :; }\nif true; t\\\nhen T; f\\\ni",
    "function if { :; }\nif\\\n T; then\\\n :; fi\\\n", "!\\\n T", "A\\\n=1 T", "{\\\n T; }", "time\\\n T", "time A=1 T", "time eval T", "time \\\n! T", "coproc T; wait",
    ": <<E; A=(x\nE\ny)\n# $(T)\n:", ": <<E; [[ a\nE\n]]\n# $(T)\n:", ": <<E; : ${A:-\nE\n}\n# $(T)\n:", "sh +c 'T'", "bash +c 'T'", "bash 2\\\n>f -c 'T'", "sh 10>f -c 'T'",
    "bash /dev/stdin <<<'T'", "bash /dev/fd/0 <<<'T'", ". /dev/stdin <<E\nT\nE", "source <(echo T)", "find . 10>f -exec T \\;", "find . 99999999999>f -exec T \\;", "find . &\\\n>f -exec T \\;",
    "hash ok=bad; ok", "read path <<< ./; ok", "X='psvar[$(T)]'; exit X", "integer() { :; }; integer X='psvar[$(T)]'", "COLUMNS='psvar[$(T)]'", "time noglob T", "builtin noglob T", "repeat 1 T",
    "ok {\n T\n}", "ok | { T }", "for x (a) T", "T &!", "READNULLCMD=bad; <f",
];

/// A directory for shells to run in, and the programs that they find.
struct Stage {
    folder: TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let programs = folder.path().join("bin");
        fs::create_dir_all(&programs).expect("a folder for programs");
        for name in ["ok", "fine", "bad"] {
            let text = format!("#!/bin/sh\necho {name} $1 >>{}/log\n", folder.path().display());
            let path = programs.join(name);
            fs::write(&path, text).expect("a program is written");
            fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("and can be executed");
        }
        for name in [
            "env", "sh", "bash", "xargs", "find", "nice", "cat", "timeout", "stdbuf", "setsid", "nohup",
            "zsh",
        ] {
            if let Some(path) = program(name) {
                symlink(path, programs.join(name)).expect("a program is linked");
            }
        }
        if let Some(path) = program("busybox") {
            symlink(path, programs.join("ash")).expect("a shell is linked");
        }
        Self { folder }
    }

    /// The shells that are here.
    fn shells(&self) -> Vec<PathBuf> {
        let ash = Some(self.folder.path().join("bin/ash")).filter(|ash| ash.exists());
        ["bash", "dash", "sh", "zsh"].iter().filter_map(|name| program(name)).chain(ash).collect()
    }

    /// Runs a text, and tells which programs it started.
    fn run(&self, shell: &Path, text: &str) -> Vec<String> {
        let log = self.folder.path().join("log");
        File::create(&log).expect("the log is emptied");
        let room = self.folder.path().join("room");
        let _ = fs::remove_dir_all(&room);
        fs::create_dir(&room).expect("a directory to run in");
        let mut child = Command::new(shell)
            .args(["-c", text])
            .current_dir(&room)
            .env_clear()
            .env("PATH", self.folder.path().join("bin"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("the shell starts");
        let late = Instant::now() + Duration::from_secs(5);
        while child.try_wait().expect("the shell is waited for").is_none() && Instant::now() < late {
            sleep(Duration::from_millis(1));
        }
        // What it left in the background is of its group; a shell that waits for itself as well.
        let group = format!("-{}", child.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
        let _ = child.wait();
        let told = fs::read_to_string(&log).expect("the log is read");
        told.lines().map(str::to_owned).collect()
    }
}

fn program(name: &str) -> Option<PathBuf> {
    ["/bin", "/usr/bin"].iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists())
}

/// Whether a program ran that no rule is about.
fn is_forbidden(line: &str) -> bool {
    line.split(' ').next() == Some("bad") || (line.starts_with("fine") && line != "fine b")
}

#[test]
fn no_allowed_text_runs_a_program_without_a_rule() {
    let rules = commands(RULES);
    let stage = Stage::new();
    let shells = stage.shells();
    assert!(shells.iter().any(|shell| shell.ends_with("bash")), "there is no bash to ask");
    let control = stage.run(&shells[0], "ok b; bad c");
    assert_eq!(control, ["ok b", "bad c"], "the programs tell");
    let seed = seed();
    let mut runner = runner(seed);
    let pieces = |most: usize| {
        proptest::collection::vec(proptest::sample::select(PIECES), 1..most)
            .prop_map(|pieces| pieces.concat())
    };
    // What is random alone seldom is a text that a shell reads to its end.
    let known = proptest::sample::select(&["ok", "ok b", "fine b", "f() { ok b; }; f", "ok | ok b"][..]);
    let core = prop_oneof![2 => known.prop_map(str::to_owned), 1 => pieces(4)];
    let constructs = proptest::collection::vec(proptest::sample::select(WRAPS), 0..4);
    let nest = (core, constructs).prop_map(|(core, constructs)| {
        let nest = constructs.iter().fold(core, |text, construct| wrap(construct, &text));
        nest.replace("npm test", "ok")
    });
    let nest = nest.boxed();
    let trick =
        (proptest::sample::select(TRICKS), proptest::sample::select(&["bad", "bad b", "ok; bad"][..]));
    let trick = trick.prop_map(|(trick, core)| wrap(trick, core));
    let texts = prop_oneof![
        2 => pieces(10),
        3 => nest.clone(),
        1 => trick,
        1 => (nest, pieces(3)).prop_map(|(nest, piece)| format!("{nest}{piece}")),
    ];
    let (mut ran, mut started) = (0, 0);
    let end = Instant::now() + 2 * time();
    while Instant::now() < end {
        let text = texts.new_tree(&mut runner).expect("a text").current();
        for shell in &shells {
            let name = shell.file_name().and_then(OsStr::to_str).expect("a shell has a name");
            if text.trim().is_empty() || of_text(&rules, name, text.as_bytes()) != Decision::Allow {
                continue;
            }
            let told = stage.run(shell, &text);
            ran += 1;
            started += told.len();
            assert!(
                !told.iter().any(|line| is_forbidden(line)),
                "CLEARING_TEST_SEED={seed}: {name} -c {text:?} was allowed, and started {told:?}"
            );
        }
    }
    println!("CLEARING_TEST_SEED={seed}: {ran} allowed texts ran, and started {started} programs");
    assert!(ran > 0 && OpenOptions::new().read(true).open(stage.folder.path().join("log")).is_ok());
}
