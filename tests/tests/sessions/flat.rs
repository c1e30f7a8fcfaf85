//! What is asked about a change costs as much as the change, however large the project is.

use std::fs;

use clearing_tests::{Caller, Site, for_each_caller, run_and_count};

/// Files in one directory.
const TOGETHER: usize = 10;

#[test]
fn diff_and_commit_of_ten_files_take_as_many_calls_in_a_large_project_as_in_a_small_one() {
    for_each_caller(|caller| {
        let [small, large] = [100, 5_000].map(|files| calls(caller, files));
        for (verb, (small, large)) in ["diff", "commit"].into_iter().zip(small.into_iter().zip(large)) {
            let most = small * 13 / 10;
            assert!(small > 0 && large < most, "{verb}: {small} calls among 100 files, {large} among 5,000");
        }
    });
}

/// The calls of a diff and of a commit of ten files, each in a directory of its own.
fn calls(caller: Caller, files: usize) -> [usize; 2] {
    let site = Site::new(caller);
    for file in 0..files {
        let directory = site.project().join((file / TOGETHER).to_string());
        if file % TOGETHER == 0 {
            fs::create_dir(&directory).unwrap();
        }
        fs::write(directory.join(file.to_string()), "text\n").unwrap();
    }
    site.own(&site.project());
    site.clearing(["create", "--name", "s"]).output().expect_code(0);
    let every = files / 10;
    let script = format!(
        "for n in 0 1 2 3 4 5 6 7 8 9; do f=$((n * {every})); echo $n >> $((f / {TOGETHER}))/$f; done"
    );
    site.clearing(["exec", "s"]).command(["sh", "-ec", &script]).output().expect_code(0);
    [&["diff", "s"][..], &["commit", "s", "--dry-run"]].map(|arguments| {
        let trace = run_and_count(&site, arguments);
        assert_eq!(trace.code, Some(0), "{arguments:?}");
        trace.calls
    })
}
