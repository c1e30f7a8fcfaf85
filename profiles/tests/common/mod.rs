//! A folder of profiles for a test, and what loading one of them says.

use std::fs;

use clearing_profiles::{Profile, ProfileError};
use tempfile::TempDir;

/// Profiles by name, in a user's configuration directory of their own.
pub struct Profiles {
    folder: TempDir,
}

impl Profiles {
    /// Writes each text to the file of its name.
    pub fn new<'t>(files: impl IntoIterator<Item = (&'t str, &'t [u8])>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let profiles = folder.path().join("clearing/profiles");
        fs::create_dir_all(&profiles).expect("a folder for profiles");
        for (name, text) in files {
            fs::write(profiles.join(format!("{name}.toml")), text).expect("a profile is written");
        }
        Self { folder }
    }

    /// Finds a profile as a user of this configuration directory does.
    pub fn find(&self, name: &str) -> Result<Profile, ProfileError> {
        Profile::find(name, Some(self.folder.path()))
    }

    /// The whole message of the error that finding a profile gives, without the folder.
    pub fn message(&self, name: &str) -> String {
        let error = self.find(name).expect_err("the profile is faulty");
        let folder = format!("{}/", self.folder.path().join("clearing/profiles").display());
        error.to_string().replace(&folder, "")
    }
}

/// Loads one text as `strict.toml`.
pub fn load(text: &str) -> Result<Profile, ProfileError> {
    Profiles::new([("strict", text.as_bytes())]).find("strict")
}

/// The whole message of the error that loading one text as `strict.toml` gives.
pub fn message(text: &str) -> String {
    Profiles::new([("strict", text.as_bytes())]).message("strict")
}
