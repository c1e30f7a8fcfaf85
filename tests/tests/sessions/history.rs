//! What `history` costs: each step is looked at for itself, however many lie below it, and whether its directories are
//! in all of them or not.

use clearing_tests::{Site, for_each_caller, run_and_count};

/// What each command does, with its number.
const CHANGES: [&str; 3] = [
    "echo {n} > changed",
    // All layers have the directories; the first file is in all of them, the second in one and the third was.
    "mkdir -p a/b/c d; echo {n} > a/b/c/changed; touch a/b/c/{n} d/{n}; rm -f a/b/c/$(({n} - 1)); echo x > a/b/{n}",
    // Most of the layers are hidden from those above.
    "rm -rf a; mkdir -p a/b; touch a/b/{n} a/kept",
];

/// The system calls of `history` with so many snapshots.
fn calls(site: &Site, change: &str, snapshots: usize, made: &mut usize) -> usize {
    while *made < snapshots {
        *made += 1;
        let script = change.replace("{n}", &made.to_string());
        site.clearing(["exec", "s"]).command(["sh", "-c", &script]).output().expect_code(0);
        site.clearing(["snapshot", "s", &format!("n{made}")]).output().expect_code(0);
    }
    let listed = site.clearing(["history", "s"]).output();
    listed.expect_code(0);
    assert_eq!(listed.stdout.lines().count(), 1 + 1 + snapshots + 1, "{listed}");
    let trace = run_and_count(site, &["history", "s"]);
    assert_eq!(trace.code, Some(0));
    trace.calls
}

#[test]
fn twice_as_many_snapshots_cost_twice_as_much_and_no_more() {
    for_each_caller(|caller| {
        for change in CHANGES {
            let site = Site::new(caller);
            site.write("a/b/c/of-the-project", "x");
            site.clearing(["create", "--name", "s"]).output().expect_code(0);
            let mut made = 0;
            let [few, more, many] = [10, 20, 40].map(|snapshots| calls(&site, change, snapshots, &mut made));
            let (first, second) = (more - few, many - more);
            println!("{few}, {more} and {many} calls: {change}");
            assert!(
                second * 10 <= first * 22,
                "{change}: {first} for ten snapshots, then {second} for twenty"
            );
        }
    });
}
