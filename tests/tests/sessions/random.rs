//! Random edits, gone back from and forked: what is seen is what was seen before, and nobody sees the other's.

use clearing_tests::{Caller, Random, Site, TELL, expect_success};

use crate::session::Session;

/// Each of two sessions, forks and a rollback.
const CASES: u64 = 50;
/// So many one after the other in a session of its own.
const IN_A_ROW: u64 = 10;

/// Edits project and home, and tells what both look like then.
fn edited(session: &Session<'_>, random: &mut Random, note: &str) -> String {
    session.sh(&format!("{}\necho {note} >> ~/note\n{TELL}\ncat ~/note", random.edits(6)))
}

fn seen(session: &Session<'_>) -> String {
    session.sh(&format!("{TELL}\ncat ~/note"))
}

#[test]
fn a_rollback_gives_the_earlier_view_and_a_fork_sees_nothing_that_comes_later() {
    let seed = Random::seed();
    println!("{CASES} random rollbacks and forks, seed {seed}");
    for row in 0..CASES / IN_A_ROW {
        let site = Site::new(*Caller::all().get(row as usize % Caller::all().len()).expect("a caller"));
        expect_success(site.host("sh").args(["-c", &Random::of_case(seed, row).edits(20)]));
        let project = expect_success(site.host("sh").args(["-c", TELL]));
        let session = Session::create(&site, &[]);
        for case in row * IN_A_ROW..(row + 1) * IN_A_ROW {
            let mut random = Random::of_case(seed, CASES + case);
            let (label, told) = (format!("s{case}"), format!("seed {seed}, case {case}"));
            let earlier = edited(&session, &mut random, "earlier");
            session.done("snapshot", &[&label]);
            let later = edited(&session, &mut random, "later");
            let fork = session.fork(&[]);
            let in_fork = edited(&fork, &mut random, "in the fork");
            assert_eq!(seen(&session), later, "{told}: what the fork wrote is its own");
            session.done("rollback", &[&label]);
            assert_eq!(seen(&session), earlier, "{told}: gone back");
            assert_eq!(seen(&fork), in_fork, "{told}: the fork stays where it is");
            fork.done("rollback", &[&label]);
            assert_eq!(seen(&fork), earlier, "{told}: the fork can go back as well");
            fork.done("rm", &["--yes"]);
        }
        session.done("rollback", &["initial"]);
        assert_eq!(session.sh(TELL), project, "seed {seed}: the project is as it was");
    }
}
