//! Patches that are refused, each with its class, and nothing is changed by any of them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use clearing_rootfs::{
    Harm, Hidden, HiddenPath, HideRule, HideRules, KeptName, KeptNames, PathText, Protected, ProtectedName,
    Reading, Refusal, Rules,
};

use crate::parity::git_apply;
use crate::tree::{as_git_knows, read_tree};
use crate::{READING, apply};

/// What stands in `hostile.txt`.
struct Case {
    class: String,
    title: String,
    ways: Vec<String>,
    patch: Vec<u8>,
}

/// Against the same tree as the others, and by `git apply` as well.
#[test]
fn what_is_odd_and_legitimate_is_applied_as_git_does() {
    let cases = cases(include_str!("odd.txt"));
    let mut wrong = String::new();
    for Case { title, ways, patch, .. } in &cases {
        let scratch = tempfile::tempdir().unwrap();
        let [theirs, ours] = ["git", "clearing"].map(|who| scratch.path().join(who));
        for top in [&theirs, &ours] {
            fs::create_dir(top).unwrap();
            make(top);
        }
        let words: Vec<&str> = ways.iter().map(String::as_str).collect();
        let git = git_apply(&theirs.join("project"), patch, &words);
        let refused = apply(&ours.join("project"), patch, reading(ways), &rules()).err();
        let same = as_git_knows(&read_tree(&theirs)) == as_git_knows(&read_tree(&ours));
        if !git.status.success() || refused.is_some() || !same {
            let said = String::from_utf8_lossy(&git.stderr);
            wrong += &format!("{title}: same: {same}, refused: {refused:?}, git: {said}\n");
        }
    }
    println!("{} odd patches", cases.len());
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_hostile_or_broken_patch_is_refused_with_its_class_and_changes_nothing() {
    let cases = cases(include_str!("hostile.txt"));
    assert!(cases.len() >= 60, "{}", cases.len());
    let mut wrong = String::new();
    for Case { class, title, ways, patch } in &cases {
        let scratch = tempfile::tempdir().unwrap();
        make(scratch.path());
        let before = read_tree(scratch.path());
        let refused =
            apply(&scratch.path().join("project"), patch, reading(ways), &rules()).err().unwrap_or_default();
        if read_tree(scratch.path()) != before {
            wrong += &format!("{class} {title}: something was changed\n");
        }
        let said = |refusal: &Refusal| refusal.class.as_str().strip_prefix("CLR-PATCH-") == Some(class);
        if !refused.iter().any(said) {
            wrong += &format!("{class} {title}: {refused:?}\n");
        }
    }
    println!("{} hostile or broken patches", cases.len());
    assert!(wrong.is_empty(), "{wrong}");
}

/// Each part costs as much as it is permitted in all, and only then turns out to be wrong.
#[test]
fn parts_that_are_refused_cost_no_more_than_is_permitted_in_all() {
    let part = |name: &str| {
        let none = "0".repeat(40);
        format!(
            "diff --git a/{name} b/{name}\nnew file mode 100644\nindex {none}..{}\nGIT binary patch\n\
             literal 600\nOc-pI|7zLw%`TzhqP8m=D\n\nliteral 0\nHcmV?d00001\n\n",
            "1".repeat(40)
        )
    };
    let scratch = tempfile::tempdir().unwrap();
    let patch = ["new1", "new2", "new3"].map(part).concat();
    let reading = Reading { made: 1000, ..READING };
    let refused = apply(scratch.path(), patch.as_bytes(), reading, &rules()).unwrap_err();
    let classes: Vec<_> = refused.iter().map(|refusal| refusal.class.as_str()).collect();
    assert_eq!(classes, ["CLR-PATCH-BINARY", "CLR-PATCH-SIZE", "CLR-PATCH-SIZE"], "{refused:?}");
}

/// Some of the names that the lists of the profiles have.
pub(crate) fn rules() -> Rules {
    let protected = |name| ProtectedName { name, reason: "it runs by itself" };
    let protected = [".vscode", ".envrc", "claude.md", ".bashrc"].map(protected).to_vec();
    let kept = |name: &'static str| KeptName {
        name: name.into(),
        reason: "others rely on it",
        harms: [Harm::Delete, Harm::Truncate, Harm::Rename, Harm::Program, Harm::Link].into(),
    };
    let kept = ["package.json", "readme.md", ".github"].map(kept).to_vec();
    let hide = |pattern: &'static str| HideRule {
        pattern: pattern.into(),
        reason: "it is a secret".into(),
        contains: &[],
        except: &[],
        everywhere: false,
    };
    let hidden = HiddenPath { path: PathText("deep/er/key".into()), rule: "its name".into() };
    Rules {
        protected: Protected::new(protected, &[]),
        kept: KeptNames::new(kept, &["node_modules"], &[]),
        hidden: Hidden::known(
            HideRules::new([".env", "secrets/"].map(hide).into(), Vec::new(), &[]),
            &[hidden],
        ),
        read_only: vec!["fixed".into(), "sealed/part".into()],
    }
}

