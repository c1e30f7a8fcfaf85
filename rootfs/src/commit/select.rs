//! `--only`: which of the changes are asked for.

use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::error::CommitError;

/// What is asked for.
pub(crate) struct Selection(Option<GlobSet>);

impl Selection {
    /// All paths that a pattern matches, and all below them; everything where there is no pattern. A `*`
    /// stays within one name, `**` does not.
    pub(crate) fn new(patterns: &[String]) -> Result<Self, CommitError> {
        if patterns.is_empty() {
            return Ok(Self(None));
        }
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let plain = pattern.trim_start_matches("./").trim_end_matches('/');
            let glob = GlobBuilder::new(plain).literal_separator(true).build();
            set.add(glob.map_err(|source| CommitError::Pattern { pattern: pattern.clone(), source })?);
        }
        let set = set.build();
        set.map(|set| Self(Some(set)))
            .map_err(|source| CommitError::Pattern { pattern: patterns.join(" "), source })
    }

    pub(crate) fn holds(&self, path: &Path) -> bool {
        let Some(set) = &self.0 else { return true };
        path.ancestors().filter(|it| !it.as_os_str().is_empty()).any(|it| set.is_match(it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_holds_what_it_matches_and_what_lies_in_that() {
        let selection = Selection::new(&["src".into(), "docs/*.md".into(), "**/*.lock".into()]).unwrap();
        for path in ["src", "src/a/b", "docs/x.md", "a/b/c.lock", "top.lock"] {
            assert!(selection.holds(Path::new(path)), "{path}");
        }
        for path in ["srcs", "docs/deep/x.md", "lib/a"] {
            assert!(!selection.holds(Path::new(path)), "{path}");
        }
        assert!(Selection::new(&[]).unwrap().holds(Path::new("anything")));
        assert!(Selection::new(&["a[".into()]).is_err());
    }
}
