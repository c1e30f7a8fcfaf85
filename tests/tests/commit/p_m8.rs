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
