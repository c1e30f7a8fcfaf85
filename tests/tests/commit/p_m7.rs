//! P-M7: agent, IDE and shell settings can't be made or changed, also when they don't exist yet.

use std::fs;

use clearing_tests::{Site, for_each_caller};

use crate::hands::{exists, expect_withheld};

const SETTINGS: [&str; 9] = [
    ".claude/settings.json",
    ".codex/config.toml",
    ".cursor/mcp.json",
    "deep/.vscode/tasks.json",
    ".devcontainer/devcontainer.json",
    ".mcp.json",
    ".bashrc",
    "deep/.GITMODULES",
    ".ssh/authorized_keys",
];

#[test]
fn settings_do_not_land_unless_the_caller_says_so() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write(".envrc", "mine");
        site.write(".idea/mine.xml", "mine");
        let make = SETTINGS.map(|path| format!("mkdir -p $(dirname {path}); echo evil > {path}")).join("\n");
        let script = format!("{make}\necho evil > .envrc; rm -r .idea; ln -s fine .zshrc");
        let mut paths = SETTINGS.to_vec();
        paths.extend([".envrc", ".idea/mine.xml", ".zshrc"]);
        expect_withheld(&site, &script, "CLR-COMMIT-PROTECTED", &paths);
        assert!(SETTINGS.iter().all(|path| !exists(&site, path)) && !exists(&site, ".zshrc"));
        for path in [".envrc", ".idea/mine.xml"] {
            assert_eq!(fs::read_to_string(site.project().join(path)).expect("there"), "mine");
        }
        site.clearing(["commit", "s", "--yes", "--allow", ".envrc"]).output().expect_code(0);
        assert_eq!(fs::read_to_string(site.project().join(".envrc")).expect("there"), "evil\n");
        assert!(!exists(&site, ".bashrc"));
    });
}
