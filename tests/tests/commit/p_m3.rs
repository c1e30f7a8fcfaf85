//! P-M3: commit brings regular files, directories and inside links only.

use clearing_tests::{Site, for_each_caller};

use crate::hands::{exists, expect_withheld};

#[test]
fn neither_pipes_nor_sockets_nor_devices_land() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("kept", "x");
        let script = "mkfifo pipe; mkfifo 'new pipe'; rm kept; mkfifo kept
            mknod device c 1 3 2>/dev/null && exit 9; mknod whiteout c 0 0 2>/dev/null && exit 9; true";
        expect_withheld(&site, script, "CLR-COMMIT-SPECIAL", &["pipe", "new pipe", "kept"]);
        assert!(!exists(&site, "pipe") && !exists(&site, "device") && !exists(&site, "whiteout"));
        assert_eq!(std::fs::read_to_string(site.project().join("kept")).expect("there"), "x");
    });
}
