//! Random edits of random trees, told by `git diff` in all its ways, applied by both.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use clearing_rootfs::{Class, Reading, Refusal, Rules};

use crate::content::{content, edited, name};
use crate::random::Random;
use crate::tree::{Node, Tree, as_git_knows, read_tree, write_node};
use crate::{READING, apply};

/// Cases of a plain `cargo test`; a pass over all ways of telling a diff takes as many as there are of them.
const CASES: u64 = 60;
/// Where they begin, so that each run of the same tree says the same.
const SEED: u64 = 1_795_969_235_383_668_968;

#[test]
fn what_git_applies_is_applied_alike() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect(name));
    let seed = number("CLEARING_TEST_SEED").unwrap_or(SEED);
    let cases = number("CLEARING_TEST_CASES").unwrap_or(CASES);
    println!("CLEARING_TEST_SEED={seed} CLEARING_TEST_CASES={cases}");
    let mut seen = Seen::default();
    let repository = tempfile::tempdir().unwrap();
    assert!(git(repository.path()).args(["init", "-q", "--template="]).status().unwrap().success());
    for case in 0..cases {
        let context = format!("CLEARING_TEST_SEED={} CLEARING_TEST_CASES=1", seed.wrapping_add(case));
        one(seed.wrapping_add(case), repository.path(), &context, &mut seen);
    }
    println!("{seen:?}");
    let seen_all =
        seen.applied > cases / 2 && seen.refused > 0 && seen.misstated > 0 && seen.contradicting > 0;
    assert!(cases < 50 || seen_all, "{seen:?}");
}

/// What happened: a test in which nothing did would pass too.
#[derive(Debug, Default)]
struct Seen {
    applied: u64,
    refused: u64,
    misstated: u64,
    contradicting: u64,
    guessed: u64,
    better: u64,
}

/// Options of `git diff`, and those of `git apply` that they ask for.
const WAYS: [(&[&str], &[&str]); 24] = [
    (&["--binary"], &[]),
    (&["--binary", "--full-index"], &[]),
    (&["--binary", "-M"], &[]),
    (&["--binary", "-M10%"], &[]),
    (&["--binary", "-C", "--find-copies-harder"], &[]),
    (&["--binary", "-C10%", "--find-copies-harder"], &[]),
    (&["--binary", "--no-renames"], &[]),
    (&["--binary", "--no-prefix"], &["-p0"]),
    (&["--binary", "--no-prefix", "-M"], &["-p0"]),
    (&["--binary", "-U0"], &["--unidiff-zero"]),
    (&["--binary", "-U0", "-M"], &["--unidiff-zero"]),
    (&["-U0"], &[]),
    (&["--binary", "-U1"], &[]),
    (&["--binary", "-U10"], &[]),
    (&["--binary", "-W"], &[]),
    (&["--binary", "--src-prefix=old/", "--dst-prefix=new/"], &[]),
    (&["--binary", "--src-prefix=x/y/", "--dst-prefix=z/w/", "--no-renames"], &["-p2"]),
    (&["--binary", "--default-prefix", "--ignore-cr-at-eol"], &[]),
    (&["--binary", "--patience"], &[]),
    (&["--binary", "--inter-hunk-context=4"], &[]),
    (&["--binary", "-B", "-M"], &[]),
    (&["--irreversible-delete"], &[]),
    (&["--stat", "-p", "--binary", "--summary"], &[]),
    (&[], &[]),
];

/// Modes that a diff tells.
const MODES: [&str; 3] = ["100644", "100755", "120000"];

