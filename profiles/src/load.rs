//! Loads profiles: from the program, or from a file that the user names.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use crate::builtin;
use crate::chain::Loader;
use crate::diagnostic::Fault;
use crate::error::ProfileError;
use crate::profile::Profile;

impl Profile {
    /// Loads a profile that comes with the program.
    pub fn builtin(name: &str) -> Result<Self, ProfileError> {
        let source = Source::builtin(name)?;
        Loader::new(None).load(&source)
    }

    /// Loads a profile from a file; `extends` in it names a built-in profile or a path from there.
    pub fn load(path: &Path) -> Result<Self, ProfileError> {
        let source = Source::file(path)?;
        Loader::new(None).load(&source)
    }

    /// Loads a profile by name or path, as a user says it.
    ///
    /// What has a `/` or ends in `.toml` is a path. A name is looked for in `clearing/profiles/` of
    /// the user's configuration directory, then among the built-in profiles.
    pub fn find(name_or_path: &str, user_config_dir: Option<&Path>) -> Result<Self, ProfileError> {
        let source = Source::find(name_or_path, user_config_dir, None)?;
        Loader::new(user_config_dir).load(&source)
    }
}

/// Where a text comes from, which is also what tells one profile from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Builtin(&'static str),
    File(PathBuf),
}

/// A profile's text before it is read.
pub(crate) struct Source {
    pub(crate) origin: Origin,
    /// As errors name it.
    label: String,
    /// The profile's own name.
    pub(crate) name: String,
    pub(crate) text: Cow<'static, str>,
}

impl Source {
    /// Finds what a user, or the profile `from`, means by a name or a path.
    pub(crate) fn find(
        name_or_path: &str,
        user_config_dir: Option<&Path>,
        from: Option<&Origin>,
    ) -> Result<Self, ProfileError> {
        if name_or_path.contains('/') || name_or_path.ends_with(".toml") {
            return Self::file(&beside(from, name_or_path));
        }
        match user_config_dir.and_then(|folder| user_file(folder, name_or_path)) {
            Some(path) if !knows_only_builtin(from, &path) => match Self::file(&path) {
                Err(ProfileError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    Self::builtin(name_or_path)
                }
                found => found,
            },
            _ => Self::builtin(name_or_path),
        }
    }

    pub(crate) fn builtin(name: &str) -> Result<Self, ProfileError> {
        let found = builtin::profile(name);
        let (name, text) = found.ok_or_else(|| ProfileError::NotFound { name: name.to_owned() })?;
        Ok(Self {
            origin: Origin::Builtin(name),
            label: format!("builtin:{name}"),
            name: name.to_owned(),
            text: Cow::Borrowed(text),
        })
    }

    pub(crate) fn file(path: &Path) -> Result<Self, ProfileError> {
        let unreadable = |source| ProfileError::Unreadable { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > LONGEST {
            return Err(ProfileError::TooLong { path: path.to_owned(), limit: LONGEST });
        }
        let label = path.display().to_string();
        let text = String::from_utf8(bytes).map_err(|error| not_utf8(&label, &error))?;
        Ok(Self {
            // A pipe, as of `-p <(…)`, has no path of its own.
            origin: Origin::File(path.canonicalize().unwrap_or_else(|_| path.to_owned())),
            label,
            name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            text: Cow::Owned(text),
        })
    }

    /// The error that a fault in this text is.
    pub(crate) fn at_fault(&self, fault: Fault) -> ProfileError {
        ProfileError::Faulty(Box::new(fault.diagnose(&self.label, &self.text)))
    }
}

/// Longer files are no profiles.
const LONGEST: u64 = 1 << 20;

/// A path as a profile means it: from its own folder.
fn beside(from: Option<&Origin>, path: &str) -> PathBuf {
    match from {
        Some(Origin::File(file)) => file.parent().unwrap_or(file).join(path),
        _ => PathBuf::from(path),
    }
}

fn user_file(user_config_dir: &Path, name: &str) -> Option<PathBuf> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = !name.is_empty() && !name.starts_with('.') && name.chars().all(plain);
    is_name.then(|| user_config_dir.join("clearing/profiles").join(format!("{name}.toml")))
}

/// A built-in profile extends built-in ones, and a user's `default` that extends `default` means that one.
fn knows_only_builtin(from: Option<&Origin>, path: &Path) -> bool {
    match from {
        None => false,
        Some(Origin::Builtin(_)) => true,
        Some(Origin::File(file)) => path.canonicalize().is_ok_and(|path| path == *file),
    }
}

/// The text up to the first wrong byte is what it is, so its length is the place.
fn not_utf8(label: &str, error: &FromUtf8Error) -> ProfileError {
    let place = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes());
    ProfileError::Faulty(Box::new(Fault::new(place..place, "not UTF-8").diagnose(label, &text)))
}
