//! The caller's settings that tools read from the home directory: `git commit` needs a name, cargo its sources.

use std::path::{Path, PathBuf};

use rustix::fs::CWD;

use crate::base::BaseEntry;
use crate::credentials::without_credentials;
use crate::files::{Environment, read_regular};
use crate::home_place::{Home, HomePlace, fixed, moved};

const SETTINGS: &[HomePlace] = &[
    moved("CARGO_HOME", "config.toml", ".cargo/config.toml"),
    moved("XDG_CONFIG_HOME", "git/attributes", ".config/git/attributes"),
    moved("XDG_CONFIG_HOME", "git/config", ".config/git/config"),
    moved("XDG_CONFIG_HOME", "git/ignore", ".config/git/ignore"),
    moved("XDG_CONFIG_HOME", "go/env", ".config/go/env"),
    moved("XDG_CONFIG_HOME", "pip/pip.conf", ".config/pip/pip.conf"),
    moved("XDG_CONFIG_HOME", "uv/uv.toml", ".config/uv/uv.toml"),
    fixed(".gitconfig"),
    fixed(".npmrc"),
    fixed(".tool-versions"),
];

/// Settings are short; one that is not is no setting.
const LIMIT: usize = 64 * 1024;

/// Copies of the settings that exist, at their own paths, each without the lines that hold credentials.
///
/// Aliases, hooks and programs that they name run inside, where they can do what any command can.
pub fn settings(home: &Path, environment: Environment<'_>) -> Vec<BaseEntry> {
    let mut home = Home::new(home);
    SETTINGS.iter().filter_map(|setting| home.locate(setting, environment)).filter_map(copy).collect()
}

fn copy(path: PathBuf) -> Option<BaseEntry> {
    let content = without_credentials(&read_regular(CWD, &path, LIMIT).ok()?)?;
    Some(BaseEntry::File { path, content, mode: 0o644 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_for_git_comes_along_and_a_token_does_not() {
        let home = tempfile::tempdir().unwrap();
        let text = "[user]\n\tname = Ann\n[http]\n\textraheader = Authorization: Basic eDp5\n";
        std::fs::write(home.path().join(".gitconfig"), text).unwrap();
        std::fs::write(home.path().join(".git-credentials"), "https://ann:pw@example.org\n").unwrap();
        let expected = BaseEntry::File {
            path: home.path().join(".gitconfig"),
            content: b"[user]\n\tname = Ann\n[http]\n".to_vec(),
            mode: 0o644,
        };
        assert_eq!(settings(home.path(), &|_| None), [expected]);
    }

    #[test]
    fn a_fifo_in_place_of_a_setting_does_not_hang() {
        let home = tempfile::tempdir().unwrap();
        rustix::fs::mkfifoat(CWD, home.path().join(".npmrc"), rustix::fs::Mode::RUSR).unwrap();
        assert_eq!(settings(home.path(), &|_| None), []);
    }
}
