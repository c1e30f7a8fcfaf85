//! A long piece of work, as an agent does it: fifty commands in a session over a project of a few thousand
//! files, with edits, builds, a failure that is rolled back, a fork and a commit. What the project is then is
//! what the same commands make of a plain copy.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clearing_tests::{Site, assert_nothing_left, expect_success, for_each_caller};

/// The crate that is worked on. Its dependencies, and many more files, lie in `vendor`.
const MANIFEST: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
                        [dependencies]\nitoa = \"1\"\n[workspace]\n";
const BUILD: &str = "cargo build --offline --quiet --target-dir ~/target";
const TEST: &str = "cargo test --offline --quiet --target-dir ~/target";

/// Commands of which each stands upon the ones before.
fn steps() -> Vec<String> {
    let mut steps = vec![BUILD.to_owned(), "mkdir -p src/modules data".into()];
    for number in 0..8 {
        steps.push(format!("echo 'pub fn f{number}() -> u64 {{ {number} }}' > src/modules/m{number}.rs"));
        steps.push(format!("echo 'pub mod m{number};' >> src/modules/mod.rs"));
    }
    steps.push(format!("sed -i '1i mod modules;' src/main.rs && {BUILD}"));
    for number in 0..6 {
        steps.push(format!("sed -i 's/{{ {number} }}/{{ {number} + 1 }}/' src/modules/m{number}.rs"));
        steps.push(format!("head -c {} /dev/zero | tr '\\0' x > data/blob-{number}", 1000 * (number + 1)));
    }
    steps.extend(
        [
            TEST,
            "mv src/modules/m7.rs src/modules/seven.rs && sed -i s/m7/seven/ src/modules/mod.rs",
            BUILD,
            "rm data/blob-0 data/blob-1 && ln -s blob-2 data/latest && chmod 755 data/blob-3",
            "printf 'one\\r\\ntwo' > data/crlf && printf 'a\\0b' > data/binary",
            "mv data/blob-4 data/renamed && mkdir -p deep/er/est && touch deep/er/est/empty",
            "sed -i 's/^\\/\\/ .*//' vendor/serde_json/src/lib.rs && rm -rf vendor/serde_json/src/value",
            "find vendor -name '*.md' | sort | head -n 40 | xargs -d '\\n' rm -f",
            "cp -r src/modules src/copied && rm -r src/copied/m0.rs && rm -r src/copied",
            "rm -r data && mkdir data && echo new > data/only && rmdir deep/er/est 2>/dev/null || true",
            "truncate -s 1M data/sparse && echo tail >> data/sparse",
            "for i in 1 2 3; do echo $i >> log; done && tac log > log.new && mv log.new log",
            "ln -s log latest && mkdir -m 750 kept && echo x > kept/x && sed -n 1p src/main.rs > data/first && cp -p log data/log",
            BUILD,
        ]
        .map(str::to_owned),
    );
    steps
}

#[test]
fn fifty_commands_in_a_session_and_a_commit_make_what_they_make_of_a_plain_copy() {
    for_each_caller(|caller| {
        let site = Site::with_tools(caller);
        furnish(&site);
        let plain = site.directory().join("plain");
        expect_success(Command::new("cp").arg("-a").arg(site.project()).arg(&plain));
        let files = tree(&site.project()).len();
        assert!(files > 2_000, "{files} files");

        let created = site.clearing(["create"]).output();
        let id = created.expect_code(0).stdout.trim().to_owned();
        let exec = |script: &str| site.clearing(["exec", &id]).command(["sh", "-c", script]).output();
        let mut execs = 0;
        for (number, step) in steps().iter().enumerate() {
            exec(step).expect_code(0);
            execs += 1;
            let mut host = site.host("sh");
            expect_success(host.args(["-c", step]).current_dir(&plain));
            match number {
                10 => drop(site.clearing(["snapshot", &id, "early"]).output().expect_code(0)),
                20 => execs += break_and_roll_back(&site, &id),
                30 => execs += work_in_a_fork(&site, &id),
                _ => {}
            }
        }
        assert!(execs >= 50, "{execs} commands");
        let committed = site.clearing(["commit", &id]).output();
        committed.expect_code(0);
        assert_eq!(tree(&site.project()), tree(&plain), "{committed}");
        site.clearing(["rm", "--yes", &id]).output().expect_code(0);
        assert_nothing_left(&site);
    });
}

/// A step that fails leaves nothing once it is rolled back.
fn break_and_roll_back(site: &Site, id: &str) -> usize {
    site.clearing(["snapshot", id, "green"]).output().expect_code(0);
    let broken = format!("echo 'fn broken(' >> src/main.rs; rm -rf vendor; {BUILD}");
    let output = site.clearing(["exec", id]).command(["sh", "-c", &broken]).output();
    assert_ne!(output.code, Some(0), "{output}");
    site.clearing(["rollback", id, "green"]).output().expect_code(0);
    site.clearing(["exec", id]).command(["sh", "-c", BUILD]).output().expect_code(0);
    2
}

/// What is tried in a fork is seen there alone.
fn work_in_a_fork(site: &Site, id: &str) -> usize {
    let forked = site.clearing(["fork", id, "--from", "early"]).output();
    let fork = forked.expect_code(0).stdout.trim().to_owned();
    for script in
        ["echo tried > tried && rm -r src", "ls tried && ! ls src", "rm -rf vendor && echo x > Cargo.toml"]
    {
        site.clearing(["exec", &fork]).command(["sh", "-c", script]).output().expect_code(0);
    }
    site.clearing(["rm", "--yes", &fork]).output().expect_code(0);
    3
}

/// A crate with the sources of everything that this project depends on beside it.
fn furnish(site: &Site) {
    site.write("Cargo.toml", MANIFEST);
    site.write("src/main.rs", "fn main() { println!(\"{}\", itoa::Buffer::new().format(7)); }\n");
    let vendor = site.project().join("vendor");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let mut cargo = Command::new("cargo");
    cargo.args(["vendor", "--locked", "--manifest-path"]).arg(workspace).arg(&vendor);
    let configuration = expect_success(&mut cargo);
    let configuration = configuration.replace(&*vendor.to_string_lossy(), "vendor");
    site.write(".cargo/config.toml", configuration);
    site.own(&site.project());
}

/// Every path with its type, permission bits and content.
fn tree(root: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    let mut entries = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(path) = waiting.pop() {
        let metadata = path.symlink_metadata().unwrap();
        let content = if metadata.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            Vec::new()
        } else if metadata.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else {
            fs::read(&path).unwrap()
        };
        let below = path.strip_prefix(root).unwrap().to_owned();
        entries.push((below, metadata.permissions().mode(), content));
    }
    entries.sort();
    entries
}
