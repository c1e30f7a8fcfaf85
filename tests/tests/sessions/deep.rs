//! A long history: layers are merged, and what is seen stays the same.

use clearing_tests::{Site, for_each_caller};

use crate::session::Session;

#[test]
fn many_snapshots_are_as_quick_to_go_back_to_as_few_and_merging_changes_nothing_that_is_seen() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let rules = "extends = \"default\"\n[rollback]\nmax_snapshots = 5\n";
        let profile = site.write_home("rules.toml", rules);
        site.write("d/kept", "k");
        let session = Session::create(&site, &["--profile", profile.to_str().unwrap()]);
        for round in 0..40 {
            session.sh(&format!(
                "echo {round} > last; echo {round} > file-$(({round} % 6)); rm -rf d$((({round} - 1) % 3)); \
                 mkdir d$(({round} % 3)); echo {round} > d$(({round} % 3))/in; echo {round} >> ~/log"
            ));
            session.done("snapshot", &[&format!("s{round}")]);
        }
        let told: serde_json::Value = serde_json::from_str(&session.done("inspect", &["--json"])).unwrap();
        assert!(told["layers"].as_u64().unwrap() <= 34, "{told}");
        let seen = session.sh("cat last file-* ; ls; cat d0/in; wc -l < ~/log");
        assert_eq!(
            seen,
            "39\n36\n37\n38\n39\n34\n35\nd\nd0\nfile-0\nfile-1\nfile-2\nfile-3\nfile-4\nfile-5\nlast\n39\n40\n"
        );
        session.done("rollback", &["s36"]);
        assert_eq!(session.sh("cat last; ls -d d?; wc -l < ~/log"), "36\nd0\n37\n");
        session.done("rm", &["--yes"]);
    });
}
