//! P-M1, P-M9: a directory of the project becomes a link that leads out, at any moment of a commit.
#![cfg(target_arch = "x86_64")]

use std::fs;
use std::os::unix::fs::symlink;

use clearing_tests::{Site, Tree, expect_success, for_each_caller, run_and_meddle};

const EDIT: &str = "echo new > d/changed; echo made > d/made; rm d/gone; rm -r d/sub; mkdir d/dir; echo x > d/dir/x; \
                    chmod 700 d/mode; echo y > d/mode/y";

/// Makes project and session anew; what lies outside is as it was.
fn renew(site: &Site, number: usize) -> String {
    let script = "cd .. && rm -rf project/* outside && mkdir -p project/d/mode project/d/sub outside/mode outside/sub && \
                  for top in project/d outside; do echo old > $top/changed; echo old > $top/gone; \
                  echo old > $top/sub/in; chmod 500 $top/mode; done";
    expect_success(site.host("sh").args(["-ec", &format!("chmod -R u+rwx ..; {script}")]));
    let name = format!("swap{number}");
    site.clearing(["create", "--name", &name]).output().expect_code(0);
    site.clearing(["exec", &name, "--", "sh", "-ec", EDIT]).output().expect_code(0);
    name
}

#[test]
fn a_directory_that_is_swapped_for_a_link_while_a_commit_works_leads_nowhere() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let (d, aside, outside) =
            (site.project().join("d"), site.home().join("aside"), site.home().join("outside"));
        let all = std::env::var_os("CLEARING_CRASH_POINTS").is_some_and(|points| points == "all");
        let (mut points, mut refused, mut landed) = (0, 0, 0);
        for point in (0..).step_by(if all { 1 } else { 4 }) {
            let name = renew(&site, point);
            let before = Tree::of(&outside);
            let mut swapped = false;
            let trace = run_and_meddle(&site, &["commit", &name, "--yes"], point, || {
                fs::rename(&d, &aside).expect("moved away");
                symlink(&outside, &d).expect("a link");
                swapped = true;
            });
            let code = trace.code.expect("nobody kills it");
            if !swapped {
                assert_eq!(code, 0, "undisturbed it lands");
                break;
            }
            let told = format!("at {point}, before {:?}: exit {code}", trace.changes.get(point));
            Tree::of(&outside).expect_same_as(&before);
            // What was moved away is the old directory or the new one, never a mixture.
            let content = fs::read_to_string(aside.join("changed")).expect("it is there");
            let signs = [content == "new\n", !aside.join("gone").exists(), aside.join("dir/x").exists()];
            assert_eq!(signs, [code == 0; 3], "{told}");
            *(if code == 0 { &mut landed } else { &mut refused }) += 1;
            points += 1;
            fs::remove_file(&d).expect("a link");
            fs::rename(&aside, &d).expect("moved back");
            site.clearing(["ls"]).output().expect_code(0);
            let left = expect_success(site.host("find").args([".", "-name", ".clearing-*"]));
            assert_eq!(left, "", "{told}");
        }
        println!("swapped at {points} points as {caller:?}: {refused} refused, {landed} landed");
        assert!(points > 5 && refused > 0);
    });
}
