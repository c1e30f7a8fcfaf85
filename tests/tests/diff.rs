//! `clearing diff` tells what commands in a session did, and `git apply` does the same to a copy of the project.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clearing_tests::decoys::Terminal;
use clearing_tests::{Output, Site, expect_success, for_each_caller};

/// Random sessions for each caller, each of two commands.
const CASES: u64 = 8;

#[test]
fn git_apply_of_the_text_gives_what_the_session_shows() {
    let seed =
        std::env::var("CLEARING_TEST_SEED").map_or_else(|_| seed_of_now(), |text| text.parse().unwrap());
    eprintln!("CLEARING_TEST_SEED={seed}");
    for_each_caller(|caller| {
        for case in seed..seed + CASES {
            eprintln!("CLEARING_TEST_SEED={case}");
            let (site, dice) = (Site::new(caller), &mut Dice(case));
            fill(&site);
            site.clearing(["create", "--name", "w"]).output().expect_code(0);
            exec(&site, &["sh", "-c", &script(dice)]).expect_code(0);
            site.clearing(["snapshot", "w", "middle"]).output().expect_code(0);
            let middle = view(&site, "middle");
            exec(&site, &["sh", "-c", &script(dice)]).expect_code(0);
            let (project, last) = (site.project(), view(&site, "last"));
            for (from, to, names) in [
                (&project, &last, ["initial", "@"]),
                (&middle, &last, ["middle", "@"]),
                (&last, &project, ["@", "initial"]),
            ] {
                applies(&site, from, to, names);
            }
        }
    });
}

/// What the sandbox itself shows, as a directory of the host's.
fn view(site: &Site, name: &str) -> PathBuf {
    let (archive, unpacked) = (site.home().join(format!("{name}.tar")), site.directory().join(name));
    // Overlayfs gives a directory another time when it is first looked into, and tar takes that for a change.
    let packed = site.clearing(["exec", "w"]).command(["sh", "-c", "tar -cf - . || [ $? = 1 ]"]);
    packed
        .through(["sh", "-c", r#"to=$1; shift; exec "$@" > "$to""#, "sh", archive.to_str().unwrap()])
        .output()
        .expect_code(0);
    fs::create_dir(&unpacked).unwrap();
    expect_success(Command::new("tar").arg("-xpf").arg(archive).arg("-C").arg(&unpacked));
    unpacked
}

fn applies(site: &Site, from: &Path, to: &Path, names: [&str; 2]) {
    let patch = site.home().join("patch");
    let diff = site.clearing(["diff", "w"]).args(names);
    diff.through(["sh", "-c", r#"to=$1; shift; exec "$@" > "$to""#, "sh", patch.to_str().unwrap()])
        .output()
        .expect_code(0);
    let copy = site.directory().join("copy");
    expect_success(Command::new("cp").arg("-a").arg(from).arg(&copy));
    // Nothing to git, which fails where it stands in the way of a file.
    expect_success(Command::new("find").arg(&copy).args([
        "-mindepth",
        "1",
        "-type",
        "d",
        "-empty",
        "-delete",
    ]));
    let text = fs::read(&patch).unwrap();
    if text.split(|&byte| byte == b'\n').any(|line| line.starts_with(b"diff --git ")) {
        let mut git = Command::new("git");
        git.args(["apply", "--whitespace=nowarn"]).arg(&patch).current_dir(&copy);
        git.env("GIT_CEILING_DIRECTORIES", site.directory()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        expect_success(&mut git);
    }
    let (applied, expected) = (files(&copy), files(to));
    let differing = |one: &Files, two: &Files| {
        let paths =
            one.iter().filter(|(path, file)| two.get(*path) != Some(file)).map(|(path, _)| path.clone());
        paths.collect::<Vec<_>>()
    };
    let (extra, missing) = (differing(&applied, &expected), differing(&expected, &applied));
    let text = text.escape_ascii().to_string().replace("\\n", "\n");
    assert!(extra.is_empty() && missing.is_empty(), "{names:?}: {extra:?} is not {missing:?}\n{text}");
    fs::remove_dir_all(copy).unwrap();
}

/// What git knows of a tree: whether a file is a program or a link, and its content.
type Files = BTreeMap<PathBuf, (char, Vec<u8>)>;

fn files(top: &Path) -> Files {
    let (mut files, mut waiting) = (Files::new(), vec![top.to_owned()]);
    while let Some(path) = waiting.pop() {
        let metadata = path.symlink_metadata().unwrap();
        let file = if metadata.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        } else if metadata.is_symlink() {
            ('l', fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec())
        } else {
            let is_program = metadata.permissions().mode() & 0o100 != 0;
            (if is_program { 'x' } else { 'f' }, fs::read(&path).unwrap())
        };
        files.insert(path.strip_prefix(top).unwrap().to_owned(), file);
    }
    files
}

fn fill(site: &Site) {
    let lines: String = (0..50).map(|number| format!("line {number}\n")).collect();
    for name in ["a", "d/a", "d/e/b", "d/e/c", "f/two words", "f/g/h/i"] {
        site.write(name, format!("{name}\n{lines}"));
    }
    site.write("binary", [0; 5000]);
    site.write("no newline", "x\r\ny");
    site.write("d/empty", "");
}

/// Names as the shell's `printf` writes them.
const NAMES: [&str; 12] = [
    "a",
    "b",
    "d",
    "d/a",
    "d/e",
    "d/e/b",
    "f",
    "f/g/h",
    "two words",
    "new\\nline",
    "quo\\042te",
    "\\377\\001",
];

/// Edits by programs, as they come: what fails, fails.
fn script(dice: &mut Dice) -> String {
    let mut script = String::from("exec 2>/dev/null; ");
    for _ in 0..15 {
        let [one, two] = [0, 1].map(|_| format!("\"$(printf '{}')\"", NAMES[dice.below(NAMES.len())]));
        let line = dice.below(40);
        let _ = match dice.below(12) {
            0 => write!(script, "rm -rf {one}; "),
            1 => write!(script, "mv {one} {two}; "),
            // Not to one of these names: `git apply` fails at links in a circle, also where it removes them.
            2 => write!(script, "rm -rf {one}; ln -s to/{two} {one}; "),
            3 => write!(script, "chmod +x {one}; "),
            4 => write!(script, "chmod a-x,u+rw {one}; [ -d {one} ] && chmod 755 {one}; "),
            5 => write!(script, "mkdir -p {one}/new; echo {line} > {one}/new/f; "),
            6 => write!(script, "rm -rf {one}; printf 'no newline' > {one}; "),
            7 => write!(script, "sed -i '{line}d;s/line {line}$/other/' {one}; "),
            8 => write!(script, "cp -r {one} {two}; "),
            9 => write!(script, "head -c {line}00 /dev/urandom > {one}; "),
            10 => write!(script, "touch {one}; "),
            _ => write!(script, "echo {line} >> {one}; "),
        };
    }
    script + "true"
}

struct Dice(u64);

impl Dice {
    /// Marsaglia's xorshift, its state spread by a multiplication: seeds may follow each other.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 29;
        (self.0 >> 11) as usize % bound
    }
}

fn seed_of_now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64
}

fn exec(site: &Site, command: &[&str]) -> Output {
    site.clearing(["exec", "w"]).command(command).output()
}

fn session(site: &Site, script: &str) {
    site.clearing(["create", "--name", "w"]).output().expect_code(0);
    exec(site, &["sh", "-c", script]).expect_code(0);
}

#[test]
fn the_forms_tell_the_same_change() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("kept", "1\n2\n3\n");
        site.write("old", "some text\n".repeat(20));
        site.write("gone", "x");
        session(
            &site,
            "echo 4 >> kept; mkdir d; mv old d/new; rm gone; printf 'x\\0' > \"$(printf 'b\\377')\"",
        );
        let diff = |form: &[&str]| {
            let output = site.clearing(["diff", "w"]).args(form).output();
            output.expect_code(0);
            output.stdout
        };
        let names = "A\t\"b\\377\"\nR100\told\td/new\nD\tgone\nM\tkept\n";
        assert_eq!(diff(&["--name-status"]), names);
        assert_eq!(diff(&["--name-status", "-z"]).split('\0').count(), 10);
        let stat = diff(&["--stat"]);
        assert!(stat.ends_with(" 4 files changed, 1 insertion(+), 1 deletion(-)\n"), "{stat}");
        let json = diff(&["--json"]);
        let lines: Vec<serde_json::Value> =
            json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["path"]["bytes"], "Yv8=");
        assert_eq!((&lines[1]["from"], &lines[1]["similarity"]), (&"old".into(), &100.into()));
        assert_eq!(lines.last().unwrap()["linesAdded"], 1);
        assert_eq!(diff(&["--name-status", "@", "initial", "--", "kept", "gone"]), "A\tgone\nM\tkept\n");
    });
}

