//! What `history` costs: each step is looked at for itself, however many lie below it. A directory that is in all of
//! them is looked for in each.

use clearing_tests::{Site, for_each_caller, run_and_count};

/// The system calls of `history` with so many snapshots.
fn calls(site: &Site, snapshots: usize, made: &mut usize) -> usize {
    while *made < snapshots {
        *made += 1;
        let script = format!("echo {made} > changed");
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
        let site = Site::new(caller);
        site.clearing(["create", "--name", "s"]).output().expect_code(0);
        let mut made = 0;
        let [few, more, many] = [8, 16, 32].map(|snapshots| calls(&site, snapshots, &mut made));
        let (first, second) = (more - few, many - more);
        println!("{few}, {more} and {many} calls");
        assert!(second * 10 <= first * 22, "{first} for eight snapshots, then {second} for sixteen");
    });
}
