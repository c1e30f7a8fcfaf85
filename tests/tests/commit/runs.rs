//! `run --commit`.

use std::fs;

use clearing_tests::{Site, for_each_caller};

#[test]
fn a_run_lands_when_it_is_told_to_and_keeps_nothing() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let run = |when: &str, script: &str| site.run(["sh", "-c", script]).args(["--commit", when]).output();
        run("never", "echo never > file").expect_code(0);
        run("on-success", "echo failed > file; exit 3").expect_code(3);
        assert!(!site.project().join("file").exists());
        run("on-success", "echo good > file").expect_code(0);
        assert_eq!(fs::read_to_string(site.project().join("file")).expect("it landed"), "good\n");
        run("always", "echo always > file; exit 4").expect_code(4);
        assert_eq!(fs::read_to_string(site.project().join("file")).expect("it landed"), "always\n");
        assert_eq!(site.clearing(["ls", "--json"]).output().stdout.trim(), "");
        let asked = run("ask", "echo asked > file");
        asked.expect_code(125);
        assert!(asked.stderr.contains("kept as session"), "{asked}");
        assert_eq!(fs::read_to_string(site.project().join("file")).expect("there"), "always\n");
    });
}
