//! What is hidden among the paths that are to change.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ways::Ways;
use super::{Hidden, HiddenError, HiddenPath, HideRules};

/// What was hidden from the commands of a session, and the rules by which more is hidden now.
#[derive(Debug, Default)]
pub struct Hiding {
    rules: Arc<HideRules>,
    earlier: Hidden,
    index: Option<PathBuf>,
    is_everywhere: bool,
}

impl Hiding {
    /// The rules, and what was hidden `earlier`, links and other names followed. `index` is as in
    /// [`Hidden::search`].
    pub fn new(rules: HideRules, earlier: &[HiddenPath], index: PathBuf) -> Self {
        let earlier = Hidden::of(earlier);
        Self { rules: rules.shared(), earlier, index: Some(index), is_everywhere: false }
    }

    /// The same, where nobody has searched the project yet.
    pub fn everywhere(self) -> Self {
        Self { is_everywhere: true, ..self }
    }

    /// What was hidden from the commands.
    pub(crate) fn earlier(&self) -> &Hidden {
        &self.earlier
    }

    /// What is hidden of these paths, of what leads to them and of what is in them; the whole project is searched
    /// for what else lies `behind` them.
    ///
    /// A search of the project takes longer the larger it is, and the last command's has found what there was.
    /// What came since is looked for on the ways: by its name, by what it holds, and by links that lie beside.
    pub(crate) fn of_paths<'a>(
        &self,
        project: &Path,
        paths: impl Iterator<Item = &'a Path>,
        behind: Behind,
    ) -> Result<Hidden, HiddenError> {
        let rules = Arc::clone(&self.rules);
        let hidden = if self.is_everywhere || behind == Behind::OtherNames {
            Hidden::find(project, rules, self.index.as_deref(), None)?
        } else {
            Hidden::find(project, rules, None, Some(&Ways::to(paths)))?
        };
        Ok(hidden.with(&self.earlier.paths))
    }
}

/// What else some paths may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Each is all that there is.
    Nothing,
    /// Among them is a file with other names, or a directory with whatever is in it.
    OtherNames,
}
