use super::*;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use rustix::fs::{CWD, FileType, Mode, XattrFlags, fsetxattr, mknodat};

/// An old tree and a new one.
struct Trees {
    scratch: tempfile::TempDir,
}

impl Trees {
    fn new() -> Self {
        let trees = Self { scratch: tempfile::tempdir().unwrap() };
        fs::create_dir(trees.old("")).unwrap();
        fs::create_dir(trees.new_path("")).unwrap();
        trees
    }

    fn old(&self, path: &str) -> PathBuf {
        self.scratch.path().join("old").join(path)
    }

    fn new_path(&self, path: &str) -> PathBuf {
        self.scratch.path().join("new").join(path)
    }

    fn stacks(&self) -> [Stack; 2] {
        ["old", "new"].map(|name| Stack::open(&[], &self.scratch.path().join(name)).unwrap())
    }

    fn text(&self, binary: Binary) -> String {
        let [old, new] = self.stacks();
        let (diff, mut text) = (Diff::between(&old, &new, &|_| true).unwrap(), Vec::new());
        assert!(diff.write(binary, &mut Plain(&mut text)).unwrap().is_empty());
        String::from_utf8(text).unwrap()
    }

    fn untold(&self) -> Vec<String> {
        let [old, new] = self.stacks();
        let untold = Diff::between(&old, &new, &|_| true).unwrap().untold;
        untold.iter().map(|untold| String::from_utf8(untold.line()).unwrap()).collect()
    }

    /// Letter and path of each entry, of renamed ones also the likeness and the older name.
    fn told(&self) -> Vec<String> {
        let [old, new] = self.stacks();
        let told = |entry: &Entry| {
            let line = format!("{} {}", entry.status().letter(), entry.path.display());
            let renamed = entry.renamed.as_ref();
            renamed.map_or(line.clone(), |it| format!("{line} {} {}", it.similarity, it.from.display()))
        };
        Diff::between(&old, &new, &|_| true).unwrap().entries.iter().map(told).collect()
    }
}

