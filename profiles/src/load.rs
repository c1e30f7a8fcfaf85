//! Finds a profile's text, follows `extends`, and reads it.

use std::borrow::Cow;
use std::error::Error;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use toml::Spanned;
use toml::de::DeTable;

use crate::builtin;
use crate::diagnostic::Fault;
use crate::error::ProfileError;
use crate::heading::Heading;
use crate::profile::{Profile, Widening};
use crate::section::Licence;

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
        let mut loader = Loader::new(user_config_dir);
        let source = loader.source(name_or_path, None)?;
        loader.load(&source)
    }
}

/// Longer chains are not understood by anyone.
const DEEPEST: usize = 8;

/// Longer files are no profiles.
const LONGEST: u64 = 1 << 20;

/// Where a text comes from, which is also what tells one profile from another.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Builtin(&'static str),
    File(PathBuf),
}

/// A profile's text before it is read.
struct Source {
    origin: Origin,
    /// As errors name it.
    label: String,
    name: String,
    text: Cow<'static, str>,
}

impl Source {
    fn builtin(name: &str) -> Result<Self, ProfileError> {
        let found = builtin::profile(name);
        let (name, text) = found.ok_or_else(|| ProfileError::NotFound { name: name.to_owned() })?;
        Ok(Self {
            origin: Origin::Builtin(name),
            label: format!("builtin:{name}"),
            name: name.to_owned(),
            text: Cow::Borrowed(text),
        })
    }

    fn file(path: &Path) -> Result<Self, ProfileError> {
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

    fn at_fault(&self, fault: Fault) -> ProfileError {
        ProfileError::Faulty(Box::new(fault.diagnose(&self.label, &self.text)))
    }
}

/// Follows a chain of `extends`.
struct Loader<'a> {
    user_config_dir: Option<&'a Path>,
    chain: Vec<Origin>,
}

impl<'a> Loader<'a> {
    fn new(user_config_dir: Option<&'a Path>) -> Self {
        Self { user_config_dir, chain: Vec::new() }
    }

    fn load(&mut self, source: &Source) -> Result<Profile, ProfileError> {
        let at_fault = |fault| source.at_fault(fault);
        self.chain.push(source.origin.clone());
        let table = DeTable::parse(&source.text).map_err(|error| at_fault(syntax(&error)))?;
        let mut file = table.into_inner();
        let Heading { extends, widens } = Heading::read(&mut file).map_err(at_fault)?;
        let parent = extends.map(|extends| self.load_parent(&extends, source)).transpose()?;
        let licence = match (&parent, &widens) {
            (None, _) => Licence::Root,
            (Some(parent), None) => Licence::Narrow(&parent.name),
            (Some(_), Some(_)) => Licence::Widen,
        };
        let mut profile =
            Profile::read(&source.name, &mut file, parent.as_ref(), licence).map_err(at_fault)?;
        let widening = widens.map(|reason| Widening { profile: source.name.clone(), reason });
        profile.widened.extend(widening);
        Ok(profile)
    }

    fn load_parent(&mut self, extends: &Spanned<String>, child: &Source) -> Result<Profile, ProfileError> {
        let at_fault = |message: String| child.at_fault(Fault::new(extends.span(), message));
        let name = extends.get_ref();
        let source = self.source(name, Some(&child.origin)).map_err(|error| match error {
            ProfileError::Faulty(_) => error,
            missing => child.at_fault(Fault::new(extends.span(), chained(&missing)).hint_if(missing.hint())),
        })?;
        if self.chain.contains(&source.origin) {
            return Err(at_fault(format!("`{name}` is in this chain of profiles already")));
        }
        if self.chain.len() >= DEEPEST {
            return Err(at_fault(format!("more than {DEEPEST} profiles extend one another")));
        }
        self.load(&source)
    }

    /// Finds what a user, or the profile `from`, means by a name or a path.
    fn source(&self, name_or_path: &str, from: Option<&Origin>) -> Result<Source, ProfileError> {
        if name_or_path.contains('/') || name_or_path.ends_with(".toml") {
            return Source::file(&beside(from, name_or_path));
        }
        match self.user_file(name_or_path) {
            // A user's `default` that extends `default` means the built-in one.
            Some(path) if !is_file(from, &path) => match Source::file(&path) {
                Err(ProfileError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    Source::builtin(name_or_path)
                }
                found => found,
            },
            _ => Source::builtin(name_or_path),
        }
    }

    fn user_file(&self, name: &str) -> Option<PathBuf> {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_name = !name.is_empty() && !name.starts_with('.') && name.chars().all(plain);
        let folder = self.user_config_dir.filter(|_| is_name)?.join("clearing/profiles");
        Some(folder.join(format!("{name}.toml")))
    }
}

/// A path as a profile means it: from its own folder.
fn beside(from: Option<&Origin>, path: &str) -> PathBuf {
    match from {
        Some(Origin::File(file)) => file.parent().unwrap_or(file).join(path),
        _ => PathBuf::from(path),
    }
}

fn is_file(origin: Option<&Origin>, path: &Path) -> bool {
    let Some(Origin::File(file)) = origin else { return false };
    path.canonicalize().is_ok_and(|path| path == *file)
}

fn syntax(error: &toml::de::Error) -> Fault {
    Fault::new(error.span().unwrap_or_default(), error.message())
}

/// The text up to the first wrong byte is what it is, so its length is the place.
fn not_utf8(label: &str, error: &FromUtf8Error) -> ProfileError {
    let place = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes());
    ProfileError::Faulty(Box::new(Fault::new(place..place, "not UTF-8").diagnose(label, &text)))
}

/// An error and its causes on one line.
fn chained(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chained(source)),
        None => error.to_string(),
    }
}
