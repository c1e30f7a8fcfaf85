//! A private file of the caller's, outside the project.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::Site;

/// A file in the caller's home, mode 0600, that holds a secret.
pub struct SecretFile {
    path: PathBuf,
    secret: String,
}

impl SecretFile {
    /// Writes it; it goes with the site.
    pub fn new(site: &Site) -> Self {
        let secret = super::secret();
        let path = site.write_home(".secrets/token", &secret);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("chmod of an own file");
        Self::of(path, secret)
    }

    /// One that was written already.
    pub(super) fn of(path: PathBuf, secret: String) -> Self {
        Self { path, secret }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What must not come out.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Whether it is as it was written.
    pub fn is_intact(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|contents| contents == self.secret)
    }
}