fn one(seed: u64, repository: &Path, context: &str, seen: &mut Seen) {
    let random = &mut Random::new(seed);
    let scratch = tempfile::tempdir().unwrap();
    let (old, new) = trees(random);
    let (ways, apply_ways) = WAYS[(seed % WAYS.len() as u64) as usize];
    let quote = if random.one_in(2) { "core.quotePath=true" } else { "core.quotePath=false" };
    let told = diff(repository, &old, &new, ways, quote);
    let patch = if random.one_in(3) { misstated(random, &told) } else { told.clone() };
    let is_misstated = patch != told;
    let mut target = old.clone();
    // A tree that has moved on since, perhaps.
    let moved_on = random.one_in(4);
    if moved_on {
        (0..=random.below(3)).for_each(|_| move_on(random, &mut target));
    }
    let mut tops = ["git", "clearing"].map(|who| scratch.path().join(who)).to_vec();
    tops.iter().for_each(|top| write(top, &target));
    let [theirs, ours] = [tops.remove(0), tops.remove(0)];
    let git = git_apply(&theirs, &patch, apply_ways);
    let refused = apply(&ours, &patch, reading(apply_ways), &Rules::default()).err();
    let context = format!("{context}\n{ways:?} {quote}\n{}", patch.escape_ascii());
    // git takes a link that goes for one that stays, and refuses what comes in its place.
    let blind =
        !git.status.success() && String::from_utf8_lossy(&git.stderr).contains("beyond a symbolic link");
    if blind && !moved_on && refused.is_none() {
        assert!(as_git_knows(&read_tree(&ours)) == as_git_knows(&new), "{context}");
        seen.better += 1;
        return;
    }
    // Where git takes the nearest of several places, or lines of which nothing around them is known, anywhere
    // but where they should be, clearing takes none. Not told that there is nothing around them, git puts new
    // lines at the file's end.
    let is = |class: Class| refused.iter().flatten().any(|refusal| refusal.class == class);
    let bare = ways.contains(&"-U0");
    let may_guess = moved_on || bare && apply_ways.is_empty();
    let guessed = is(Class::Ambiguous) || bare && is(Class::Mismatch);
    // Of a last line git does not look whether it has an end, and such a diff does not tell when that changes.
    let unseen = ways.contains(&"--ignore-cr-at-eol") && is(Class::Mismatch);
    if git.status.success() && (may_guess && guessed || unseen) {
        seen.guessed += 1;
        return;
    }
    // Of two modes git takes the one, and clearing none.
    let contradicts = |refusal: &Refusal| refusal.reason.contains("two modes");
    if git.status.success() && is_misstated && refused.iter().flatten().any(contradicts) {
        seen.contradicting += 1;
        return;
    }
    seen.misstated += u64::from(is_misstated && git.status.success());
    compare(&git, refused, [&theirs, &ours], &context, seen);
}

fn compare(
    git: &Output,
    refused: Option<Vec<Refusal>>,
    [theirs, ours]: [&Path; 2],
    context: &str,
    seen: &mut Seen,
) {
    let said = git.stderr.escape_ascii().to_string().replace("\\n", "\n");
    assert!(git.status.success() == refused.is_none(), "{context}\n{refused:?}\ngit: {said}");
    let (theirs, ours) = (as_git_knows(&read_tree(theirs)), as_git_knows(&read_tree(ours)));
    let paths: std::collections::BTreeSet<&PathBuf> = theirs.keys().chain(ours.keys()).collect();
    let differing = paths.into_iter().filter(|path| theirs.get(*path) != ours.get(*path));
    let line =
        |path: &PathBuf| format!("{path:?}\n  git {:?}\n  clearing {:?}\n", theirs.get(path), ours.get(path));
    assert!(theirs == ours, "{context}\n{}", differing.map(line).collect::<String>());
    seen.applied += u64::from(refused.is_none());
    seen.refused += u64::from(refused.is_some());
}

fn reading(ways: &[&str]) -> Reading {
    let strip = ways.iter().find_map(|way| way.strip_prefix("-p")).map(|number| number.parse().unwrap());
    Reading { strip, without_context: ways.contains(&"--unidiff-zero"), ..READING }
}

/// A tree and what it becomes.
fn trees(random: &mut Random) -> (Tree, Tree) {
    let mut old = Tree::new();
    for _ in 0..3 + random.below(20) {
        add(random, &mut old);
    }
    let mut new = old.clone();
    for _ in 0..1 + random.below(8) {
        let files: Vec<PathBuf> = new.keys().cloned().collect();
        let chosen = (!files.is_empty()).then(|| random.pick(&files).clone());
        match (random.below(9), chosen) {
            (0, Some(path)) => drop(new.remove(&path)),
            (1, Some(path)) => {
                let to = place(random, &new);
                if let (Some(to), Some(node)) = (to, new.remove(&path)) {
                    new.insert(to, node);
                }
            }
            (2, Some(path)) => {
                if let (Some(to), Some(node)) = (place(random, &new), new.get(&path).cloned()) {
                    new.insert(to, node);
                }
            }
            (3, Some(path)) => {
                if let Some(Node::File { mode, .. }) = new.get_mut(&path) {
                    *mode ^= 0o111;
                }
            }
            (4..=7, Some(path)) => edit(random, new.get_mut(&path).unwrap()),
            _ => add(random, &mut new),
        }
    }
    (old, new)
}

fn edit(random: &mut Random, node: &mut Node) {
    match node {
        Node::File { content, .. } => *content = edited(random, content),
        Node::Link(target) => target.push(b'x'),
        Node::Directory => {}
    }
}

