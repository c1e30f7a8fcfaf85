//! Follows `extends`: the parent is loaded first, and the child read over it.

use std::error::Error;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;

use crate::diagnostic::Fault;
use crate::error::ProfileError;
use crate::heading::Heading;
use crate::load::{Found, Source};
use crate::origin::Origins;
use crate::profile::{Profile, Widening};
use crate::section::Licence;

/// Follows a chain of `extends`.
pub(crate) struct Loader<'a> {
    user_config_dir: Option<&'a Path>,
    chain: Vec<PathBuf>,
    /// Where the values come from; nobody asks before a run.
    origins: Option<Origins>,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(user_config_dir: Option<&'a Path>) -> Self {
        Self { user_config_dir, chain: Vec::new(), origins: None }
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
        let found = Found::find(name, self.user_config_dir, Some(&child.path));
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
