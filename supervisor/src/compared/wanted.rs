//! The paths that a diff is wanted of.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clearing_rootfs::normalize;

use crate::error::Error;
use crate::text::printable;

/// Files and directories, relative to the project; all where there are none.
pub(crate) struct Wanted(Vec<PathBuf>);

impl Wanted {
    /// As git: relative to the working directory, where that is in the project; else to the project.
    pub(crate) fn of(paths: &[OsString], project: &Path) -> Result<Self, Error> {
        let cwd = std::env::current_dir().ok().filter(|cwd| cwd.starts_with(project));
        Self::beneath(paths, project, cwd.as_deref().unwrap_or(project))
    }

    /// Relative to `base`.
    pub(crate) fn beneath(paths: &[OsString], project: &Path, base: &Path) -> Result<Self, Error> {
        let relative = |path: &OsString| {
            let full = normalize(&base.join(path));
            let outside = || format!("`{}` is not in the project", printable(Path::new(path)));
            full.strip_prefix(project).map(Path::to_owned).map_err(|_| Error::Request(outside()))
        };
        paths.iter().map(relative).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn has(&self, path: &Path) -> bool {
        self.0.is_empty() || self.0.iter().any(|wanted| path.starts_with(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_working_directory_and_stay_in_the_project() {
        let wanted = |path: &str| Wanted::beneath(&[path.into()], "/p".as_ref(), "/p/src".as_ref());
        for (path, expected) in [("a", "src/a"), ("../b/./c", "b/c"), ("/p/d", "d"), (".", "src"), ("..", "")]
        {
            assert_eq!(wanted(path).ok().map(|it| it.0), Some(vec![expected.into()]), "{path}");
        }
        assert!(wanted("../../x").is_err() && wanted("/etc").is_err());
    }

    #[test]
    fn a_directory_is_wanted_with_all_that_is_in_it() {
        let wanted = Wanted(vec!["src".into()]);
        assert!(wanted.has("src/a".as_ref()) && wanted.has("src".as_ref()) && !wanted.has("srcs".as_ref()));
        assert!(Wanted(Vec::new()).has("x".as_ref()));
    }
}