/// Has a diff tell modes that the files have not: in lines that begin with `index` or `old mode`, which say only what
/// was there before.
fn misstated(random: &mut Random, patch: &[u8]) -> Vec<u8> {
    let mut told = Vec::with_capacity(patch.len());
    for line in patch.split_inclusive(|&byte| byte == b'\n') {
        let says_before = line.starts_with(b"index ") || line.starts_with(b"old mode ");
        let Some(said) = line.strip_suffix(b"\n").filter(|_| says_before && random.one_in(2)) else {
            told.extend(line);
            continue;
        };
        let mode = *random.pick(&["100644", "100644", "100755", "100755", "120000"]);
        let kept = MODES.iter().find_map(|mode| said.strip_suffix(mode.as_bytes()));
        let kept = kept.and_then(|kept| kept.strip_suffix(b" "));
        told.extend(kept.unwrap_or(said));
        told.extend(format!(" {mode}\n").bytes());
    }
    told
}

fn move_on(random: &mut Random, tree: &mut Tree) {
    let files: Vec<PathBuf> = tree.keys().cloned().collect();
    if files.is_empty() {
        return;
    }
    let path = random.pick(&files).clone();
    match (random.below(5), tree.get_mut(&path)) {
        (0, _) => drop(tree.remove(&path)),
        (4, Some(Node::File { mode, .. })) => *mode ^= 0o111,
        // Everything stands a few lines further down.
        (1 | 2, Some(Node::File { content, .. })) => drop(content.splice(..0, *b"first\nsecond\n")),
        (_, Some(node)) => edit(random, node),
        _ => {}
    }
}

fn add(random: &mut Random, tree: &mut Tree) {
    let node = match random.below(10) {
        0 => Node::Link(random.pick(&[&b"a"[..], b"x/y", b"./b", b"nowhere"]).to_vec()),
        1 => Node::File { content: content(random), mode: 0o755 },
        _ => Node::File { content: content(random), mode: 0o644 },
    };
    if let Some(path) = place(random, tree) {
        tree.insert(path, node);
    }
}

/// Where a new file can stand: no file above it, none below it.
fn place(random: &mut Random, tree: &Tree) -> Option<PathBuf> {
    let part = |random: &mut Random| {
        let name = name(random);
        PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(name))
    };
    let mut path = part(random);
    for _ in 0..random.below(3) {
        path = path.join(part(random));
    }
    let is_taken = tree.keys().any(|taken| taken.starts_with(&path) || path.starts_with(taken));
    (!is_taken).then_some(path)
}

fn write(top: &Path, tree: &Tree) {
    std::fs::create_dir_all(top).unwrap();
    for (path, node) in tree {
        let path = top.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_node(&path, node);
    }
}

/// What `git diff` says of two trees, in a repository that has been used before.
fn diff(top: &Path, old: &Tree, new: &Tree, ways: &[&str], quote: &str) -> Vec<u8> {
    let run = |words: &[&str]| {
        let output = git(top).args(["-c", quote]).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    clear(top);
    write(top, old);
    run(&["add", "-A"]);
    let before = run(&["write-tree"]);
    clear(top);
    write(top, new);
    run(&["add", "-A"]);
    let mut words = vec!["diff", "--cached", "--no-textconv", "--no-color"];
    words.extend(ways);
    words.push(std::str::from_utf8(&before).unwrap().trim());
    run(&words)
}

/// Removes everything but the repository.
fn clear(top: &Path) {
    for entry in std::fs::read_dir(top).unwrap().map(|entry| entry.unwrap()) {
        match entry.file_type().unwrap() {
            _ if entry.file_name() == ".git" => {}
            it if it.is_dir() => std::fs::remove_dir_all(entry.path()).unwrap(),
            _ => std::fs::remove_file(entry.path()).unwrap(),
        }
    }
}

fn git(directory: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(directory).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    git.env("GIT_CEILING_DIRECTORIES", directory.parent().unwrap()).env("GIT_CONFIG_NOSYSTEM", "1");
    git.env("HOME", directory).env("LC_ALL", "C");
    git.args(["-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "-c", "core.fsync=none"]);
    git
}

/// What `git apply` does with a patch.
pub(crate) fn git_apply(directory: &Path, patch: &[u8], ways: &[&str]) -> Output {
    let mut git = git(directory);
    git.args(["apply", "--whitespace=nowarn"]).args(ways);
    let mut git = git.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("git");
    git.stdin.take().unwrap().write_all(patch).unwrap();
    git.wait_with_output().unwrap()
}
