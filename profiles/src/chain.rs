//! Follows `extends`: the parent is loaded first, and the child read over it.

use std::error::Error;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;

use crate::builtin;
use crate::diagnostic::Fault;
use crate::error::ProfileError;
use crate::heading::Heading;
use crate::load::{Found, Source, is_path};
use crate::origin::Origins;
use crate::profile::{Profile, Widening};
use crate::section::Licence;
use crate::sources::Sources;

/// Follows a chain of `extends`.
pub(crate) struct Loader<'a> {
    user_config_dir: Option<&'a Path>,
    chain: Vec<PathBuf>,
    sources: Sources,
    /// Where the values come from; nobody asks before a run.
    origins: Option<Origins>,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(user_config_dir: Option<&'a Path>) -> Self {
        Self { user_config_dir, chain: Vec::new(), sources: Sources::default(), origins: None }
    }

    /// Finds what a user, or the profile in the file `from`, means by a name or a path.
    pub(crate) fn find(&mut self, name_or_path: &str, from: Option<&Path>) -> Result<Found, ProfileError> {
        if is_path(name_or_path) {
            return self.sources.read(&beside(from, name_or_path)).map(Found::File);
        }
        match self.user_config_dir.and_then(|folder| user_file(folder, name_or_path)) {
            Some(path) if !is_same(from, &path) => match self.sources.read(&path) {
                Err(error) if error.is_absence() => builtin::find(name_or_path),
                found => found.map(Found::File),
            },
            looked => {
                // It is the very file that asks, as long as it is that.
                looked.iter().for_each(|path| drop(self.sources.read(path)));
                builtin::find(name_or_path)
            }
        }
    }

    /// All that was read for it.
    pub(crate) fn into_sources(self) -> Sources {
        self.sources
    }

    /// Loads a profile; one from a file after its parent.
    pub(crate) fn load(&mut self, found: Found) -> Result<Profile, ProfileError> {
        match found {
            Found::Builtin(builtin) if self.origins.is_some() => self.read(&Source::builtin(builtin)),
            Found::Builtin(builtin) => Ok((builtin.make)()),
            Found::File(source) => self.read(&source),
        }
    }

    /// Loads a profile and tells where each of its values comes from.
    pub(crate) fn trace(mut self, found: Found) -> Result<(Profile, Origins), ProfileError> {
        self.origins = Some(Origins::default());
        Ok((self.load(found)?, self.origins.unwrap_or_default()))
    }

    fn read(&mut self, source: &Source) -> Result<Profile, ProfileError> {
        let at_fault = |fault| source.at_fault(fault);
        self.chain.push(source.path.clone());
        let table = DeTable::parse(&source.text).map_err(|error| at_fault(syntax(&error)))?;
        let mut file = table.into_inner();
        let Heading { extends, widens } = Heading::read(&mut file).map_err(at_fault)?;
        let parent = extends.map(|extends| self.load_parent(&extends, source)).transpose()?;
        let licence = match (&parent, &widens) {
            (None, _) => Licence::Root,
            (Some(parent), None) => Licence::Narrow(&parent.name),
            (Some(_), Some(_)) => Licence::Widen,
        };
        if let Some(origins) = &mut self.origins {
            origins.record(source, &file);
        }
        let mut profile =
            Profile::read(&source.name, &mut file, parent.as_ref(), licence).map_err(at_fault)?;
        let widening = widens.map(|reason| Widening { profile: source.name.clone(), reason });
        profile.widened.extend(widening);
        Ok(profile)
    }

    fn load_parent(&mut self, extends: &Spanned<String>, child: &Source) -> Result<Profile, ProfileError> {
        let at_fault = |message: String| child.at_fault(Fault::new(extends.span(), message));
        let name = extends.get_ref();
        let found = self.find(name, Some(&child.path));
        let parent = found.map_err(|error| match error {
            ProfileError::Faulty(_) => error,
            missing => child.at_fault(Fault::new(extends.span(), chained(&missing)).hint_if(missing.hint())),
        })?;
        if matches!(&parent, Found::File(source) if self.chain.contains(&source.path)) {
            return Err(at_fault(format!("`{name}` is in this chain of profiles already")));
        }
        if self.chain.len() >= DEEPEST {
            return Err(at_fault(format!("more than {DEEPEST} profiles extend one another")));
        }
        self.load(parent)
    }
}

/// A path as a profile means it: from its own folder.
fn beside(from: Option<&Path>, path: &str) -> PathBuf {
    match from {
        Some(file) => file.parent().unwrap_or(file).join(path),
        None => PathBuf::from(path),
    }
}

fn user_file(user_config_dir: &Path, name: &str) -> Option<PathBuf> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = !name.is_empty() && !name.starts_with('.') && name.chars().all(plain);
    is_name.then(|| user_config_dir.join("clearing/profiles").join(format!("{name}.toml")))
}

/// A user's `default` that extends `default` means the built-in one.
fn is_same(from: Option<&Path>, path: &Path) -> bool {
    from.is_some_and(|file| path.canonicalize().is_ok_and(|path| path == file))
}

/// Longer chains are not understood by anyone.
const DEEPEST: usize = 8;

pub(crate) fn syntax(error: &toml::de::Error) -> Fault {
    Fault::new(error.span().unwrap_or_default(), error.message())
}

/// An error and its causes on one line.
fn chained(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chained(source)),
        None => error.to_string(),
    }
}
