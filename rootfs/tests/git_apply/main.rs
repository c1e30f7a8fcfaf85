//! The text of a diff, given to `git apply`, brings about exactly the tree that the layers show; and back.
//!
//! `CLEARING_TEST_SEED` brings a failed run back, `CLEARING_TEST_CASES` says how many cases are tried.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

mod content;
mod overlaid;
mod random;
mod tree;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use clearing_rootfs::{Binary, Diff, Difference, Kind, Plain, Stack};

use overlaid::Overlaid;
use random::Random;
use tree::{Node, Tree, as_git_knows, read_tree, without_empty_directories, write_tree};

#[test]
fn git_apply_of_a_diff_gives_the_other_tree_and_back() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect(name));
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = number("CLEARING_TEST_SEED").unwrap_or_else(now);
    let cases = number("CLEARING_TEST_CASES").unwrap_or(500);
    println!("CLEARING_TEST_SEED={seed} CLEARING_TEST_CASES={cases}");
    let mut said = Said::default();
    for case in 0..cases {
        let scratch = tempfile::tempdir().unwrap();
        let random = &mut Random::new(seed.wrapping_add(case));
        let overlaid = stacked(random, scratch.path());
        let context = format!("CLEARING_TEST_SEED={} CLEARING_TEST_CASES=1", seed.wrapping_add(case));
        let view = random.below(overlaid.views.len());
        is_shown(&overlaid, view, &context);
        let (from, to) = (random.below(overlaid.views.len()), random.below(overlaid.views.len()));
        let last = overlaid.views.len() - 1;
        let between = random.one_in(3).then_some((from, to));
        for views in [(0, last), (last, 0)].into_iter().chain(between) {
            applies(&overlaid, views, scratch.path(), &context, &mut said);
        }
    }
    println!("{said:?}");
    let Said { renames, binaries, deletions, notes } = said;
    assert!(cases < 100 || [renames, binaries, deletions, notes].iter().all(|&count| count > 0));
}

/// What the texts had in them: a test of nothing would pass too.
#[derive(Debug, Default)]
struct Said {
    renames: usize,
    binaries: usize,
    deletions: usize,
    notes: usize,
}

/// A random project with up to four layers over it.
fn stacked(random: &mut Random, scratch: &Path) -> Overlaid {
    let mut overlaid = Overlaid::new(scratch, Tree::new());
    for _ in 0..=random.below(4) {
        let edits = random.below(25);
        overlaid.edit(random, edits);
    }
    // The first layer is the project as often as not.
    if random.one_in(2) {
        let project = overlaid.views[1].clone();
        let below = scratch.join("project");
        std::fs::create_dir(&below).unwrap();
        overlaid = Overlaid::new(&below, project);
        for _ in 0..=random.below(3) {
            let edits = random.below(25);
            overlaid.edit(random, edits);
        }
    }
    overlaid
}

/// The whole view, read layer by layer, is the one that was written.
fn is_shown(overlaid: &Overlaid, view: usize, context: &str) {
    let stack = Stack::open(&overlaid.layers(view), &overlaid.bottom()).unwrap();
    let mut shown = Tree::new();
    let walked = stack.walk_all(&mut |path, difference| {
        let Difference::Added { new, .. } = difference else { panic!("{context}: {difference:?}") };
        let node = match new.kind {
            Kind::Directory => Node::Directory,
            Kind::Symlink => {
                let target = stack.read_link(path, new).unwrap().into_os_string();
                Node::Link(std::os::unix::ffi::OsStringExt::into_vec(target))
            }
            _ => {
                let file = std::fs::File::from(stack.open_file(path, new).unwrap());
                let content = std::io::Read::bytes(std::io::BufReader::new(file)).map(|byte| byte.unwrap());
                let mode = new.stat.unwrap().st_mode & 0o7777;
                Node::File { content: content.collect(), mode }
            }
        };
        shown.insert(path.to_owned(), node);
    });
    walked.unwrap();
    let expected = &overlaid.views[view];
    assert!(shown == *expected, "{context}: {}", differing(&shown, expected));
}

