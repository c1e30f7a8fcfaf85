//! What a run used agrees with what others measure.

use clearing_tests::{Site, for_each_caller};
use nix::sys::signal::Signal;
use serde_json::Value;

#[test]
fn a_job_of_200_mebibytes_and_a_second_used_that() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        for options in [&[][..], &["--memory", "1G"]] {
            let output = site.run(["./probe", "job", "200", "1000"]).args(options).output();
            output.expect_code(0);
            let usage = &output.outcome()["usage"];
            near(usage["userUs"].as_f64().unwrap() + usage["systemUs"].as_f64().unwrap(), 1e6, usage);
            near(usage["peakProcessMemory"].as_f64().unwrap(), f64::from(200 << 20), usage);
            near(usage["peakMemory"].as_f64().unwrap(), f64::from(200 << 20), usage);
        }
    });
}

#[test]
fn usage_agrees_with_time() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        if site.host("/usr/bin/time").args(["-v", "true"]).output().is_err() {
            return clearing_tests::absent("no `/usr/bin/time` here");
        }
        let output = site.run(["/usr/bin/time", "-v", "./probe", "job", "200", "1000"]).output();
        let measured = |name: &str| {
            let line =
                output.stderr.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_else(|| panic!("{name}\n{output}")).parse::<f64>().unwrap()
        };
        let usage = &output.outcome()["usage"];
        let time = measured("User time (seconds)") + measured("System time (seconds)");
        near(usage["userUs"].as_f64().unwrap() + usage["systemUs"].as_f64().unwrap(), time * 1e6, usage);
        let memory = measured("Maximum resident set size (kbytes)") * 1024.0;
        near(usage["peakProcessMemory"].as_f64().unwrap(), memory, usage);
        near(usage["peakMemory"].as_f64().unwrap(), memory, usage);
    });
}

#[test]
fn averages_and_peaks_are_told_of_a_longer_run() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        let output = site.run(["sh", "-c", "./probe job 50 800; sleep 0.8"]).output();
        let usage = &output.outcome()["usage"];
        let number = |name: &str| usage[name].as_f64().unwrap_or_else(|| panic!("{name}: {usage}"));
        assert!(number("averageMemory") < number("peakMemory"), "{usage}");
        assert!(number("peakProcesses") >= 2.0 && number("averageProcesses") >= 1.0, "{usage}");
        assert!(number("averageCpus") < number("peakCpus"), "{usage}");
    });
}

#[test]
fn samples_come_on_the_descriptor_that_was_named_and_the_command_has_none() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let told = site.write("samples", "");
        let open = ["sh", "-c", r#"exec 7>>samples; exec "$@""#, "sh"];
        let script = "trap 'echo >&7; exit' TERM; while :; do sleep 0.05; done";
        let run = site.run(["sh", "-c", script]).args(["--stats", "200ms", "--stats-fd", "7"]);
        let running = run.through(open).spawn();
        let read = || std::fs::read_to_string(&told).unwrap();
        running.expect("no three samples were told", || read().lines().count() >= 3);
        running.signal(Signal::SIGTERM);
        let output = running.wait();
        assert!(output.stderr.contains("7: Bad file descriptor"), "{output}");
        let samples: Vec<Value> = read().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let most = output.outcome()["wallMs"].as_u64().unwrap() / 200 + 3;
        assert!(samples.len() as u64 <= most, "no more than {most}: {samples:?}");
        let fields = ["atMs", "memory", "cpuUs", "processes", "disk", "inodes"];
        assert!(
            samples.iter().all(|sample| fields.iter().all(|field| sample[field].is_u64())),
            "{samples:?}"
        );
    });
}

#[test]
fn a_descriptor_that_is_not_open_is_refused() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["true"]).args(["--stats", "200ms", "--stats-fd", "77"]).output();
        output.expect_code(125).expect_stderr("the descriptor for samples");
    });
}

#[test]
fn a_descriptor_of_our_own_is_none_of_the_caller_s() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let closed = ["sh", "-c", r#"exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; exec "$@""#, "sh"];
        for number in 3..10 {
            let options = ["--stats", "50ms", "--stats-fd", &number.to_string()].map(str::to_owned);
            let output = site.run(["sleep", "0.2"]).args(options).through(closed).output();
            output.expect_code(125).expect_stderr("the descriptor for samples");
        }
    });
}

#[test]
fn a_descriptor_that_takes_no_samples_is_refused() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for place in ["/", "/dev/null"] {
            let open = format!(r#"exec 7<{place}; exec "$@""#);
            let run = site.run(["true"]).args(["--stats", "200ms", "--stats-fd", "7"]);
            let output = run.through(["sh", "-c", &open, "sh"]).output();
            output.expect_code(125).expect_stderr("descriptor 7 cannot be written to");
        }
    });
}

#[test]
fn processor_time_of_a_process_that_outlives_the_command_is_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        let output = site.run(["./probe", "outlived", "500"]).output();
        let usage = &output.expect_code(0).outcome()["usage"];
        let used = usage["userUs"].as_u64().unwrap() + usage["systemUs"].as_u64().unwrap();
        // Without a control group it is counted in ticks of 10 ms.
        assert!((480_000..700_000).contains(&used), "{used} of half a second\n{output}");
    });
}

/// Within 5 percent.
#[track_caller]
fn near(told: f64, measured: f64, usage: &Value) {
    let deviation = (told - measured).abs() / measured;
    assert!(deviation < 0.05, "{told} told, {measured} measured: {:.1} %\n{usage}", deviation * 100.0);
}
