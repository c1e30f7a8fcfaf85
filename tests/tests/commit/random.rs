//! Random edits in the sandbox, committed: the project is what the session showed.

use clearing_tests::{Caller, Site, expect_success};

use crate::hands::{commit, more, session};

const CASES: u64 = 50;

/// One line for each path: type, mode, path, content or target.
const TELL: &str = r#"find . -mindepth 1 | LC_ALL=C sort | while read -r path; do
    if [ -h "$path" ]; then echo "$path -> $(readlink "$path")"
    elif [ -f "$path" ]; then echo "$path $(stat -c %a "$path") $(cksum < "$path")"
    else echo "$path $(stat -c %a "$path")/"; fi; done"#;

/// xorshift: any seed but 0.
struct Random(u64);

impl Random {
    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        all[usize::try_from(self.0 % all.len() as u64).expect("an index")]
    }

    fn path(&mut self) -> String {
        let names = ["a", "b", "c"];
        let depth = self.pick(&["", "x", "xx"]).len();
        (0..=depth).map(|_| self.pick(&names)).collect::<Vec<_>>().join("/")
    }

    /// Edits that may fail, as some of those of a real command do.
    fn edits(&mut self, number: usize) -> String {
        let edit = |random: &mut Self| {
            let (path, other) = (random.path(), random.path());
            let edit = random.pick(&[
                "rm -rf P",
                "mkdir -p P",
                "chmod 700 P",
                "chmod 755 P",
                "ln -s b P",
                "mv P O",
                "cp -r P O",
                "echo 1 > P",
                "echo 2 >> P",
                "mkdir -p P; echo 3 > P/c",
            ]);
            format!("({}) 2>/dev/null || true", edit.replace('P', &path).replace('O', &other))
        };
        (0..number).map(|_| edit(self)).collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn the_project_becomes_what_the_sandbox_showed() {
    let given = std::env::var("CLEARING_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| (u64::from(std::process::id()) * 0x9e37_79b9) | 1);
    eprintln!("seed {seed}, {CASES} cases");
    for case in 0..CASES {
        let site = Site::new(*Caller::all().get(case as usize % Caller::all().len()).expect("a caller"));
        let mut random = Random(seed.wrapping_add(case * 0x1234_5677) | 1);
        expect_success(site.host("sh").args(["-c", &random.edits(20)]));
        session(&site, &random.edits(10));
        more(&site, &random.edits(5));
        let shown = site.clearing(["exec", "s", "--", "sh", "-c", TELL]).output();
        shown.expect_code(0);
        let (output, report) = commit(&site);
        output.expect_code(0);
        let is_listed = |key: &str| report[key].as_array().is_some_and(|all| !all.is_empty());
        assert!(!is_listed("withheld") && !is_listed("conflicts"), "seed {seed}, case {case}: {report:#}");
        let now = expect_success(site.host("sh").args(["-c", TELL]));
        assert_eq!(now, shown.stdout, "seed {seed}, case {case}: {report:#}");
    }
}