fn applies(overlaid: &Overlaid, (from, to): (usize, usize), scratch: &Path, context: &str, said: &mut Said) {
    let [old, new] = [from, to].map(|view| Stack::open(&overlaid.layers(view), &overlaid.bottom()).unwrap());
    let diff = Diff::between(&old, &new, &|_| true).unwrap();
    let mut text = Vec::new();
    assert!(diff.write(Binary::Patch, &mut Plain(&mut text)).unwrap().is_empty());
    let lines =
        |start: &str| text.split(|&byte| byte == b'\n').filter(|it| it.starts_with(start.as_bytes())).count();
    said.renames += lines("rename to ");
    said.binaries += lines("GIT binary patch");
    said.deletions += lines("deleted file mode ");
    said.notes += lines("# ");
    let copy = scratch.join("copy");
    // What holds no file is nothing to git, which fails where it stands in the way of one; the text tells of it.
    write_tree(&copy, &without_empty_directories(&overlaid.views[from]));
    for (reverse, expected) in [(false, to), (true, from)] {
        if lines("diff --git ") > 0 {
            git_apply(&copy, &text, reverse, context);
        }
        let mut applied = as_git_knows(&read_tree(&copy));
        let mut expected = as_git_knows(&overlaid.views[expected]);
        if reverse {
            let type_in = |tree: &Tree, path: &Path| tree.get(path).map(std::mem::discriminant);
            let was = &overlaid.views[to];
            let made = expected.keys().filter(|path| type_in(was, path) != type_in(&expected, path)).cloned();
            for path in made.collect::<Vec<_>>() {
                forget_mode(&mut applied, &path);
                forget_mode(&mut expected, &path);
            }
        }
        let differing = differing(&applied, &expected);
        let text = text.escape_ascii();
        assert!(applied == expected, "{context}: reverse: {reverse}\n{text}\n{differing}");
    }
    std::fs::remove_dir_all(copy).unwrap();
}

/// `git apply -R` forgets the mode of a file that it makes anew, and that it was a link: in texts of git's own
/// too, up to version 2.47 at least. The text of the diff the other way round has no such gap.
fn forget_mode(tree: &mut Tree, path: &Path) {
    match tree.get_mut(path) {
        Some(Node::File { mode, .. }) => *mode = 0o644,
        Some(node @ Node::Link(_)) => {
            let Node::Link(target) = std::mem::replace(node, Node::Directory) else { return };
            *node = Node::File { content: target, mode: 0o644 };
        }
        Some(Node::Directory) | None => {}
    }
}

/// The paths at which two trees are not the same, with what stands there.
fn differing(one: &Tree, two: &Tree) -> String {
    let paths: std::collections::BTreeSet<_> = one.keys().chain(two.keys()).collect();
    let differing = paths.into_iter().filter(|path| one.get(*path) != two.get(*path));
    let line =
        |path: &std::path::PathBuf| format!("{path:?}:\n    {:?}\n    {:?}\n", one.get(path), two.get(path));
    differing.map(line).collect()
}

fn git_apply(directory: &Path, text: &[u8], reverse: bool, context: &str) {
    let mut git = Command::new("git");
    git.args(["apply", "--whitespace=nowarn"]).args(reverse.then_some("-R")).current_dir(directory);
    git.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("GIT_CEILING_DIRECTORIES", directory);
    git.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", directory).env("LC_ALL", "C");
    let mut git = git.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("git");
    git.stdin.take().unwrap().write_all(text).unwrap();
    let output = git.wait_with_output().unwrap();
    let (errors, text) = (output.stderr.escape_ascii().to_string(), text.escape_ascii());
    assert!(
        output.status.success(),
        "{context}: reverse: {reverse}\n{}\n{text}",
        errors.replace("\\n", "\n")
    );
}
