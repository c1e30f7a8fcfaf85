//! P-M4: commit brings no set-user-ID bit, file capability, overlay attribute or foreign owner.

use std::os::unix::fs::MetadataExt as _;

use clearing_tests::{Site, for_each_caller};

use crate::hands::{commit, session};

#[test]
fn special_bits_are_stripped_and_everything_belongs_to_the_projects_owner() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("d/old", "x");
        session(
            &site,
            "cp /bin/true suid; chmod 6755 suid; mkdir made; chmod 1777 made; echo x > made/x; ln -s x made/l",
        );
        let (output, report) = commit(&site);
        output.expect_code(0);
        assert_eq!(report["told"].as_array().expect("a list").len(), 2, "{report:#}");
        for (path, mode) in [("suid", 0o755), ("made", 0o777), ("made/x", 0o644), ("made/l", 0o777)] {
            let metadata = site.project().join(path).symlink_metadata().expect("it landed");
            assert_eq!(metadata.mode() & 0o7777, mode, "{path}");
            assert_eq!((metadata.uid(), metadata.gid()), (caller.uid(), caller.gid()), "{path}");
        }
    });
}
