//! P-M6: no planted repository.

use clearing_tests::{Site, for_each_caller};

use crate::hands::{exists, expect_withheld};

#[test]
fn no_repository_is_planted_in_any_spelling() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("sub/file", "x");
        let script = r#"for git in .git sub/.git sub/.GIT 'sub/git~1' "sub/$(printf '.g\342\200\214it')" 'sub/.git ' 'sub/.git::$INDEX_ALLOCATION'; do
                mkdir "$git"; echo evil > "$git/config"; done
            mkdir link worktree; ln -s ../sub link/.git; echo 'gitdir: ../sub' > worktree/.git
            mkdir -p bare/objects bare/refs; echo 'ref: refs/heads/x' > bare/HEAD; echo evil > bare/config"#;
        let planted = [
            ".git/config",
            "sub/.git/config",
            "sub/.GIT/config",
            "sub/git~1/config",
            "sub/.git /config",
            "sub/.g\u{200c}it/config",
            "sub/.git::$INDEX_ALLOCATION/config",
            "link/.git",
            "worktree/.git",
            "bare/config",
            "bare/HEAD",
        ];
        expect_withheld(&site, script, "CLR-COMMIT-GIT", &planted);
        for path in planted {
            assert!(!exists(&site, path), "{path}");
        }
    });
}
