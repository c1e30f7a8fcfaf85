//! Decides what is permitted: profiles, and the table of system calls. Pure: it knows no kernel,
//! no process and no session.
//!
//! # Terms
//!
//! - A **profile** is the written permission: a TOML file with the sections `[filesystem]`,
//!   `[network]`, `[environment]`, `[commands]`, `[limits]`, `[output]`, `[rollback]`, `[patch]`, `[syscalls]`, `[landlock]` and `[guards]`.
//! - A profile **extends** one parent and states what differs. It can only **narrow** it, each key
//!   permitting as much or less, unless it says `widen = true` and a `reason`.
//! - In the lists `read` and `pass`, `"..."` stands for what the parent's list holds.
//! - A **guard** is one isolation mechanism, `"required"` or `"best-effort"`.
//! - A **rule** of the table says what the kernel answers to one system call, and why.
//!
//! # Example
//!
//! ```
//! use clearing_profiles::{Guard, NetworkMode, Profile, Requirement};
//!
//! let folder = std::env::temp_dir().join(format!("clearing-doc-{}", std::process::id()));
//! std::fs::create_dir_all(&folder)?;
//! let file = folder.join("strict.toml");
//!
//! std::fs::write(&file, "extends = 'default'\n[limits]\ntimeout = '30s'\n")?;
//! let profile = Profile::load(&file)?;
//! assert_eq!(profile.network.mode, NetworkMode::None);
//! assert_eq!(profile.guards.requirement(Guard::Seccomp), Requirement::Required);
//!
//! std::fs::write(&file, "extends = 'default'\n[limits]\ntimout = '30s'\n")?;
//! let error = Profile::load(&file).unwrap_err().to_string();
//! assert!(error.ends_with(
//!     "strict.toml:3:1: unknown key `timout` in [limits]\n  \
//!      3 | timout = '30s'\n    \
//!        | ^^^^^^\n\
//!      hint: did you mean `timeout`?"
//! ));
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod builtin;
mod chain;
mod chosen;
mod commands;
mod diagnostic;
mod error;
mod heading;
mod kept;
mod limit_values;
mod load;
mod origin;
mod profile;
mod protected;
mod python;
mod quantity;
mod risk;
mod section;
mod sections;
mod sensitive;
mod shown;
mod sources;
mod stated;
mod suggest;
mod syscalls;
mod value;
mod variables;

pub use builtin::names as builtin_names;
pub use chosen::{ChosenProfile, PROJECT_FILE, PROJECT_FILE_LONGEST};
pub use commands::{Basis, Begins, Decision, Judgement, Rule, Rules, Ruling};
pub use diagnostic::Diagnostic;
pub use error::ProfileError;
pub use kept::{KeptName, KeptNames, Verb, kept_names};
pub use limit_values::{LimitError, LimitName, check_limit, limit_range};
pub use load::is_path;
pub use origin::{Origin, Place};
pub use profile::{Profile, Widening};
pub use protected::{ProtectedName, protected_names};
pub use python::{Finding, PYTHON_LONGEST, Severity, python_findings};
pub use quantity::{QuantityError, parse_duration, parse_size, write_duration, write_size};
pub use risk::{DEEDS, Deed, OFFSET, Risk, RiskLevel, RiskReason, risk};
pub use sections::{
    Commands, Environment, Filesystem, Guard, Guards, HostPath, HostPathError, Landlock, LayerPlace, Limits,
    Network, NetworkMode, Output, Patch, Requirement, Rollback, Syscalls, Tier, Trigger, VariableError,
    check_variable,
};
pub use sensitive::{Sensitive, SensitiveRule, sensitive};
pub use shown::ShownProfile;
pub use sources::Sources;
pub use stated::Difference;
pub use syscalls::{Answer, Comparison, Condition, SyscallRule, Width, never, syscall, syscalls};