/// Small limits, so that what is too large is not large.
fn reading(ways: &[String]) -> Reading {
    let strip = ways.iter().find_map(|way| way.strip_prefix("-p")).map(|number| number.parse().unwrap());
    let without_context = ways.iter().any(|way| way == "--unidiff-zero");
    Reading { strip, without_context, size: 200_000, made: 1_000_000, ..READING }
}

/// The tree of which `hostile.txt` tells, with something outside.
pub(crate) fn make(top: &Path) {
    let project = top.join("project");
    fs::create_dir(&project).unwrap();
    for directory in ["dir", "deep", ".git", ".vscode", "node_modules/x", "../outside"] {
        fs::create_dir_all(project.join(directory)).unwrap();
    }
    for (name, content) in [
        ("a.txt", "one\ntwo\nthree\n"),
        ("same.txt", "x\ny\nx\ny\nx\ny\n"),
        ("dir/b.txt", "b\n"),
        ("dir/c.txt", "c\n"),
        ("empty", ""),
        ("data", "\0\u{1}\u{2}"),
        ("package.json", "{}\n"),
        ("README.md", "# It\n"),
        ("node_modules/x/package.json", "{}\n"),
        (".vscode/tasks.json", "{}\n"),
        (".git/config", "[core]\n"),
        ("../outside/secret", "secret\n"),
    ] {
        fs::write(project.join(name), content).unwrap();
    }
    for (name, target) in
        [("in", "dir"), ("out", "../outside"), ("secret", "../outside/secret"), ("deep/up", "../a.txt")]
    {
        symlink(target, project.join(name)).unwrap();
    }
}

/// All patches that stand in the files, whatever becomes of them.
pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let both = [include_str!("hostile.txt"), include_str!("odd.txt")];
    both.into_iter().flat_map(cases).map(|case| case.patch).filter(|patch| patch.len() < 10_000).collect()
}

fn cases(text: &str) -> Vec<Case> {
    let text = text.split_once("\n%% ").unwrap().1;
    let case = |text: &str| {
        let (head, patch) = text.split_once('\n').unwrap();
        let (class, title) = head.split_once(' ').unwrap();
        let (title, ways) = title.split_once(" [").unwrap_or((title, ""));
        Case {
            class: class.to_owned(),
            title: title.to_owned(),
            ways: ways.trim_end_matches(']').split_whitespace().map(str::to_owned).collect(),
            patch: spelled_out(patch),
        }
    };
    format!("\n{text}")
        .split("\n%% ")
        .map(|text| case(&format!("{}\n", text.trim_start_matches('\n'))))
        .collect()
}

/// Puts bytes, letters and many of one in the place of their names.
fn spelled_out(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        bytes.extend(before.bytes());
        match (name.strip_prefix("U+"), name.split_once('*')) {
            (Some(letter), _) => {
                let letter = char::from_u32(u32::from_str_radix(letter, 16).unwrap()).unwrap();
                bytes.extend(letter.to_string().bytes());
            }
            (_, Some((count, what))) => bytes.extend(what.repeat(count.parse().unwrap()).bytes()),
            _ if name.len() == 2 => bytes.push(u8::from_str_radix(name, 16).unwrap()),
            _ => bytes.extend(format!("{{{name}}}").bytes()),
        }
        rest = after;
    }
    bytes.extend(rest.bytes());
    bytes
}
