//! Long work is shown on a terminal while it lasts, and nowhere else.

use clearing_tests::decoys::Terminal;
use clearing_tests::{Site, expect_success, for_each_caller};

/// At first; twice as many until the work is long enough to be shown.
const FILES: usize = 20_000;
const MOST: usize = 640_000;

const CLEAR: &str = "\r\u{1b}[K";

#[test]
fn the_copy_and_the_removal_of_many_files_are_shown_and_taken_away_again() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let copy = ["run", "--layer", "copy", "--disk", "none", "--inodes", "none", "--", "true"];
        let mut files = FILES;
        let shown = loop {
            make(&site, files);
            let shown = on_terminal(&site, &copy, "xterm");
            if shown.contains("clearing: copying the project: ") || files >= MOST {
                break shown;
            }
            files *= 2;
        };
        assert!(shown.contains(&format!("{CLEAR}clearing: copying the project: ")), "{shown:?}");
        expect_taken_away(&shown);
        // What is not shown there: elsewhere, in JSON, and on a terminal that cannot take a line back.
        let dumb = on_terminal(&site, &copy, "dumb");
        let json = on_terminal(&site, &[&["run", "--json"], &copy[1..]].concat(), "xterm");
        let piped = site.clearing(copy).env("TERM", "xterm").output();
        for other in [&dumb, &json, &piped.stderr] {
            assert!(!other.contains("copying the project") && !other.contains('\u{1b}'), "{other:?}");
        }
    });
}

fn make(site: &Site, files: usize) {
    let script = format!("mkdir -p many && cd many && seq {files} | xargs touch");
    expect_success(site.host("sh").args(["-c", &script]));
}

/// What is shown by a call on a terminal, to its end.
fn on_terminal(site: &Site, words: &[&str], term: &str) -> String {
    let mut terminal = Terminal::open(site);
    let line = r#""$@"; echo "ended $?""#;
    let run = site.clearing(words).terminal(&terminal).env("TERM", term);
    let shell = run.through(["bash", "-c", line, "bash"]).spawn();
    let shown = terminal.read_until("ended 0\r\n", std::time::Duration::from_secs(100));
    shell.wait();
    shown
}

/// After the last line of progress comes what takes it away, before anything else.
#[track_caller]
fn expect_taken_away(shown: &str) {
    let last = shown.rfind("clearing: copying the project: ").or_else(|| shown.rfind("clearing: removing: "));
    let rest = &shown[last.unwrap_or_default()..];
    let end = rest.find(['\r', '\n']).unwrap_or_default();
    assert!(rest[end..].starts_with(CLEAR), "{shown:?}");
}
