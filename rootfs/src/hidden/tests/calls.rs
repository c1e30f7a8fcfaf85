//! How many system calls a search again takes, on a machine of any speed.

use std::process::Command;

use super::*;

/// Where the test program is to search again so many times, and do nothing else.
const TIMES: &str = "CLEARING_TEST_SEARCHES";
const PROJECT: &str = "CLEARING_TEST_PROJECT";

#[test]
fn a_search_again_takes_one_call_a_directory_and_no_more_but_to_open_the_project() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: there is no strace");
        return;
    }
    for (directories, hidden) in [(5, 0), (5, 2), (400, 0), (400, 40)] {
        let scene = Scene::new(&[]);
        (1..directories).for_each(|number| scene.write(&format!("d{number}/file"), ""));
        (1..=hidden).for_each(|number| scene.write(&format!("d{number}/.env"), ""));
        // To the nearest: the runner itself makes a few more or less each time.
        let each = (count(&scene, 30) - count(&scene, 10) + 10) / 20;
        println!("{directories} directories, {hidden} hidden files: {each} calls");
        // The top is opened, looked at and closed, which a build for debugging makes two calls of.
        assert_eq!(each, 2 + directories + hidden + usize::from(cfg!(debug_assertions)));
    }
}

fn count(scene: &Scene, times: usize) -> usize {
    let trace = scene.top.path().join("trace");
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-e", "signal=none", "-o"]).arg(&trace).arg(std::env::current_exe().unwrap());
    traced.args(["--exact", "--ignored", "hidden::tests::calls::repeat"]);
    traced.env(PROJECT, scene.project()).env(TIMES, times.to_string());
    let output = traced.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    fs::read_to_string(trace).unwrap().lines().count()
}

#[test]
#[ignore = "what is counted"]
fn repeat() {
    // Not asked by the one who counts.
    let (Some(project), Ok(times)) = (std::env::var_os(PROJECT), std::env::var(TIMES)) else { return };
    let project = PathBuf::from(project);
    let mut hidden = Hidden::search(&project, rules(), None).unwrap();
    hidden.held = hidden.held.settled();
    for _ in 0..times.parse().unwrap() {
        hidden = hidden.search_again(&project, None).unwrap();
    }
}
