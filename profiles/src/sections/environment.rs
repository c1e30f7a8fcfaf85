//! `[environment]`: which variables of the caller a command sees, and which are set for it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use thiserror::Error;
use toml::Spanned;
use toml::de::{DeString, DeTable};

use crate::diagnostic::Fault;
use crate::section::{Licence, Section};
use crate::stated::{Stated, list, named};
use crate::value::{self, Item};

/// The environment by allow-list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// Names that are passed, and prefixes of such, written with a `*` at the end.
    pub pass: Vec<Cow<'static, str>>,
    /// Variables that are set, whatever the caller has.
    pub set: BTreeMap<String, String>,
}

impl Environment {
    /// Whether the caller's variable of this name is passed.
    pub fn passes(&self, name: &str) -> bool {
        check_variable(name).is_ok()
            && !OF_THE_SERVICE_MANAGER.contains(&name)
            && self.pass.iter().any(|pattern| covers(pattern, name))
    }

    pub(crate) fn read(
        file: &mut DeTable<'_>,
        parent: Option<&Self>,
        licence: Licence<'_>,
    ) -> Result<Self, Fault> {
        let mut keys = Section::open(file, "environment", &["pass", "set"], licence)?;
        let entry = |entry: &Cow<'_, str>, other: &Cow<'_, str>| covers(entry, other);
        let section = Self {
            pass: keys.take_list("pass", parent.map(|p| &p.pass), pattern, entry)?,
            set: read_set(&mut keys, parent.map(|p| &p.set))?,
        };
        keys.close()?;
        Ok(section)
    }

    pub(crate) fn state(&self) -> Stated {
        let Self { pass, set } = self;
        let set = set.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
        vec![("pass", list(pass.iter().map(AsRef::as_ref))), ("set", named(set))]
    }
}

/// Checks a variable's name, wherever it comes from: a profile, a request, the command line.
pub fn check_variable(name: &str) -> Result<(), VariableError> {
    check_form(name)?;
    match LOADER_VARIABLES.iter().find(|loader| covers(loader, name)) {
        Some(loader) => Err(VariableError::Loader { pattern: name.to_owned(), loader }),
        None => Ok(()),
    }
}

/// Why a variable is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VariableError {
    /// No name at all.
    #[error("a variable needs a name")]
    Empty,
    /// A `=` or a NUL in the name.
    #[error("{0:?} cannot be a variable's name")]
    Malformed(String),
    /// It changes what code programs run before their own.
    #[error("`{pattern}` stands for a variable that changes what code programs load (`{loader}`)")]
    Loader {
        /// What was named.
        pattern: String,
        /// What that is, or would bring in.
        loader: &'static str,
    },
    /// A NUL in the value.
    #[error("the value of `{0}` cannot hold a NUL byte")]
    Value(String),
}

/// How a service and its manager talk: no command speaks in our name, whatever a pattern covers.
const OF_THE_SERVICE_MANAGER: [&str; 8] = [
    "CREDENTIALS_DIRECTORY",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// What the dynamic loader, C libraries and shells take code, or paths to code, from.
const LOADER_VARIABLES: &[&str] = &[
    "LD_*",
    "GCONV_PATH",
    "GETCONF_DIR",
    "GLIBC_TUNABLES",
    "HOSTALIASES",
    "LOCPATH",
    "MALLOC_TRACE",
    "NIS_PATH",
    "NLSPATH",
    "RESOLV_HOST_CONF",
    "BASH_ENV",
    "BASH_FUNC_*",
    "ENV",
    "SHELLOPTS",
    "BASHOPTS",
    "PROMPT_COMMAND",
    "IFS",
];

/// Whether a name or prefix stands for a name, or for all that another prefix stands for.
fn covers(pattern: &str, other: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => other.starts_with(prefix),
        None => pattern == other,
    }
}

fn check_form(name: &str) -> Result<(), VariableError> {
    match name {
        "" => Err(VariableError::Empty),
        _ if name.contains(['=', '\0']) => Err(VariableError::Malformed(name.to_owned())),
        _ => Ok(()),
    }
}

/// Checks a name or a prefix; a prefix must not be able to bring in a variable of the loader.
fn check_pattern(pattern: &str) -> Result<(), VariableError> {
    let prefix = pattern.strip_suffix('*');
    if prefix.unwrap_or(pattern).contains('*') {
        return Err(VariableError::Malformed(pattern.to_owned()));
    }
    let Some(prefix) = prefix else {
        return check_variable(pattern);
    };
    let meets = |loader: &&&str| covers(loader, prefix) || loader.trim_end_matches('*').starts_with(prefix);
    match LOADER_VARIABLES.iter().find(meets) {
        Some(loader) => Err(VariableError::Loader { pattern: pattern.to_owned(), loader }),
        None => check_form(prefix),
    }
}

fn pattern(item: &Item<'_>) -> Result<Cow<'static, str>, Fault> {
    let pattern = value::string(item)?;
    check_pattern(pattern).map_err(|error| Fault::new(item.span(), error.to_string()))?;
    Ok(Cow::Owned(pattern.to_owned()))
}

/// Joins the variables of this file to those inherited.
fn read_set(
    keys: &mut Section<'_, '_>,
    inherited: Option<&BTreeMap<String, String>>,
) -> Result<BTreeMap<String, String>, Fault> {
    let Some((_, item)) = keys.remove("set") else {
        return inherited.cloned().ok_or_else(|| keys.missing("set"));
    };
    let mut set = inherited.cloned().unwrap_or_default();
    for (name, item) in value::table(item).map_err(in_set)? {
        let place = name.span();
        let (name, value) = variable(&name, &item).map_err(in_set)?;
        keys.check_entry(place, "set", set.get(&name) == Some(&value))?;
        set.insert(name, value);
    }
    Ok(set)
}

fn variable(name: &Spanned<DeString<'_>>, item: &Item<'_>) -> Result<(String, String), Fault> {
    check_variable(name.get_ref()).map_err(|error| Fault::new(name.span(), error.to_string()))?;
    let (name, value) = (name.get_ref().to_string(), value::string(item)?.to_owned());
    match value.contains('\0') {
        true => Err(Fault::new(item.span(), VariableError::Value(name).to_string())),
        false => Ok((name, value)),
    }
}

fn in_set(fault: Fault) -> Fault {
    fault.in_key("set", "environment")
}
