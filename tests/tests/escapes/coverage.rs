//! No promise is left out in silence: each has a file of its own with a proof in it.

use std::fs;
use std::path::{Path, PathBuf};

/// The promises about isolation and limits. Those about commit and patches have suites of their own.
const PROMISES: [(&str, u8); 13] = [
    ("f", 9),
    ("p", 5),
    ("n", 5),
    ("d", 2),
    ("t", 2),
    ("i", 2),
    ("h", 2),
    ("w", 7),
    ("s", 7),
    ("c", 4),
    ("e", 4),
    ("u", 1),
    ("l", 7),
];

#[test]
fn every_promise_has_a_file_with_a_proof() {
    let main = read(&directory().join("main.rs"));
    for (letter, last) in PROMISES {
        for number in 1..=last {
            let name = format!("p_{letter}{number}");
            let text = read(&directory().join(format!("{name}.rs")));
            let title = format!("//! P-{}{number}: ", letter.to_uppercase());
            assert!(text.starts_with(&title), "{name} says which promise it proves");
            assert!(text.contains("#[test]\nfn "), "{name} proves something");
            assert!(main.contains(&format!("mod {name};")), "{name} is part of the suite");
        }
    }
}

#[test]
fn there_are_more_attacks_than_a_reader_would_guess() {
    let files = fs::read_dir(directory()).expect("a directory").flatten();
    let tests = |path: PathBuf| read(&path).matches("#[test]\n").count();
    let count: usize = files.map(|file| tests(file.path())).sum();
    assert!(count >= 300, "{count} attacks");
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/escapes")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
