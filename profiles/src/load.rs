//! Loads profiles: from the program, or from a file that the user names.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use crate::builtin;
use crate::chain::Loader;
use crate::diagnostic::{Fault, line_and_column};
use crate::error::ProfileError;
use crate::origin::{Origin, Place};
use crate::profile::Profile;

impl Profile {
    /// Loads a profile that comes with the program.
    pub fn builtin(name: &str) -> Result<Self, ProfileError> {
        Loader::new(None).load(builtin::find(name)?)
    }

    /// Loads a profile from a file; `extends` in it names a built-in profile or a path from there.
    pub fn load(path: &Path) -> Result<Self, ProfileError> {
        let source = Source::file(path)?;
        Loader::new(None).load(Found::File(source))
    }

    /// Loads a profile by name or path, as a user says it.
    ///
    /// What has a `/` or ends in `.toml` is a path. A name is looked for in `clearing/profiles/` of
    /// the user's configuration directory, then among the built-in profiles.
    pub fn find(name_or_path: &str, user_config_dir: Option<&Path>) -> Result<Self, ProfileError> {
        let mut loader = Loader::new(user_config_dir);
        let found = loader.find(name_or_path, None)?;
        loader.load(found)
    }
}

/// A profile that comes with the program.
#[derive(Clone, Copy)]
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    pub(crate) make: fn() -> Profile,
    /// Its file, which says where its values come from.
    pub(crate) text: &'static str,
}

/// What a name or a path stands for.
pub(crate) enum Found {
    /// A profile that comes with the program, resolved.
    Builtin(Builtin),
    /// A file, still to be read.
    File(Source),
}

/// Whether it is the path of a profile, and not its name.
pub fn is_path(name_or_path: &str) -> bool {
    name_or_path.contains('/') || name_or_path.ends_with(".toml")
}

/// A profile's text before it is read.
pub(crate) struct Source {
    /// The file, which is also what tells one profile from another.
    pub(crate) path: PathBuf,
    /// As errors name it.
    label: String,
    /// The profile's own name.
    pub(crate) name: String,
    pub(crate) text: String,
    kind: Kind,
}

/// Whose text it is.
enum Kind {
    Program,
    User,
    Project,
    Variable,
}

impl Source {
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
            path: path.canonicalize().unwrap_or_else(|_| path.to_owned()),
            label,
            name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            text,
            kind: Kind::User,
        })
    }

    /// The file of a profile that comes with the program.
    pub(crate) fn builtin(builtin: Builtin) -> Self {
        Self::of(Kind::Program, builtin.name, builtin.text.to_owned())
    }

    /// What a project brings, from the file that `label` names.
    pub(crate) fn of_project(label: &str, bytes: Vec<u8>) -> Result<Self, ProfileError> {
        let text = String::from_utf8(bytes).map_err(|error| not_utf8(label, &error))?;
        Ok(Self::of(Kind::Project, label, text))
    }

    /// What the environment variable `name` says, as a file would.
    pub(crate) fn of_variable(name: &str, text: String) -> Self {
        Self::of(Kind::Variable, name, text)
    }

    fn of(kind: Kind, label: &str, text: String) -> Self {
        Self { path: PathBuf::from(label), label: label.to_owned(), name: label.to_owned(), text, kind }
    }

    /// Where a value comes from that stands at this place.
    pub(crate) fn origin(&self, place: usize) -> Origin {
        let (line, column) = line_and_column(&self.text, place);
        let place = Place { file: self.label.clone(), line, column };
        match self.kind {
            Kind::Program => Origin::Builtin(place),
            Kind::User => Origin::File(place),
            Kind::Project => Origin::Project(place),
            Kind::Variable => Origin::Variable { name: place.file },
        }
    }

    /// The error that a fault in this text is.
    pub(crate) fn at_fault(&self, fault: Fault) -> ProfileError {
        ProfileError::Faulty(Box::new(fault.diagnose(&self.label, &self.text)))
    }
}

/// Longer files are no profiles.
const LONGEST: u64 = 1 << 20;

/// The text up to the first wrong byte is what it is, so its length is the place.
fn not_utf8(label: &str, error: &FromUtf8Error) -> ProfileError {
    let place = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes());
    ProfileError::Faulty(Box::new(Fault::new(place..place, "not UTF-8").diagnose(label, &text)))
}
