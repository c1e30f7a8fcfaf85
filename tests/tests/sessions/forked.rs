//! Forks share what was written before, and nothing of what is written after.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};

use crate::session::Session;

#[test]
fn neither_side_of_a_fork_sees_what_the_other_one_writes() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("project", "p");
        let origin = Session::create(&site, &[]);
        origin.sh("echo shared > shared; echo h > ~/home");
        origin.done("snapshot", &["green"]);
        origin.sh("echo late > late");
        let early = origin.fork(&["--from", "green", "--name", "early"]);
        let present = origin.fork(&[]);
        early.sh("echo early > early; rm project");
        origin.sh("echo origin > origin; echo changed > shared");
        assert_eq!(early.sh("ls; cat shared ~/home"), "early\nshared\nshared\nh\n");
        assert_eq!(present.sh("ls; cat shared"), "late\nproject\nshared\nshared\n");
        assert_eq!(origin.sh("ls; cat shared"), "late\norigin\nproject\nshared\nchanged\n");

        origin.done("rm", &["--yes"]);
        assert_eq!(early.sh("cat shared early"), "shared\nearly\n");
        early.done("rollback", &["green"]);
        assert_eq!(early.sh("ls"), "project\nshared\n");
        early.done("rm", &["--yes"]);
        present.done("rm", &["--yes"]);
        assert_nothing_left(&site);
        let layers = site.state().join("layers");
        assert_eq!(std::fs::read_dir(layers).unwrap().count(), 0);
    });
}
