//! P-M8: deep trees, odd names, mode 000, sparse files.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use clearing_tests::{Site, expect_success, for_each_caller};

use crate::hands::{commit, exists, session};

#[test]
fn odd_trees_land_without_loss() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("closed/old", "x");
        expect_success(site.host("chmod").args(["555", "closed"]));
        let script = r#"
            d=$(printf 'd%.0s' $(seq 200)); p=deep; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do p=$p/$d; done
            mkdir -p "$p"; echo bottom > "$p/f"
            echo x > "$(printf 'new\nline')"; echo x > "$(printf '\377')"; echo x > "$(printf 'n%.0s' $(seq 255))"
            truncate -s 1G sparse; echo end >> sparse
            chmod 755 closed; echo new > closed/new; chmod 555 closed
            mkdir shut; chmod 000 shut; echo secret > mode0; chmod 000 mode0"#;
        session(&site, script);
        let (output, report) = commit(&site);
        output.expect_code(0);
        assert_eq!(report["conflicts"].as_array().map(Vec::len), Some(0), "{report:#}");
        let sparse = fs::metadata(site.project().join("sparse")).expect("it landed");
        assert_eq!(sparse.size(), (1 << 30) + 4);
        assert!(sparse.blocks() < 1000, "the holes were filled");
        assert!(exists(&site, "closed/new") && exists(&site, "new\nline") && exists(&site, &"n".repeat(255)));
        let deep = format!("deep/{}/f", vec!["d".repeat(200); 17].join("/"));
        assert!(exists(&site, &deep));
        let mode = fs::metadata(site.project().join("closed")).expect("there").mode();
        assert_eq!(mode & 0o7777, 0o555);
        // What is closed even to its owner lands, or is named.
        for path in ["shut", "mode0"] {
            let named =
                report["withheld"].as_array().is_some_and(|all| all.iter().any(|it| it["path"] == path));
            assert!(exists(&site, path) || named, "{path} was lost in silence: {report:#}");
        }
        expect_success(site.host("chmod").args(["-R", "u+rwx", "."]));
    });
}

/// Goes down by names that are too long together for any one call.
const DEEPER: &str = "d=$(printf 'd%.0s' $(seq 250)); for i in $(seq 18); do mkdir $d; cd -P $d; done";

#[test]
fn a_path_that_no_call_takes_at_once_lands_or_is_named() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        session(&site, &format!("echo fine > fine; ({DEEPER}; echo bottom > bottom)"));
        let dry = site.clearing(["commit", "s", "--dry-run"]).output();
        dry.expect_code(0);
        let (output, report) = commit(&site);
        output.expect_code(0);
        assert!(exists(&site, "fine"));
        let find = expect_success(site.host("find").args([".", "-name", "bottom"]));
        let withheld = report["withheld"].as_array().is_some_and(|all| !all.is_empty());
        assert!(!find.is_empty() || withheld, "what is deeper was lost in silence: {report:#}");
        // It goes as it came.
        site.clearing(["exec", "s"]).command(["sh", "-c", "rm -rf dd*"]).output().expect_code(0);
        commit(&site).0.expect_code(0);
        assert_eq!(expect_success(site.host("find").args([".", "-name", "dd*"])), "");
        site.clearing(["rm", "--yes", "s"]).output().expect_code(0);
    });
}

#[test]
fn hard_links_across_the_tree_land_as_files_of_their_own_and_that_is_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for path in ["a/one", "other"] {
            site.write(path, path);
        }
        fs::hard_link(site.project().join("a/one"), site.project().join("two")).expect("a hard link");
        session(&site, "mkdir b; echo x > b/x; ln b/x a/x; ln b/x x; echo new > a/one; ln other b/other");
        let (output, report) = commit(&site);
        output.expect_code(0);
        let inode = |path: &str| fs::metadata(site.project().join(path)).expect("it landed").ino();
        let inodes = ["b/x", "a/x", "x", "b/other", "other"].map(inode);
        assert_eq!(std::collections::BTreeSet::from(inodes).len(), 5, "{report:#}");
        let told = report["told"].as_array().expect("a list");
        assert!(told.iter().any(|it| it["path"] == "a/x"), "{report:#}");
        let read = |path: &str| fs::read_to_string(site.project().join(path)).expect("a text");
        assert_eq!([read("a/one"), read("two"), read("b/other")], ["new\n", "a/one", "other"]);
    });
}
