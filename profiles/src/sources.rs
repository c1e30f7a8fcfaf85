//! What was read to find a profile, to be compared with what is there later.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::ProfileError;
use crate::load::Source;

/// The files in which a profile and all that it extends were looked for. As long as each of them says what it said,
/// or is still missing, the same name or path finds the same profile.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Looked>);

/// One look.
#[derive(Debug, Clone)]
struct Looked {
    at: PathBuf,
    /// The file's true name, and its text; nothing where there was none.
    found: Option<(PathBuf, String)>,
}

impl Sources {
    /// Whether all is as it was. What cannot be read is not.
    pub fn are_still(&self) -> bool {
        self.0.iter().all(|Looked { at, found }| match (at.metadata(), found) {
            // What is no file may have somebody wait.
            (Ok(stat), Some((path, text))) if stat.is_file() => {
                Source::file(at).is_ok_and(|now| now.path == *path && now.text == *text)
            }
            (Err(error), None) => error.kind() == ErrorKind::NotFound,
            _ => false,
        })
    }

    /// Reads a file, and takes note of what is there.
    pub(crate) fn read(&mut self, path: &Path) -> Result<Source, ProfileError> {
        let read = Source::file(path);
        let found = read.as_ref().ok().map(|source| (source.path.clone(), source.text.clone()));
        self.0.push(Looked { at: path.to_owned(), found });
        read
    }
}
