//! P-E4: exit status and signals are told truly; huge argv and environment, runs at once: no crash, no
//! hang.

use std::os::unix::process::ExitStatusExt as _;

use clearing_tests::{Site, for_each_caller};

use crate::attack::armed;

#[test]
fn exit_codes_are_told_as_they_are() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let told = [0, 1, 2, 3, 42, 63, 64, 65, 77, 99, 100, 101, 200, 254, 255];
        for code in told.into_iter().chain(120..=160) {
            site.run(["sh", "-c", &format!("exit {code}")]).output().expect_code(code);
        }
    });
}

#[test]
fn every_deadly_signal_is_told_as_128_more() {
    // All but those that stop, continue, or do nothing by default.
    let deadly = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 29, 30, 31];
    for_each_caller(|caller| {
        let site = armed(caller);
        for signal in deadly {
            let line = ["die", &signal.to_string()];
            let output = site.run([&["./probe"], &line[..]].concat()).output();
            output.expect_code(128 + signal);
            let bare = site.host("./probe").args(line).status().expect("the probe runs");
            assert_eq!(bare.signal(), Some(signal), "control");
        }
    });
}

#[test]
fn a_deadly_real_time_signal_is_told_as_128_more() {
    for_each_caller(|caller| {
        let site = armed(caller);
        for signal in [34, 35, 63, 64] {
            site.run(["./probe", "die", &signal.to_string()]).output().expect_code(128 + signal);
        }
    });
}

#[test]
fn a_true_fault_is_told() {
    // A command that is PID 1 survives its own fault: the command must not be.
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.run(["sh", "-c", "kill -SEGV $$; exit 0"]).output().expect_code(139);
    });
}

#[test]
fn the_command_is_not_the_first_process() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["sh", "-c", "echo $$"]).output();
        assert_ne!(output.stdout.trim(), "1", "{output}");
    });
}

#[test]
fn a_command_that_is_not_there_is_127() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.run(["no-such-command"]).output().expect_code(127);
        site.run(["./no-such-command"]).output().expect_code(127);
    });
}

#[test]
fn a_command_that_cannot_be_executed_is_126() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("plain", "no program");
        site.run(["./plain"]).output().expect_code(126);
        site.run(["/usr"]).output().expect_code(126);
    });
}

#[test]
fn a_deadline_is_124() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["sleep", "20"]).args(["--timeout", "100ms"]).output();
        output.expect_code(124);
        assert_eq!(output.outcome()["cause"], "timeout", "{output}");
    });
}

#[test]
fn a_command_that_exits_with_clearing_s_own_codes_is_told_apart() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for code in [124, 125, 126, 127, 137] {
            let output = site.run(["sh", "-c", &format!("exit {code}")]).output();
            assert_eq!(output.outcome()["cause"], "exit", "{output}");
            assert_eq!(output.outcome()["exitCode"], code, "{output}");
        }
    });
}

#[test]
fn two_megabytes_of_arguments_arrive() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let word = "x".repeat(100_000);
        let words = vec![word.as_str(); 20];
        let line = [&["sh", "-c", "printf %s \"$@\" | wc -c", "sh"], &words[..]].concat();
        // The stack must hold them twice: once for the supervisor, once for the command.
        let roomy = ["sh", "-c", r#"ulimit -s 65536; exec "$@""#, "sh"];
        site.run(line).through(roomy).output().expect_stdout("2000000");
    });
}

#[test]
fn more_arguments_than_the_kernel_takes_are_an_error_and_no_crash() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = format!("/bin/true {}", r#""$0" "#.repeat(30));
        let word = "x".repeat(100_000);
        let output = site.run(["sh", "-c", &script, &word]).output();
        assert_eq!(output.code, Some(126), "{output}");
    });
}

#[test]
fn a_huge_environment_arrives() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let value = "x".repeat(100_000);
        let run = site.run(["sh", "-c", "env | wc -c"]);
        let given = (0..10).flat_map(|n| ["-e".to_owned(), format!("BIG{n}={value}")]);
        let output = run.args(given).output();
        let size: usize = output.stdout.trim().parse().expect("a number");
        assert!(size > 1_000_000, "{size}");
    });
}

#[test]
fn twenty_runs_at_once_tell_their_own_codes() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let scripts: Vec<_> = (0..20).map(|n| format!("echo run {n} > same; cat same; exit {n}")).collect();
        let running: Vec<_> = scripts.iter().map(|script| site.run(["sh", "-c", script]).spawn()).collect();
        for (n, run) in (0..).zip(running) {
            let output = run.wait();
            output.expect_code(n).expect_stdout(&format!("run {n}\n"));
        }
    });
}

#[test]
fn much_output_arrives_whole() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["sh", "-c", "head -c 5000000 /dev/zero | tr '\\0' x"]).output();
        output.expect_code(0);
        assert_eq!(output.stdout.len(), 5_000_000);
    });
}

#[test]
fn a_closed_output_ends_the_command_by_its_signal() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let head = ["sh", "-c", r#""$@" | head -n 1"#, "sh"];
        let output = site.run(["yes"]).through(head).output();
        output.expect_code(0);
        assert_eq!(output.stdout, "y\n", "{output}");
    });
}

#[test]
fn closed_standard_streams_are_no_crash() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
            let wrapper = format!(r#"exec "$@" {closed}"#);
            let output = site.run(["sh", "-c", "exit 5"]).through(["sh", "-c", &wrapper, "sh"]).output();
            assert!(matches!(output.code, Some(5 | 125)), "{closed}: {output}");
        }
    });
}
