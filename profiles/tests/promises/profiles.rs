//! A folder of profiles for a test, and what loading one of them says.

use std::fs;
use std::path::PathBuf;

use clearing_profiles::{ChosenProfile, Profile, ProfileError, Sources};
use tempfile::TempDir;

/// Profiles by name, in a user's configuration directory of their own.
pub(crate) struct Profiles {
    folder: TempDir,
}

impl Profiles {
    /// Writes each text to the file of its name.
    pub(crate) fn new<'t>(files: impl IntoIterator<Item = (&'t str, &'t [u8])>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let profiles = folder.path().join("clearing/profiles");
        fs::create_dir_all(&profiles).expect("a folder for profiles");
        for (name, text) in files {
            fs::write(profiles.join(format!("{name}.toml")), text).expect("a profile is written");
        }
        Self { folder }
    }

    /// The file of a profile.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("clearing/profiles/{name}.toml"))
    }

    /// Finds a profile as a user of this configuration directory does.
    pub(crate) fn find(&self, name: &str) -> Result<Profile, ProfileError> {
        Profile::find(name, Some(self.folder.path()))
    }

    /// What is read for it.
    pub(crate) fn sources(&self, name: &str) -> Sources {
        ChosenProfile::find_in(name, Some(self.folder.path())).expect("the profile is found").1
    }

    /// The whole message of the error that finding a profile gives, without the folder.
    pub(crate) fn message(&self, name: &str) -> String {
        let error = self.find(name).expect_err("the profile is faulty");
        let folder = format!("{}/", self.folder.path().join("clearing/profiles").display());
        error.to_string().replace(&folder, "")
    }
}

/// Loads one text as `strict.toml`.
pub(crate) fn load(text: &str) -> Result<Profile, ProfileError> {
    Profiles::new([("strict", text.as_bytes())]).find("strict")
}

/// The whole message of the error that loading one text as `strict.toml` gives.
pub(crate) fn message(text: &str) -> String {
    Profiles::new([("strict", text.as_bytes())]).message("strict")
}
