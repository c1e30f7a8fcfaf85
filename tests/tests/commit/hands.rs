//! A session that does something, and its commit.

use clearing_tests::{Output, Site};
use serde_json::Value;

/// Runs a script in a new session of the name `s`.
pub(crate) fn session(site: &Site, script: &str) {
    site.clearing(["create", "--name", "s"]).output().expect_code(0);
    more(site, script);
}

/// Runs one more script in it.
pub(crate) fn more(site: &Site, script: &str) {
    site.clearing(["exec", "s", "--", "sh", "-ec", script]).output().expect_code(0);
}

/// Commits it, and tells what came of that.
pub(crate) fn commit(site: &Site) -> (Output, Value) {
    let output = site.clearing(["commit", "s", "--json", "--yes"]).output();
    let line = output.stdout.lines().last().unwrap_or_default();
    let report = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {output}"));
    (output, report)
}

/// A script whose changes are withheld at these paths with this code, while `fine` lands.
pub(crate) fn expect_withheld(site: &Site, script: &str, code: &str, paths: &[&str]) {
    session(site, &format!("{script}\necho fine > fine"));
    let (output, report) = commit(site);
    output.expect_code(0);
    let withheld = report["withheld"].as_array().expect("a list");
    for path in paths {
        let found = withheld.iter().any(|it| it["path"] == *path && it["code"] == code);
        assert!(found, "{path} is not withheld as {code}: {report:#}");
    }
    assert_eq!(std::fs::read_to_string(site.project().join("fine")).expect("it landed"), "fine\n");
}

/// Whether anything stands under the path, a link that leads nowhere included.
pub(crate) fn exists(site: &Site, path: &str) -> bool {
    site.project().join(path).symlink_metadata().is_ok()
}
