//! What of a project stays as it is, whatever a patch says: a commit would leave it so.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use clearing_profiles::{Filesystem, Profile};
use clearing_rootfs::{Hidden, HiddenPath, PathText, Rules};
use serde::{Deserialize, Serialize};

use crate::hiding::{read_only, rules};

/// The rules, and what they hid when they were looked at last.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Apart {
    hide: Vec<String>,
    show: Vec<String>,
    sensitive: bool,
    read_only: Vec<String>,
    /// Bytes of a path, and why it is hidden.
    hidden: Vec<(Vec<u8>, String)>,
}

impl Apart {
    pub(super) fn of(profile: &Profile, hidden: &Hidden) -> Self {
        let Filesystem { hide, show, sensitive, read_only, .. } = &profile.filesystem;
        let hidden = hidden.paths.iter();
        Self {
            hide: hide.clone(),
            show: show.clone(),
            sensitive: *sensitive,
            read_only: read_only.clone(),
            hidden: hidden.map(|it| (it.path.0.as_os_str().as_bytes().to_vec(), it.rule.clone())).collect(),
        }
    }

    /// The names that are protected and kept, and all this.
    pub(super) fn and(&self, names: Rules) -> Rules {
        let path = |bytes: &Vec<u8>| PathText(OsString::from_vec(bytes.clone()).into());
        let hidden =
            self.hidden.iter().map(|(bytes, rule)| HiddenPath { path: path(bytes), rule: rule.clone() });
        let hidden: Vec<HiddenPath> = hidden.collect();
        let rules = rules(&self.hide, &self.show, self.sensitive);
        Rules { hidden: Hidden::known(rules, &hidden), read_only: read_only(&self.read_only), ..names }
    }
}
