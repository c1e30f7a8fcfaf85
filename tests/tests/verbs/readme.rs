//! The README's table of verbs is that of the binary.

use clearing_tests::{Caller, Site, verbs};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");

#[test]
fn the_readme_lists_every_verb_and_no_other() {
    let site = Site::new(Caller::all()[0]);
    let mut all: Vec<String> = verbs(&site).iter().map(|verb| verb.join(" ")).collect();
    let readme = std::fs::read_to_string(README).unwrap();
    let table = readme.lines().skip_while(|line| *line != "| verb | what it does | other codes |").skip(2);
    let rows = table.map_while(|line| line.strip_prefix("| `")?.split_once("` |"));
    let mut listed: Vec<String> = rows.map(|(verb, _)| verb.to_owned()).collect();
    all.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, all);
}