#[test]
fn what_is_not_there_is_refused_with_a_way_forward() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        session(&site, "echo x > new");
        let refused = |arguments: &[&str], message: &str, hint: &str| {
            let output = site.clearing(["diff"]).args(arguments).output();
            output.expect_code(125).expect_stderr(message).expect_stderr(hint);
        };
        refused(&["absent"], "there is no session `absent`", "clearing ls");
        refused(&["w", "absent"], "has no snapshot `absent`", "clearing history");
        refused(&["w", "--", "../outside"], "`../outside` is not in the project", "");
        fs::rename(site.project(), site.home().join("moved")).unwrap();
        std::os::unix::fs::symlink("moved", site.project()).unwrap();
        refused(&["w"], "was moved or replaced", "put it back");
    });
}

#[test]
fn a_terminal_gets_colours_and_a_pager_and_nothing_that_it_would_obey() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        session(&site, "printf '\\033]0;owned\\007\\n' > evil");
        let shown = |pager: &str| {
            let mut terminal = Terminal::open(&site);
            let diff = site.clearing(["diff", "w"]).env("PAGER", pager).env("TERM", "xterm");
            let running = diff.terminal(&terminal).spawn();
            let shown = terminal.read_until("owned", Duration::from_secs(10));
            running.wait().expect_code(0);
            shown + &terminal.read_shown()
        };
        let direct = shown("cat");
        assert!(direct.contains("\x1b[32m+\\u{1b}]0;owned\\u{7}\x1b[m"), "{direct:?}");
        assert!(!direct.contains("\x1b]0"), "{direct:?}");
        assert!(shown("sed 's/^/paged: /'").contains("paged: "));
        // Nobody reads the pager's end: that is enough of reading, not an error.
        assert!(shown("head -c 0; echo owned").contains("owned"));
    });
}

#[test]
fn terabytes_of_nothing_are_told_in_a_line() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let created = site.clearing(["create"]).output();
        let id = created.expect_code(0).stdout.trim().to_owned();
        let script = "truncate -s 15T big; echo small > small";
        site.clearing(["exec", &id]).command(["sh", "-c", script]).output().expect_code(0);
        let told = site.clearing(["diff", &id]).output();
        told.expect_code(0).expect_stdout("# big is larger than 512 MiB").expect_stdout("+small");
        site.clearing(["diff", &id, "--stat"]).output().expect_code(0).expect_stdout("16492674416640");
    });
}
