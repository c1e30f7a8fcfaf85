//! Why a profile cannot be had.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::builtin;
use crate::diagnostic::Diagnostic;
use crate::suggest::did_you_mean;

/// Why a profile cannot be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// Neither a file in the user's configuration nor a built-in profile has the name.
    #[error("no profile is named `{name}`")]
    NotFound {
        /// What was asked for.
        name: String,
    },
    /// The file cannot be read.
    #[error("cannot read the profile {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is larger than any profile.
    #[error("{} is longer than a profile can be, {limit} bytes", path.display())]
    TooLong {
        /// Which file.
        path: PathBuf,
        /// How long it can be.
        limit: u64,
    },
    /// What an environment variable says is wrong.
    #[error("{name}={value}: {message}")]
    Variable {
        /// The variable.
        name: String,
        /// What it holds, as far as it can be shown.
        value: String,
        /// What is wrong with that.
        message: String,
        /// The way forward.
        hint: Option<String>,
    },
    /// Something in the file is wrong, and this is where.
    #[error(transparent)]
    Faulty(#[from] Box<Diagnostic>),
}

impl ProfileError {
    /// Whether there is no such file.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self, Self::Unreadable { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }

    /// The way forward, if there is one to tell. What is [`ProfileError::Faulty`] shows its own.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { name } => did_you_mean(name, builtin::names()).or_else(|| {
                let names: Vec<&str> = builtin::names().collect();
                Some(format!("built in: {}; a path has a `/` or ends in `.toml`", names.join(", ")))
            }),
            Self::Variable { hint, .. } => hint.clone(),
            Self::Unreadable { .. } | Self::TooLong { .. } | Self::Faulty(_) => None,
        }
    }
}