fn write(path: PathBuf, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn lines(range: std::ops::Range<u32>) -> String {
    range.map(|number| format!("line {number}\n")).collect()
}

#[test]
fn a_change_of_text_is_written_as_git_writes_it() {
    let trees = Trees::new();
    write(trees.old("d/a file"), lines(0..20));
    write(trees.new_path("d/a file"), lines(0..20).replace("line 9\n", "other\n") + "end");
    let expected = "\
diff --git a/d/a file b/d/a file
index 19dfb3abd1..0a93a66b50 100644
--- a/d/a file\t
+++ b/d/a file\t
@@ -7,7 +7,7 @@
 line 6
 line 7
 line 8
-line 9
+other
 line 10
 line 11
 line 12
@@ -18,3 +18,4 @@
 line 17
 line 18
 line 19
+end
\\ No newline at end of file
";
    let text = trees.text(Binary::Patch);
    let index = text.lines().find(|line| line.starts_with("index ")).unwrap();
    assert_eq!(text, expected.replace("index 19dfb3abd1..0a93a66b50 100644", index));
}

#[test]
fn modes_renames_links_and_other_types_have_gits_headers() {
    let trees = Trees::new();
    write(trees.old("from"), lines(0..30));
    write(trees.new_path("to"), lines(0..30) + "more\n");
    chmod(&trees.new_path("to"), 0o755);
    write(trees.old("moved"), "the same");
    write(trees.new_path("d/moved"), "the same");
    symlink("a", trees.old("link")).unwrap();
    write(trees.new_path("link"), "");
    assert_eq!(trees.told(), ["R d/moved 100 moved", "T link", "R to 97 from"]);
    let text = trees.text(Binary::Patch);
    let heads: Vec<&str> =
        text.lines().filter(|line| !line.starts_with([' ', '+', '-', '@', 'i', '\\'])).collect();
    let expected = [
        "diff --git a/moved b/d/moved",
        "similarity index 100%",
        "rename from moved",
        "rename to d/moved",
        "diff --git a/link b/link",
        "deleted file mode 120000",
        "diff --git a/link b/link",
        "new file mode 100644",
        "diff --git a/from b/to",
        "old mode 100644",
        "new mode 100755",
        "similarity index 97%",
        "rename from from",
        "rename to to",
    ];
    assert_eq!(heads, expected);
}

#[test]
fn the_same_last_name_and_then_the_greater_likeness_make_a_rename() {
    let trees = Trees::new();
    for name in ["a/same", "b/other"] {
        write(trees.old(name), lines(0..10));
    }
    write(trees.new_path("c/other"), lines(0..10));
    write(trees.new_path("c/same"), lines(0..10));
    write(trees.old("half"), lines(100..120));
    write(trees.old("most"), lines(102..120));
    write(trees.new_path("now"), lines(103..120));
    write(trees.old("empty"), "");
    write(trees.new_path("hollow"), "");
    let expected =
        ["R c/other 100 b/other", "R c/same 100 a/same", "D empty", "D half", "A hollow", "R now 94 most"];
    assert_eq!(trees.told(), expected);
}

#[test]
fn too_many_files_to_look_for_likeness_are_told() {
    let trees = Trees::new();
    for number in 0..1001 {
        write(trees.old(&format!("old/{number}")), format!("{number}"));
        write(trees.new_path(&format!("new/{number}")), format!("{number}\n"));
    }
    write(trees.old("exact"), "exact");
    write(trees.new_path("still"), "exact");
    let expected = "# . has 1001 deleted and 1001 new files, too many to look for renames with changes";
    assert_eq!(trees.untold(), [expected]);
    assert_eq!(trees.told().iter().filter(|told| told.starts_with('R')).count(), 1);
}

#[test]
fn what_git_has_no_words_for_is_told_in_comments() {
    let trees = Trees::new();
    for side in [trees.old(""), trees.new_path("")] {
        write(side.join("kept/file"), "x");
        write(side.join("mode"), "x");
        write(side.join("directory/file"), "x");
    }
    write(trees.old("left/file"), "x");
    fs::create_dir(trees.new_path("left")).unwrap();
    fs::create_dir(trees.old("gone")).unwrap();
    chmod(&trees.old("gone"), 0o755);
    write(trees.new_path(".git/hooks/evil"), "x");
    write(trees.new_path(".git/index"), "x");
    write(trees.new_path("secret"), "y");
    write(trees.new_path("closed/file"), "z");
    mknodat(CWD, trees.new_path("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    for (path, mode) in [("mode", 0o600), ("directory", 0o700), ("secret", 0o4600), ("closed", 0o711)] {
        chmod(&trees.new_path(path), mode);
    }
    chmod(&trees.new_path("left"), 0o755);
    let expected = [
        "# .git has 2 changes that git takes from no diff",
        "# closed is a new directory with mode 0711",
        "# directory goes from mode 0755 to 0700",
        "# gone was an empty directory with mode 0755",
        "# left is left empty",
        "# mode goes from mode 0644 to 0600",
        "# pipe is a named pipe with mode 0400",
        "# secret is a new file with mode 4600",
    ];
    assert_eq!(trees.untold(), expected);
    let text = trees.text(Binary::Patch);
    assert!(text.starts_with(&expected.join("\n")), "{text}");
    let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("diff")).collect();
    let expected = ["closed/file", "left/file", "secret"].map(|path| format!("diff --git a/{path} b/{path}"));
    assert_eq!(heads, expected);
}

#[test]
fn attributes_are_a_change_that_is_told_and_those_of_overlayfs_are_none() {
    let trees = Trees::new();
    let names = ["same", "other", "gone", "new", "overlay"];
    for name in names {
        write(trees.old(name), "x");
        write(trees.new_path(name), "x");
    }
    let give = |path: PathBuf, name: &str, value: &str| {
        let file = fs::File::open(path).unwrap();
        fsetxattr(&file, name, value.as_bytes(), XattrFlags::empty()).unwrap();
    };
    for (name, attribute, old, new) in [
        ("same", "user.a", Some("1"), Some("1")),
        ("other", "user.a", Some("1"), Some("2")),
        ("gone", "user.\u{1b}b", Some("1"), None),
        ("new", "user.c", None, Some("1")),
        ("overlay", "user.overlay.origin", None, Some("1")),
    ] {
        old.into_iter().for_each(|value| give(trees.old(name), attribute, value));
        new.into_iter().for_each(|value| give(trees.new_path(name), attribute, value));
    }
    assert_eq!(trees.told(), ["M gone", "M new", "M other"]);
    let expected = [
        "# gone has other attributes: \"user.\\033b\"",
        "# new has other attributes: user.c",
        "# other has other attributes: user.a",
    ];
    assert_eq!(trees.text(Binary::Patch), expected.map(|line| format!("{line}\n")).concat());
}

#[test]
fn a_reader_is_told_of_binary_files_and_git_gets_them() {
    let trees = Trees::new();
    write(trees.old("bin"), b"\0old");
    write(trees.new_path("bin"), b"\0new");
    assert!(trees.text(Binary::Named).ends_with("\nBinary files a/bin and b/bin differ\n"));
    assert!(trees.text(Binary::Patch).contains("\nGIT binary patch\nliteral 4\n"));
}

#[test]
fn a_file_too_large_for_lines_is_given_whole_and_told() {
    let trees = Trees::new();
    let line = "0123456789abcdef\n".repeat(content::TEXT as usize / 17 + 1);
    write(trees.old("large"), &line);
    write(trees.new_path("large"), line.replacen("0", "X", 1));
    let expected =
        ["# large is too large for a diff of its lines", "# large was too large for a diff of its lines"];
    let mut untold = trees.untold();
    untold.sort();
    assert_eq!(untold, expected);
    assert!(trees.text(Binary::Patch).contains("\nGIT binary patch\n"));
}

#[test]
fn sizes_are_counted_in_lines_of_text_and_bytes_of_the_rest() {
    let trees = Trees::new();
    write(trees.old("text"), lines(0..10));
    write(trees.new_path("text"), lines(2..13));
    write(trees.new_path("bytes"), b"\0\0\0");
    fs::create_dir(trees.new_path("hollow")).unwrap();
    let [old, new] = trees.stacks();
    let diff = Diff::between(&old, &new, &|_| true).unwrap();
    let sizes: Vec<Size> = diff.entries.iter().map(|entry| diff.size(entry).unwrap()).collect();
    let expected = [Size::Bytes { old: 0, new: 3 }, Size::Nothing, Size::Lines { added: 3, deleted: 2 }];
    assert_eq!(sizes, expected);
}

#[test]
fn paths_that_are_not_wanted_are_not_told() {
    let trees = Trees::new();
    write(trees.new_path("a/x"), "x");
    write(trees.new_path("b/x"), "x");
    let [old, new] = trees.stacks();
    let diff = Diff::between(&old, &new, &|path| path.starts_with("a")).unwrap();
    assert_eq!(diff.entries.len(), 1);
}

#[test]
fn a_file_that_is_closed_is_left_out_aloud() {
    let trees = Trees::new();
    for (name, mode) in [("closed", 0o000), ("open", 0o644)] {
        write(trees.new_path(name), "x");
        chmod(&trees.new_path(name), mode);
    }
    let [old, new] = trees.stacks();
    let (diff, mut text) = (Diff::between(&old, &new, &|_| true).unwrap(), Vec::new());
    let unread = diff.write(Binary::Patch, &mut Plain(&mut text)).unwrap();
    if rustix::process::geteuid().is_root() {
        assert!(unread.is_empty());
    } else {
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("# closed could not be read and is left out\ndiff --git a/open"), "{text}");
        assert_eq!(unread.len(), 1);
    }
}
