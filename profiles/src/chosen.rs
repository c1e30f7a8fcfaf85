//! The profile that a caller chose, and what narrows or changes it for one project and one call.

use std::ffi::OsStr;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use crate::chain::{Loader, syntax};
use crate::diagnostic::Fault;
use crate::error::ProfileError;
use crate::heading::refuse_outside;
use crate::load::Source;
use crate::origin::{Origin, Origins};
use crate::profile::Profile;
use crate::section::Licence;
use crate::sources::Sources;
use crate::variables;

/// Where a project has its own file.
pub const PROJECT_FILE: &str = ".clearing/profile.toml";
/// Longer ones are no project's: whoever wrote it must not keep anybody busy.
pub const PROJECT_FILE_LONGEST: usize = 64 << 10;
/// The most values that a project's file states.
const MOST_VALUES: usize = 1000;

/// A chosen profile: by its name or path, then narrowed by the project's file and the environment, then
/// changed by the options of the call.
#[derive(Debug, Clone)]
pub struct ChosenProfile {
    pub(crate) profile: Profile,
    pub(crate) origins: Option<Origins>,
}

impl ChosenProfile {
    /// Loads what [`Profile::find`] finds.
    pub fn find(name_or_path: &str, user_config_dir: Option<&Path>) -> Result<Self, ProfileError> {
        Self::find_in(name_or_path, user_config_dir).map(|(found, _)| found)
    }

    /// The same, with what was read for it.
    pub fn find_in(
        name_or_path: &str,
        user_config_dir: Option<&Path>,
    ) -> Result<(Self, Sources), ProfileError> {
        let mut loader = Loader::new(user_config_dir);
        let found = loader.find(name_or_path, None)?;
        let profile = loader.load(found)?;
        Ok((Self { profile, origins: None }, loader.into_sources()))
    }

    /// The same, and keeps where each value comes from, which takes longer.
    pub fn trace(name_or_path: &str, user_config_dir: Option<&Path>) -> Result<Self, ProfileError> {
        let mut loader = Loader::new(user_config_dir);
        let found = loader.find(name_or_path, None)?;
        let (profile, origins) = loader.trace(found)?;
        Ok(Self { profile, origins: Some(origins) })
    }

    /// Narrows it by what a project brings, from the file that `label` names. Whatever the file says, nothing
    /// is permitted that was not before; a file that tries is refused.
    pub fn narrow_by_project(&mut self, label: &str, text: Vec<u8>) -> Result<(), ProfileError> {
        let source = Source::of_project(label, text)?;
        self.narrow(&source, refuse_callers_own).map_err(|fault| source.at_fault(fault))
    }

    /// Narrows it by the environment variables that mirror keys, as `CLEARING_LIMITS_MEMORY`. `variables` are
    /// all that begin with `CLEARING_`: one that means nothing is refused.
    pub fn narrow_by_variables<'v>(
        &mut self,
        variables: impl IntoIterator<Item = (&'v str, &'v OsStr)>,
    ) -> Result<(), ProfileError> {
        let mut variables: Vec<_> =
            variables.into_iter().filter(|(name, _)| !variables::is_other(name)).collect();
        variables.sort_unstable();
        for (name, value) in variables {
            let refused = |fault: Fault| variables::refused(name, value, fault);
            let text = variables::as_file(&self.profile, name, value).map_err(refused)?;
            self.narrow(&Source::of_variable(name, text), |_| Ok(())).map_err(refused)?;
        }
        Ok(())
    }

    /// Changes a key as an option of the call says; the caller may permit more.
    pub fn set(&mut self, section: &str, key: &str, flag: &str, change: impl FnOnce(&mut Profile)) {
        change(&mut self.profile);
        if let Some(origins) = &mut self.origins {
            origins.set(section, key, Origin::Flag { name: flag.to_owned() });
        }
    }

    /// What is permitted.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// What is permitted, for whoever needs nothing else.
    pub fn into_profile(self) -> Profile {
        self.profile
    }

    fn narrow(
        &mut self,
        source: &Source,
        check: impl Fn(&DeTable<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut file = DeTable::parse(&source.text).map_err(|error| syntax(&error))?.into_inner();
        refuse_outside(&file)?;
        check(&file)?;
        if let Some(origins) = &mut self.origins {
            origins.record(source, &file);
        }
        let parent = &self.profile;
        self.profile = Profile::read(&parent.name, &mut file, Some(parent), Licence::Outside(&parent.name))?;
        Ok(())
    }
}

/// What only the caller can say, by section and key; an empty key is the whole section.
const CALLERS_OWN: &[(&str, &str, &str)] = &[
    ("filesystem", "read", "which paths of the host can be read"),
    ("guards", "tier", "how little isolation is accepted"),
    ("rollback", "", "what is kept of a session's history"),
];

fn refuse_callers_own(file: &DeTable<'_>) -> Result<(), Fault> {
    for (section, key, what) in CALLERS_OWN {
        let Some((place, item)) = file.get_key_value(*section) else { continue };
        let stated = match (*key, item.get_ref()) {
            ("", _) => Some(place),
            (key, DeValue::Table(keys)) => keys.get_key_value(key).map(|(place, _)| place),
            _ => None,
        };
        if let Some(place) = stated {
            return Err(Fault::new(place.span(), format!("a project's file cannot say {what}"))
                .hint("say it in your own profile, or as an option"));
        }
    }
    refuse_many(file)
}

/// Whatever reads them takes time for each, or for each pair.
fn refuse_many(file: &DeTable<'_>) -> Result<(), Fault> {
    let mut values = 0;
    for (section, item) in file {
        values += count(item.get_ref());
        if values > MOST_VALUES {
            let message = format!("a project's file states {MOST_VALUES} values at most");
            return Err(Fault::new(section.span(), message));
        }
    }
    Ok(())
}

/// How many values there are in it; the parser bounds how deep they lie.
fn count(value: &DeValue<'_>) -> usize {
    match value {
        DeValue::Array(items) => 1 + items.iter().map(|item| count(item.get_ref())).sum::<usize>(),
        DeValue::Table(table) => 1 + table.values().map(|item| count(item.get_ref())).sum::<usize>(),
        _ => 1,
    }
}
