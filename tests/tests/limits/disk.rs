//! All that is written is limited in total, wherever it is kept, and stays readable.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};

use crate::means::{expect_cause, expect_limit};

const LIMIT: u64 = 100 << 20;

#[test]
fn one_large_file_ends_at_the_limit_and_is_still_told() {
    for_each_layer("dd if=/dev/zero of=large bs=1M count=2000", |added| assert_eq!(added, 1));
}

#[test]
fn many_small_files_end_at_the_limit_and_are_still_told() {
    for_each_layer("exec ./probe files 1000000", |added| {
        assert!((1000..1_000_000).contains(&added), "{added}")
    });
}

#[test]
fn what_is_written_anywhere_counts_together() {
    let script = "head -c 40M /dev/zero > /tmp/one && head -c 40M /dev/zero > /dev/shm/two &&
        head -c 40M /dev/zero > $HOME/three && head -c 40M /dev/zero > four && sleep 60";
    for_each_layer(script, |_| {});
}

#[test]
fn an_open_file_without_a_name_counts() {
    for_each_layer("exec 5>large; rm large; dd if=/dev/zero bs=1M count=2000 >&5; sleep 60", |added| {
        assert_eq!(added, 0)
    });
}

#[test]
fn a_command_that_fits_is_not_touched() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["sh", "-c", "head -c 60M /dev/zero > x; rm x; head -c 60M /dev/zero > x"]);
        output.args(["--disk", "100M"]).output().expect_code(0);
    });
}

#[test]
fn files_are_limited_by_number() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        for layer in ["memory", "disk"] {
            let output = site
                .run(["./probe", "files", "100000"])
                .args(["--inodes", "1000", "--layer", layer])
                .output();
            expect_cause(&output, "disk", "inodes");
            output.expect_stderr("hint: `--inodes 2000`");
        }
    });
}

#[test]
fn one_file_is_limited_in_length() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let command = ["dd", "if=/dev/zero", "of=large", "bs=1M", "count=2"];
        let output = site.run(command).args(["--file-size", "1M"]).output();
        expect_cause(&output, "disk", "fileSize");
        expect_limit(&output, "fileSize", 1 << 20, "rlimit");
    });
}

#[test]
fn a_shell_s_word_for_a_file_at_its_limit_is_understood() {
    for_each_caller(|caller| {
        for layer in ["memory", "disk"] {
            let site = Site::new(caller);
            let command = ["sh", "-c", "dd if=/dev/zero of=large bs=1M count=2; exit $?"];
            let output = site.run(command).args(["--file-size", "1M", "--layer", layer]).output();
            expect_cause(&output, "disk", "fileSize");
            assert_eq!(output.outcome()["exitCode"], 153, "{output}");
            output.expect_stderr("a file reached the limit of 1M\nhint: `--file-size 2M`");
        }
    });
}

#[test]
fn who_ignores_the_signal_hears_which_limit_was_in_the_way() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let command = ["python3", "-c", "open('large', 'wb').write(bytes(2 << 20))"];
        let output = site.run(command).args(["--file-size", "1M"]).output();
        assert_eq!(output.outcome()["cause"], "exit", "{output}");
        output.expect_stderr("note: file size came near the limit: 1M of 1M; `--file-size 2M` gives it more");
    });
}

#[test]
fn one_file_is_a_limit_that_can_be_kept_and_passed() {
    for_each_caller(|caller| {
        for layer in ["memory", "disk"] {
            let site = Site::new(caller);
            let run =
                |script| site.run(["sh", "-c", script]).args(["--inodes", "1", "--layer", layer]).output();
            run("echo a > one; sleep 0.3").expect_code(0);
            let output = run("for i in $(seq 400); do echo a > $i; done; sleep 60");
            expect_cause(&output, "disk", "inodes");
            output.expect_stderr("files reached the limit of 1\nhint: `--inodes 100`");
        }
    });
}

/// Demands that a script ends at the limit with its layer in memory and on disk.
#[track_caller]
fn for_each_layer(script: &str, expect_added: impl Fn(u64)) {
    for_each_caller(|caller| {
        for (layer, means) in [("memory", "filesystem"), ("disk", "watchdog")] {
            let site = Site::new(caller);
            site.install_probe();
            let before = site.project_tree();
            let output = site.run(["sh", "-c", script]).args(["--disk", "100M", "--layer", layer]).output();
            expect_cause(&output, "disk", "disk");
            expect_limit(&output, "disk", LIMIT, means);
            output.expect_stderr("hint: `--disk 200M`");
            expect_added(output.outcome()["changes"]["added"].as_u64().unwrap());
            site.project_tree().expect_same_as(&before);
            assert_nothing_left(&site);
        }
    });
}
